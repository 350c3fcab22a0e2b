import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createHub } from '../lib/hub';
import { readSettings } from '../lib/settings';
import { freePort } from '../test/support/server-process';
import type { PlantTask } from './peers/opcua-plant';
import { memoryNow } from './support/process';
import { printTable, quantile } from './support/report';

const PLANT = path.join(__dirname, 'peers', 'opcua-plant.js');
/** Sampling starts at once with the subscription; what is measured is what comes then. */
const WARM_MS = 5_000;

/** Tags of an OPC UA server that change each second, from the moment of their sampling to a subscriber in Node-RED's process. */
export async function benchOpcUa(tags: number, seconds: number): Promise<number> {
  const directory = mkdtempSync(path.join(tmpdir(), 'pcp-bench-'));
  const port = await freePort();
  const plant = fork(PLANT);
  const hub = await createHub(readSettings({}, directory, {}));
  const stopped = new AbortController();
  try {
    plant.send({ port, directory: path.join(directory, 'server'), tags } satisfies PlantTask);
    await once(plant, 'message');
    const names = Array.from({ length: tags }, (_, n) => [`T${n}`, { node_id: `ns=1;s=${n}` }]);
    const { id } = await hub.connections.create({
      name: 'bench server',
      connector_type: 'iot.opcua',
      config: {
        endpoint_url: `opc.tcp://127.0.0.1:${port}`,
        authentication: 'anonymous',
        security_policy: 'None',
        publishing_interval_ms: 100,
        tags: Object.fromEntries(
          names.map(([name, tag]) => [name, { ...(tag as object), sampling_interval_ms: 1_000 }]),
        ),
      },
    });
    const connection = await hub.connections.open(id);
    // One tag first: what its connection takes is no price of the others.
    await hub.live.readTags(connection, ['T0']);
    await delay(WARM_MS);
    const memory = async () => memoryNow((await hub.health()).live.pid ?? 0) ?? Number.NaN;
    const memoryBefore = await memory();
    const lags: number[] = [];
    let dropped = 0;
    const from = Date.now() + WARM_MS;
    const until = from + 1000 * seconds;
    for await (const batch of hub.live.subscribe(connection, { entity: 'values' }, stopped.signal)) {
      if (batch.kind === 'state') {
        if (batch.error) throw new Error(batch.error.message);
        continue;
      }
      const now = Date.now();
      if (now > until) break;
      if (now < from) continue;
      dropped += batch.dropped;
      for (const { source_timestamp } of batch.records) lags.push(now - Date.parse(String(source_timestamp)));
    }
    return printTable(
      `${tags.toLocaleString('en-US')} OPC UA items sampled each second, published every 100 ms, ${seconds} s`,
      [
        { what: 'values/s', value: lags.length / seconds, unit: 'values/s', limit: { atLeast: 0.98 * tags } },
        { what: 'dropped on the way', value: dropped, unit: 'values', limit: { atMost: 0 } },
        { what: 'from sampling to the flow, p50', value: quantile(lags, 0.5), unit: 'ms' },
        { what: 'from sampling to the flow, p99', value: quantile(lags, 0.99), unit: 'ms', limit: { atMost: 250 } },
        { what: 'live process with its connection', value: memoryBefore, unit: 'MB' },
        { what: 'the items add', value: (await memory()) - memoryBefore, unit: 'MB', limit: { atMost: 150 } },
      ],
    );
  } finally {
    stopped.abort();
    await hub.close();
    plant.kill();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}
