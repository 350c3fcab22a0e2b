import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { WriteRecord } from '../lib/connectors/contract';
import { create } from '../lib/connectors/erp/sap/connector';
import type { FieldMapping } from '../lib/model/mapping';
import type { GatewayTask } from './peers/gateway';
import type { PlainODataResult, PlainODataTask } from './peers/plain-odata';
import { BenchHub } from './support/hub';
import { ORDER_STATUS } from './support/orders';
import { memoryNow, processorSeconds, runAlone } from './support/process';
import { median, printTable } from './support/report';

const PEERS = path.join(__dirname, 'peers');
const ORDERS = '/sap/opu/odata/sap/API_PRODUCTION_ORDER_2_SRV/A_ProductionOrder_2';
const PAGE_SIZE = 1000;
const DELAY_MS = 2;

const FIELDS: FieldMapping[] = [
  { source: 'ManufacturingOrder', target: 'order_number', type: 'string', required: true },
  { source: 'Material', target: 'material', type: 'string', required: true },
  { source: 'MaterialName', target: 'description', type: 'string', trim: true },
  { source: 'TotalQuantity', target: 'quantity', type: 'decimal' },
  { source: 'ProductionUnitISOCode', target: 'unit', type: 'string' },
  { source: 'MfgOrderPlannedStartDate', target: 'planned_start', type: 'date' },
  { source: 'MfgOrderPlannedEndDate', target: 'planned_end', type: 'date' },
  { source: 'ManufacturingOrderType', target: 'status', lookup: ORDER_STATUS },
  { source: 'StorageLocation', target: 'work_center', type: 'string' },
  { source: 'ManufacturingOrderImportance', target: 'priority', type: 'integer' },
  { source: 'ProductionPlant', target: 'plant', type: 'string' },
  { source: 'LastChangeDateTime', target: 'changed_at', type: 'datetime', format: 'YYYYMMDDHHmmss', timezone: 'UTC' },
];

interface Cost {
  perSecond: number;
  processorSeconds: number;
}

/** Orders of a service of OData 2 into the platform, and confirmations to another, one by one and by $batch. */
export async function benchErp(rows: number, confirmations: number, passes: number): Promise<number> {
  const plain: Cost[] = [];
  const hub: Cost[] = [];
  const grown: number[] = [];
  const single: Cost[] = [];
  const batched: Cost[] = [];
  for (let pass = 0; pass < passes; pass++) {
    plain.push(await withGateway({ rows, delayMs: 0 }, plainScript));
    await withGateway({ rows, delayMs: 0 }, async (origin) => {
      const { first, growth } = await ourImport(origin, rows);
      hub.push(first);
      grown.push(growth);
    });
    const gateway = { rows: 0, delayMs: DELAY_MS };
    single.push(await withGateway(gateway, (origin) => post(origin, confirmations, 1)));
    batched.push(await withGateway(gateway, (origin) => post(origin, confirmations, 50)));
  }
  const of = (costs: Cost[], what: keyof Cost) => median(costs.map((cost) => cost[what]));
  // Neighbours in time share what else the machine does, so each pass is compared with its own peer.
  const ratio = (these: Cost[], those: Cost[], what: keyof Cost) =>
    median(these.map((cost, pass) => cost[what] / (those[pass]?.[what] ?? Number.NaN)));
  const [all, part] = [rows, confirmations].map((number) => number.toLocaleString('en-US'));
  return printTable(
    `${all} production orders of OData 2 in pages of ${PAGE_SIZE}, ${part} confirmations one by one and by $batch of 50 (${DELAY_MS} ms a request), median of ${passes}`,
    [
      { what: 'plain script reads', value: of(plain, 'perSecond'), unit: 'records/s' },
      { what: 'hub reads', value: of(hub, 'perSecond'), unit: 'records/s' },
      { what: 'hub / plain script', value: ratio(hub, plain, 'perSecond'), unit: '', limit: { atLeast: 0.7 } },
      { what: 'processor time, plain script', value: of(plain, 'processorSeconds'), unit: 's' },
      { what: 'processor time, hub', value: of(hub, 'processorSeconds'), unit: 's' },
      { what: 'memory of a second pass above the first', value: median(grown), unit: 'MB', limit: { atMost: 40 } },
      { what: 'confirmations one by one', value: of(single, 'perSecond'), unit: 'records/s' },
      { what: 'confirmations by $batch', value: of(batched, 'perSecond'), unit: 'records/s' },
      { what: '$batch / one by one', value: ratio(batched, single, 'perSecond'), unit: '', limit: { atLeast: 10 } },
      { what: 'processor time, one by one / $batch', value: ratio(single, batched, 'processorSeconds'), unit: '' },
    ],
  );
}

