import { setTimeout as delay } from 'node:timers/promises';
import { BenchNodeRed } from './support/node-red';
import { memoryNow } from './support/process';
import { type Figure, median, printTable, spread } from './support/report';

interface IdleMeasure {
  seconds: number;
  memoryMb: number;
}

/** Resident memory needs a moment after the start to settle. */
const SETTLE_MS = 4000;

/** A connection that is deployed opens the hub and its store; installed alone, the package waits for its first use. */
const DEPLOYED = [
  { id: 'bench', type: 'tab', label: 'bench' },
  {
    id: 'connection',
    type: 'pcp-connection',
    name: 'files',
    connectorType: 'generic.file',
    config: { root: '/tmp' },
  },
];

type Variant = 'bare' | 'installed' | 'deployed';

async function measure(variant: Variant): Promise<IdleMeasure> {
  const flows = variant === 'deployed' ? DEPLOYED : [];
  const nodeRed = await BenchNodeRed.start({ flows, withPackage: variant !== 'bare' });
  try {
    await delay(SETTLE_MS);
    return { seconds: nodeRed.startSeconds, memoryMb: memoryNow(nodeRed.pid) ?? Number.NaN };
  } finally {
    await nodeRed.stop();
  }
}

/** What the package adds to a Node-RED 5 that does nothing: starts without it, with it, and with a connection, in turns. */
export async function benchIdle(passes: number): Promise<number> {
  const runs: Record<Variant, IdleMeasure[]> = { bare: [], installed: [], deployed: [] };
  const variants = Object.keys(runs) as Variant[];
  await measure('deployed');
  for (let pass = 0; pass < passes; pass++) {
    for (const variant of variants) runs[variant].push(await measure(variant));
  }
  const memory = (variant: Variant) => runs[variant].map((run) => run.memoryMb);
  const seconds = (variant: Variant) => runs[variant].map((run) => run.seconds);
  const added = (of: (variant: Variant) => number[], variant: Variant) => median(of(variant)) - median(of('bare'));
  const figures: Figure[] = [
    { what: 'memory, bare', value: median(memory('bare')), unit: 'MB' },
    { what: 'memory, spread of the bare runs', value: spread(memory('bare')), unit: 'MB' },
    { what: 'start, bare', value: median(seconds('bare')), unit: 's' },
    { what: 'start, spread of the bare runs', value: spread(seconds('bare')), unit: 's' },
  ];
  for (const variant of ['installed', 'deployed'] as const) {
    const what = variant === 'installed' ? 'the package adds' : 'it adds with a connection deployed';
    figures.push({ what: `memory that ${what}`, value: added(memory, variant), unit: 'MB', limit: { atMost: 45 } });
    figures.push({
      what: `start time that ${what}`,
      value: added(seconds, variant),
      unit: 's',
      limit: { atMost: 0.7 },
    });
  }
  return printTable(`Idle Node-RED 5, median of ${passes} interleaved starts`, figures);
}
