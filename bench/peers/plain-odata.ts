import { Pool } from 'undici';
import { ORDER_STATUS } from '../support/orders';
import { type Order, orderValidator } from './hand-written';
import { openSqlite } from './plain-sqlite';

export interface PlainODataTask {
  origin: string;
  path: string;
  sqlite: string;
  pageSize: number;
}

export interface PlainODataResult {
  readPerSecond: number;
  processorSeconds: number;
}

/** The best plain script: page by page fetch, parse, map, validate and upsert. No $metadata, no exact numbers, no hashes. */
async function run({ origin, path, sqlite, pageSize }: PlainODataTask): Promise<PlainODataResult> {
  const pool = new Pool(origin, { connections: 1 });
  const validate = orderValidator();
  const target = openSqlite(sqlite);
  const started = performance.now();
  const before = process.cpuUsage();
  let rows = 0;
  for (;;) {
    const query = `$top=${pageSize}&$skip=${rows}&$orderby=ManufacturingOrder`;
    const { body } = await pool.request({
      method: 'GET',
      path: `${path}?${query}`,
      headers: { accept: 'application/json' },
    });
    const { d } = (await body.json()) as { d: { results: Record<string, string>[] } };
    const orders = d.results.map(mapOrder);
    for (const order of orders) validate(order);
    if (orders.length > 0) await target.write(orders);
    rows += orders.length;
    if (orders.length < pageSize) break;
  }
  const readPerSecond = rows / ((performance.now() - started) / 1000);
  const { user, system } = process.cpuUsage(before);
  await target.close();
  await pool.close();
  return { readPerSecond, processorSeconds: (user + system) / 1e6 };
}

function mapOrder(record: Record<string, string>): Order {
  const status = ORDER_STATUS[record.ManufacturingOrderType ?? ''];
  if (status === undefined) throw new Error(`unknown status: ${record.ManufacturingOrderType}`);
  const [, ...stamp] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(record.LastChangeDateTime ?? '') ?? [];
  if (stamp.length !== 6) throw new Error(`not an instant: ${record.LastChangeDateTime}`);
  const [year, month, ofMonth, hour, minute, second] = stamp;
  return {
    order_number: record.ManufacturingOrder as string,
    material: record.Material as string,
    description: (record.MaterialName as string).trim(),
    quantity: decimal(record.TotalQuantity ?? ''),
    unit: record.ProductionUnitISOCode as string,
    planned_start: day(record.MfgOrderPlannedStartDate ?? ''),
    planned_end: day(record.MfgOrderPlannedEndDate ?? ''),
    status,
    work_center: record.StorageLocation as string,
    priority: Number(record.ManufacturingOrderImportance),
    plant: record.ProductionPlant as string,
    changed_at: `${year}-${month}-${ofMonth}T${hour}:${minute}:${second}.000Z`,
  };
}

function day(text: string): string {
  const [, time] = /^\/Date\((-?\d+)\)\/$/.exec(text) ?? [];
  if (time === undefined) throw new Error(`not a date: ${text}`);
  return new Date(Number(time)).toISOString().slice(0, 10);
}

function decimal(text: string): string {
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw new Error(`not a decimal: ${text}`);
  return text;
}

process.once('message', async (task) => {
  process.send?.(await run(task as PlainODataTask));
});
