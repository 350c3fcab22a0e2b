import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { JobStatus } from '../lib/model/services';
import { watchingFlow } from './peers/flows';
import { ORDER_TYPE } from './support/hub';
import { BenchNodeRed } from './support/node-red';
import { ORDER_FIELDS, ORDER_SCHEMA, orderFile } from './support/orders';
import { printTable } from './support/report';

/** A Node-RED with a flow that ticks, whose event loop is watched while it imports a file over its own API. */
export async function benchEventLoop(dataDirectory: string, rows: number): Promise<number> {
  const file = await orderFile(dataDirectory, rows);
  const nodeRed = await BenchNodeRed.start({ flows: watchingFlow(), withPackage: true, target: null });
  const api = `${nodeRed.base}/integrations`;
  const post = async <T>(url: string, body: object): Promise<T> => {
    const response = await fetch(api + url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`POST ${url}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  try {
    await post('/entities', { type: ORDER_TYPE, title: 'Order', key: ['order_number'], schema: ORDER_SCHEMA });
    const connection = await post<{ id: number }>('/connections', {
      name: 'bench files',
      connector_type: 'generic.file',
      config: {
        root: dataDirectory,
        entities: { orders: { path: path.basename(file), format: 'csv', delimiter: ';', header: true } },
      },
    });
    await post('/mappings', {
      connection_id: connection.id,
      name: 'bench orders',
      entity_type: ORDER_TYPE,
      direction: 'import',
      source_entity: 'orders',
      target_entity: ORDER_TYPE,
      field_mappings: ORDER_FIELDS,
      key_fields: ['order_number'],
    });
    await delay(2000);
    const idle = await nodeRed.state();
    await nodeRed.get('/bench/reset');
    const started = performance.now();
    const { job_id } = await post<{ job_id: string }>(`/sync/${connection.id}`, {});
    let job: JobStatus;
    do {
      await delay(250);
      job = await nodeRed.get<JobStatus>(`/integrations/sync/status/${job_id}`);
    } while (job.status === 'in_progress');
    const seconds = (performance.now() - started) / 1000;
    const state = await nodeRed.state();
    const processed = job.logs[0]?.records_processed ?? 0;
    if (job.status !== 'success' || processed !== rows)
      throw new Error(`The run ended ${job.status}: ${processed} rows.`);
    return printTable(`Node-RED's event loop while ${rows.toLocaleString('en-US')} rows are imported`, [
      { what: 'delay p99, idle', value: idle.loopDelayP99Ms, unit: 'ms' },
      { what: 'delay p99, during the import', value: state.loopDelayP99Ms, unit: 'ms', limit: { atMost: 50 } },
      { what: 'ticks of 20 a second that came', value: state.ticks / seconds / 20, unit: '', limit: { atLeast: 0.9 } },
      { what: 'rows/s meanwhile', value: rows / seconds, unit: 'rows/s' },
    ]);
  } finally {
    await nodeRed.stop();
  }
}
