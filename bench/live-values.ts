import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { mosquitto } from '../test/support/mosquitto';
import type { PublisherTask } from './peers/mqtt-publisher';
import { LiveHub } from './support/live';
import { runAlone } from './support/process';
import { printTable } from './support/report';

const PUBLISHER = path.join(__dirname, 'peers', 'mqtt-publisher.js');
/** Code is compiled and the heap has its size after so long. */
const WARM_MS = 10_000;

export interface ValuesOptions {
  perSecond: number;
  seconds: number;
  /** Of PostgreSQL; undefined = the embedded store. */
  storeUrl: string | undefined;
}

/** Values that keep coming from a broker, one in each message, into `measurement`. */
export async function benchValues({ perSecond, seconds, storeUrl }: ValuesOptions): Promise<number> {
  const broker = await mosquitto();
  const messages = perSecond * seconds;
  const config = {
    url: `mqtt://127.0.0.1:${broker.open}`,
    topics: { values: { topic: 'bench/+', qos: 1 } },
  };
  const live = await LiveHub.open({ name: 'bench broker', connector_type: 'iot.mqtt', config }, storeUrl);
  const loop = monitorEventLoopDelay({ resolution: 10 });
  try {
    await live.connected();
    loop.enable();
    const processorBefore = live.processorSeconds();
    const warm = delay(WARM_MS).then(() => live.memoryMb());
    await runAlone(PUBLISHER, { port: broker.open, messages, perSecond } satisfies PublisherTask);
    const waiting = live.status()?.backlog.records ?? Number.NaN;
    const [memoryBefore, memoryAfter] = [await warm, live.memoryMb()];
    const loopP99 = loop.percentile(99) / 1e6;
    await live.arrived(messages);
    const processorTime = (1e6 * (live.processorSeconds() - processorBefore)) / messages;
    const { rate, lagMs } = await live.measure();
    const title = `${perSecond.toLocaleString('en-US')} values/s for ${seconds} s from a broker into ${storeUrl ? 'PostgreSQL' : 'SQLite'}`;
    return printTable(title, [
      { what: 'values/s that arrived', value: rate, unit: 'values/s', limit: { atLeast: 0.99 * perSecond } },
      { what: 'from the source to the table, p50', value: await lagMs(0.5), unit: 'ms' },
      { what: 'from the source to the table, p99', value: await lagMs(0.99), unit: 'ms', limit: { atMost: 2_000 } },
      { what: 'in the spool when the source ended', value: waiting, unit: 'values', limit: { atMost: perSecond } },
      { what: 'processor time of the live process', value: processorTime, unit: 'us/value' },
      { what: `live process after ${WARM_MS / 1000} s`, value: memoryBefore, unit: 'MB' },
      { what: 'it grew until the end by', value: memoryAfter - memoryBefore, unit: 'MB', limit: { atMost: 40 } },
      { what: "delay p99 of the hub's event loop", value: loopP99, unit: 'ms', limit: { atMost: 50 } },
    ]);
  } finally {
    await live.close();
    await broker.release();
  }
}
