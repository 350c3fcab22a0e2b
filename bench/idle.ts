import { setTimeout as delay } from 'node:timers/promises';
import { BenchNodeRed } from './support/node-red';
import { memoryNow } from './support/process';
import { median, printTable, spread } from './support/report';

interface IdleMeasure {
  seconds: number;
  memoryMb: number;
}

/** Resident memory needs a moment after the start to settle. */
const SETTLE_MS = 4000;

async function measure(withPackage: boolean): Promise<IdleMeasure> {
  const nodeRed = await BenchNodeRed.start({ flows: [], withPackage });
  try {
    await delay(SETTLE_MS);
    return { seconds: nodeRed.startSeconds, memoryMb: memoryNow(nodeRed.pid) ?? Number.NaN };
  } finally {
    await nodeRed.stop();
  }
}

/** What the package adds to a Node-RED 5 that does nothing: pairs of starts, with and without, in turns. */
export async function benchIdle(passes: number): Promise<number> {
  const bare: IdleMeasure[] = [];
  const withPackage: IdleMeasure[] = [];
  await measure(true);
  for (let pass = 0; pass < passes; pass++) {
    bare.push(await measure(false));
    withPackage.push(await measure(true));
  }
  const memory = (runs: IdleMeasure[]) => runs.map((run) => run.memoryMb);
  const seconds = (runs: IdleMeasure[]) => runs.map((run) => run.seconds);
  const added = (of: (runs: IdleMeasure[]) => number[]) => median(of(withPackage)) - median(of(bare));
  return printTable(`Idle Node-RED 5, median of ${passes} interleaved starts`, [
    { what: 'memory, bare', value: median(memory(bare)), unit: 'MB' },
    { what: 'memory, spread of the bare runs', value: spread(memory(bare)), unit: 'MB' },
    { what: 'start, bare', value: median(seconds(bare)), unit: 's' },
    { what: 'start, spread of the bare runs', value: spread(seconds(bare)), unit: 's' },
    { what: 'memory that the package adds', value: added(memory), unit: 'MB', limit: { atMost: 45 } },
    { what: 'start time that the package adds', value: added(seconds), unit: 's', limit: { atMost: 0.7 } },
  ]);
}
