import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connector, SourceRecord, WriteRecord } from '../../../lib/connectors/contract';
import type { LocalizedText } from '../../../lib/connectors/descriptor';
import { create } from '../../../lib/connectors/erp/dynamics365/connector';
import type { OpenConnection } from '../../../lib/model/connection';
import { MesQueue } from '../../support/dynamics365/mes-queue';
import type { OperationsServer } from '../../support/dynamics365/operations';
import { dynamicsPlant } from '../../support/dynamics365/plant';
import { failure, live } from '../http/support';

/** A release may lack entities. */
const LACKING = 'ProductionOrderBillOfMaterialLines, RouteCardProductionJournalEntries, Warehouses';
const MISSING = { 'en-US': `; without an answer: ${LACKING}`, 'pt-BR': `; sem resposta: ${LACKING}` };

describe('Dynamics 365, Finance & Operations', () => {
  let plant: OperationsServer;
  const opened: Connector[] = [];

  beforeEach(async () => {
    plant = await dynamicsPlant();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((connector) => connector.close()));
    await plant.stop();
  });

  function open(connection: OpenConnection = plant.connection()): Connector {
    const connector = create(connection, { log: () => undefined });
    opened.push(connector);
    return connector;
  }

  async function read(connector: Connector, query: Partial<Parameters<NonNullable<Connector['read']>>[0]>) {
    const records: SourceRecord[] = [];
    const wanted = { entity: 'production_order', cursor: null, batchSize: 5, ...query };
    for await (const batch of connector.read!(wanted, live)) records.push(...batch.records);
    return records;
  }

  const asked = (method: string) =>
    plant.asked
      .filter((each) => each.method === method && /\/data\/[^$]/.test(each.url))
      .map(({ url }) => new URL(url, 'http://x'));

  const record = (data: SourceRecord, more: Partial<WriteRecord> = {}): WriteRecord => ({
    ...{ data, key: JSON.stringify(data.ItemNumber), hash: 'h', sourceKey: '' },
    ...more,
  });

  const writer = (connector: Connector, entity = 'material') =>
    connector.openWriter!(
      { entity, keyFields: ['dataAreaId', 'ItemNumber'], fields: [], resume: null, runId: 1, mappingId: 1 },
      live,
    );

  it('reads all companies, or the one that the connection names', async () => {
    assert.equal((await read(open(), {})).length, 24);
    assert.ok(asked('GET').every(({ searchParams }) => searchParams.get('cross-company') === 'true'));
    plant.asked.length = 0;
    const mine = await read(open(plant.connection({ company: 'BRMF' })), {});
    assert.deepEqual([mine.length, new Set(mine.map(({ dataAreaId }) => dataAreaId))], [8, new Set(['brmf'])]);
    assert.ok(
      asked('GET').every(({ searchParams }) => searchParams.get('$filter')?.startsWith("dataAreaId eq 'brmf'")),
    );
  });

  it('goes on by the number of the order, not by counting within a company', async () => {
    plant.pageLimit = 4;
    await read(open(), { batchSize: 6 });
    const skips = asked('GET').map(({ searchParams }) => Number(searchParams.get('$skip') ?? 0));
    assert.ok(Math.max(...skips) <= 1, String(skips));
  });

  it('sends conditions on enumerations as their literals, and gives days, moments and differences', async () => {
    const filters = [{ field: 'ProductionOrderStatus', operator: 'in' as const, value: ['Released', 'StartedUp'] }];
    const found = await read(open(), { filters });
    const sent = asked('GET')[0]?.searchParams.get('$filter') ?? '';
    assert.match(sent, /ProductionOrderStatus eq Microsoft\.Dynamics\.DataEntities\.ProdStatus'Released' or /);
    assert.deepEqual(
      new Set(found.map(({ ProductionOrderStatus }) => ProductionOrderStatus)),
      new Set(['Released', 'StartedUp']),
    );
    const all = await read(open(), {
      fields: ['ScheduledStart', 'ReportedAsFinishedQuantity', 'DeliveryDate', 'ScheduledEnd'],
    });
    const second = all.find(({ ProductionOrderNumber }) => ProductionOrderNumber === 'P000002');
    assert.deepEqual(
      [second?.ScheduledStart, second?.ReportedAsFinishedQuantity, second?.DeliveryDate],
      ['2026-11-02T06:30:00', '1234567890123.123455', null],
    );
    const fourth = all.find(({ ProductionOrderNumber }) => ProductionOrderNumber === 'P000004');
    assert.equal(fourth?.ScheduledEnd, null);
  });

  it('signs in with a certificate', async () => {
    const report = await open(plant.withCertificate()).test(live);
    assert.deepEqual(
      report.steps.map(({ name, ok }) => [name, ok]),
      [
        ...[
          ['resolve', true],
          ['connect', true],
          ['authenticate', true],
          ['authorise', true],
          ['read', true],
        ],
      ],
    );
    const { detail, unanswered } = report.steps.at(-1)!;
    assert.deepEqual(detail, {
      'en-US': `19 entities answer${MISSING['en-US']}`,
      'pt-BR': `19 entidades respondem${MISSING['pt-BR']}`,
    });
    assert.deepEqual(
      unanswered?.map(({ error }) => error.code),
      ['PCP_DYNAMICS_ENTITY_MISSING'],
    );
  });

  it('tells of a company that no entity has a record of, and asks for what belongs to none without it', async () => {
    const told = async (company: string) => {
      const report = await open(plant.connection({ company })).test(live);
      assert.equal(report.ok, true);
      return report.steps.at(-1)!;
    };
    const { detail, unanswered } = await told('usmf');
    assert.equal((detail as LocalizedText)['en-US'], `19 entities answer${MISSING['en-US']}`);
    assert.deepEqual(
      unanswered?.map(({ error }) => error.code),
      ['PCP_DYNAMICS_ENTITY_MISSING'],
    );
    assert.deepEqual((await told('XXMF')).detail, {
      'en-US': `no entity has a record of the company "xxmf": check its name (dataAreaId)${MISSING['en-US']}`,
      'pt-BR': `nenhuma entidade tem registro da empresa "xxmf": confira o nome (dataAreaId)${MISSING['pt-BR']}`,
    });
  });

  it('writes with few requests: one that looks, one that changes; each change on the condition of its version', async () => {
    const target = await writer(open(plant.connection({ company: 'usmf' })));
    const records = ['N1', 'N2', 'D0'].map((ItemNumber) => record({ ItemNumber, SearchName: 'ç' }));
    plant.asked.length = 0;
    const results = await target.write(records, live);
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['created', 'created', 'updated'],
    );
    assert.deepEqual(
      plant.asked.map(({ method }) => method),
      ['GET', 'POST'],
    );
    const batch = plant.asked.find(({ url }) => url.startsWith('/data/$batch'))!;
    assert.match(batch.body, /PATCH ReleasedProductsV2\(dataAreaId='usmf',ItemNumber='D0'\)\?cross-company=true/);
    assert.match(batch.body, /if-match: W\//);
    const names = plant
      .rows('ReleasedProductsV2')
      .map(({ dataAreaId, ItemNumber, SearchName }) => [dataAreaId, ItemNumber, SearchName]);
    assert.deepEqual(names, [
      ...[
        ['usmf', 'D0', 'ç'],
        ['usmf', 'D1', 'Peça'],
        ['brmf', 'D0', 'Peça'],
        ['usmf', 'N1', 'ç'],
        ['usmf', 'N2', 'ç'],
      ],
    ]);
  });

  it('tells what was changed there meanwhile as a conflict', async () => {
    const connector = open();
    const target = await writer(connector);
    const data = { dataAreaId: 'usmf', ItemNumber: 'D0', SearchName: 'x' };
    const [resolved] = await target.resolve!([record(data)], live);
    assert.ok(resolved?.state === 'found' && resolved.version !== undefined);
    await target.write([record(data)], live);
    const [late] = await target.write([record({ ...data, SearchName: 'y' }, { version: resolved.version })], live);
    assert.ok(late?.outcome === 'failed');
    assert.deepEqual([late.error.class, late.error.code], ['conflict', 'PCP_ODATA_REFUSED']);
    assert.match(late.error.message, /The record was changed\./);
  });

  it('writes no date as the first of January 1900, and a day at noon', async () => {
    const target = await writer(open(), 'ProductionOrderHeaders');
    const key = { dataAreaId: 'usmf', ProductionOrderNumber: 'P000001' };
    const orders = await open().openWriter!(
      { entity: 'production_order', keyFields: Object.keys(key), fields: [], resume: null, runId: 1, mappingId: 1 },
      live,
    );
    const changes = { DeliveryDate: '2026-12-31', ScheduledEndDate: null, ScheduledStart: '2026-11-28T06:05:04' };
    await orders.write([record({ ...key, ...changes })], live);
    const [row] = plant.rows('ProductionOrderHeaders');
    assert.deepEqual(
      [row?.DeliveryDate, row?.ScheduledEndDate, row?.ScheduledStartDate, row?.ScheduledStartTime],
      ['2026-12-31T12:00:00Z', '1900-01-01T00:00:00Z', '2026-11-28T12:00:00Z', 21_904],
    );
    const [wrong] = await target.write([record({ ...key, ProductionOrderStatus: 'Lost' })], live);
    assert.ok(wrong?.outcome === 'failed');
    assert.match(wrong.error.message, /must be one of Created, /);
  });

  it('waits as long as a 429 says', async () => {
    const connector = open();
    await read(connector, {});
    plant.busy = 1;
    plant.retryAfter = '120';
    const error = await failure(read(connector, {}));
    assert.deepEqual([error.class, error.retryAfterMs], ['rate_limit', 120_000]);
  });

  it('calls a custom service, and says what it refuses', async () => {
    plant.services.set('PcpGroup/PcpService/echo', (body) => ({ status: 200, body: { said: body._text } }));
    const call = (service: string) => open().call!('function', { service, parameters: { _text: 'ção' } }, live);
    assert.deepEqual(await call('PcpGroup/PcpService/echo'), { payload: { said: 'ção' } });
    assert.equal((await failure(call('../data'))).code, 'PCP_OPERATION_UNKNOWN');
    assert.equal((await failure(call('a/b/c'))).class, 'config');
  });

  it('finds a message again in a data entity over the queue, and sends no other one in its place', async () => {
    const queue = new MesQueue(plant).withLog();
    const message_log = { entity_set: 'PcpMesMessages', key: 'ExternalKey', content: 'MessageContent' };
    const connector = open(plant.connection({ company: 'usmf', sender: 'plant 1', message_log }));
    assert.equal(connector.guarantee!('mes/start_order').lookup, 'strong');
    const start = (StartedQuantity: string) =>
      record({ ExternalKey: 'S1', ProductionOrderNumber: 'P000001', StartedQuantity });
    const write = async (one: WriteRecord) =>
      (await (await writer(connector, 'mes/start_order')).write([one], live))[0]!;
    assert.equal(
      (await connector.describeWrite!({ entity: 'mes/start_order', keyFields: [] }, start('1'), live)).current,
      null,
    );
    assert.equal((await write(start('1.50'))).outcome, 'created');
    assert.match(String(queue.sent[0]?.content.ExternalKey), /^[0-9a-f-]{36}$/);
    assert.equal((await write(start('1.50'))).outcome, 'unchanged');
    const other = await write(start('2'));
    assert.ok(other.outcome === 'failed' && other.error.code === 'PCP_ODATA_POSTED_BEFORE');
    assert.equal(queue.sent.length, 1);
    const blind = open(plant.connection({ company: 'usmf' }));
    assert.deepEqual([blind.guarantee!('mes/start_order').lookup, blind.looksUp!('mes/start_order')], ['none', false]);
  });

  it('sends the messages of one order one after the other, those of others meanwhile', async () => {
    const underWay: string[] = [];
    const together: string[] = [];
    plant.services.set('SysMessageServices/SysMessageService/SendMessage', async ({ _messageContent: content }) => {
      const { ProductionOrderNumber: order } = JSON.parse(String(content)) as { ProductionOrderNumber: string };
      if (underWay.includes(order)) together.push(order);
      underWay.push(order);
      await delay(20);
      underWay.splice(underWay.indexOf(order), 1);
      return { status: 200, body: null };
    });
    const target = await writer(open(plant.connection({ company: 'usmf', parallel_writes: 4 })), 'mes/end_order');
    const numbers = ['P1', 'P1', 'P1', 'P2', 'P1', 'P2'];
    const results = await target.write(
      numbers.map((ProductionOrderNumber) => record({ ProductionOrderNumber })),
      live,
    );
    assert.ok(results.every(({ outcome }) => outcome === 'created'));
    assert.deepEqual(together, []);
  });

  it('does not take a page of maintenance for a message that was taken', async () => {
    const page = { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' };
    plant.services.set('SysMessageServices/SysMessageService/SendMessage', () => page);
    const target = await writer(open(plant.connection({ company: 'usmf' })), 'mes/start_order');
    const [result] = await target.write([record({ ProductionOrderNumber: 'P1' })], live);
    assert.ok(result?.outcome === 'unknown' && result.error.code === 'PCP_HTTP_NOT_JSON');
  });

  it('refuses what is no message before anything is sent', async () => {
    const queue = new MesQueue(plant);
    const target = await writer(open(plant.connection({ company: 'usmf' })), 'mes/route_card');
    const line = { OperationNumber: '10' };
    const wrong: [SourceRecord, string][] = [
      [{ RouteCardLines: [line] }, 'ProductionOrderNumber'],
      [{ ProductionOrderNumber: 'P1' }, 'RouteCardLines'],
      [{ ProductionOrderNumber: 'P1', RouteCardLines: [{ Hours: '1' }] }, 'RouteCardLines[0].OperationNumber'],
      [{ ProductionOrderNumber: 'P1', RouteCardLines: [{ ...line, Hours: '1,5' }] }, 'RouteCardLines[0].Hours'],
      [{ ProductionOrderNumber: 'P1', RouteCardLines: [{ ...line, TaskType: 'Sleep' }] }, 'RouteCardLines[0].TaskType'],
      [{ ProductionOrderNumber: 'P1', RouteCardLines: [{ ...line, Machine: 'M' }] }, 'RouteCardLines[0].Machine'],
    ];
    for (const [data, path] of wrong) {
      const [result] = await target.write([record(data)], live);
      assert.ok(result?.outcome === 'failed', path);
      assert.deepEqual([result.error.code, result.error.path], ['PCP_DYNAMICS_MESSAGE', path]);
    }
    assert.equal(queue.sent.length, 0);
  });

  it('lists the entities of the plant with what is missing, then every set', async () => {
    const list = await open().discover!(live);
    const missing = list.find(({ name }) => name === 'production_order_component');
    assert.deepEqual([missing?.readable, missing?.error?.code], [false, 'PCP_ENTITY_UNKNOWN']);
    const orders = list.find(({ name }) => name === 'production_order');
    assert.deepEqual([orders?.key, orders?.writable], [['dataAreaId', 'ProductionOrderNumber'], true]);
    assert.ok(list.some(({ name, kind }) => name === 'RouteVersions' && kind === 'entity set'));
    const { schema } = await open().describe!('bill_of_material', live);
    assert.ok(schema.properties?.versions?.items?.properties?.ManufacturedItemNumber);
  });
});