async function withGateway<T>(task: GatewayTask, work: (origin: string) => Promise<T>): Promise<T> {
  const gateway: ChildProcess = fork(path.join(PEERS, 'gateway.js'));
  try {
    gateway.send(task);
    const [port] = await once(gateway, 'message');
    return await work(`http://127.0.0.1:${port}`);
  } finally {
    gateway.kill();
  }
}

async function plainScript(origin: string): Promise<Cost> {
  const directory = mkdtempSync(path.join(tmpdir(), 'pcp-bench-'));
  const task = { origin, path: ORDERS, sqlite: path.join(directory, 'plain.db'), pageSize: PAGE_SIZE };
  try {
    const result = await runAlone<PlainODataResult>(path.join(PEERS, 'plain-odata.js'), task satisfies PlainODataTask);
    return { perSecond: result.readPerSecond, processorSeconds: result.processorSeconds };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** @returns what the first pass costs, and how much more memory the runner takes after a second one */
async function ourImport(origin: string, rows: number): Promise<{ first: Cost; growth: number }> {
  const config = { base_url: origin, authentication: 'none', client: '100' };
  const mapping = { direction: 'import', source_entity: 'production_order', field_mappings: FIELDS } as const;
  const bench = await BenchHub.open({ name: 'bench SAP', connector_type: 'erp.sap', config }, [mapping]);
  try {
    const pid = (await bench.hub.health()).runner.pid as number;
    const before = [processorSeconds(pid), processorSeconds(process.pid)];
    const { rows: taken, rowsPerSecond } = await bench.synchronise('import');
    if (taken !== rows) throw new Error(`The run took ${taken} of ${rows} records.`);
    const spent = processorSeconds(pid) + processorSeconds(process.pid) - before[0]! - before[1]!;
    const held = memoryNow(pid) ?? Number.NaN;
    await bench.synchronise('import');
    const first = { perSecond: rowsPerSecond, processorSeconds: spent };
    return { first, growth: (memoryNow(pid) ?? Number.NaN) - held };
  } finally {
    await bench.close();
  }
}

/** Each confirmation is looked for before it is posted, as always. */
async function post(origin: string, count: number, changesPerRequest: number): Promise<Cost> {
  const config = { base_url: origin, authentication: 'none', client: '100', changes_per_request: changesPerRequest };
  const connection = { id: changesPerRequest, name: 'bench SAP', connector_type: 'erp.sap', config, credentials: {} };
  const connector = create(connection, { log: () => undefined });
  const { signal } = new AbortController();
  const target = { entity: 'production_data', keyFields: ['ExternalSystemConfirmation'], fields: [], resume: null };
  const writer = await connector.openWriter!({ ...target, runId: 1, mappingId: 1 }, signal);
  const started = performance.now();
  const before = process.cpuUsage();
  for (let first = 0; first < count; first += PAGE_SIZE) {
    const records = Array.from({ length: Math.min(PAGE_SIZE, count - first) }, (_, n) => confirmation(first + n));
    const results = await writer.write(records, signal);
    if (!results.every(({ outcome }) => outcome === 'created')) throw new Error('A confirmation was not posted.');
  }
  const perSecond = count / ((performance.now() - started) / 1000);
  const { user, system } = process.cpuUsage(before);
  await writer.finish();
  await connector.close();
  return { perSecond, processorSeconds: (user + system) / 1e6 };
}

function confirmation(n: number): WriteRecord {
  const key = `CONFIRMATION-${n}`;
  const data = {
    ExternalSystemConfirmation: key,
    OrderID: String(n).padStart(12, '0'),
    OrderOperation: '0010',
    Plant: '1000',
    WorkCenter: 'CT100',
    ConfirmationYieldQuantity: '12.500',
    ConfirmationUnitISOCode: 'PCE',
    PostingDate: '2026-11-27',
    ConfirmationText: 'Produção',
  };
  return { data, key: JSON.stringify([key]), sourceKey: JSON.stringify([key]), hash: '' };
}
