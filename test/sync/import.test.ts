import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spokenLog } from '../../lib/locales/runs';
import type { FieldMapping, Filter } from '../../lib/model/mapping';
import type { DeadLetterFilter, Hub, MappingInput, MappingView } from '../../lib/model/services';
import { jobEnd, openHub, runToEnd, temporaryDirectory } from '../support/hub';

const FIELDS: FieldMapping[] = [
  { source: 'AUFNR', target: 'order_number', type: 'string', required: true },
  { source: 'MATNR', target: 'material', type: 'string', required: true },
  { source: 'GSTRP', target: 'planned_start', type: 'date', format: 'YYYYMMDD' },
  { source: 'GAMNG', target: 'quantity', type: 'decimal' },
  { source: 'PRIO', target: 'priority', type: 'integer' },
  { source: 'STAT', target: 'status', lookup: { REL: 'released', TECO: 'technically_completed' } },
];

const HEADER = 'AUFNR;MATNR;GSTRP;GAMNG;PRIO;STAT';
const GOOD = ['1000;M-1;20261101;1.234,50;5;REL', '1001;M-1;20261102;7;5;TECO'];
const BAD: [line: string, field: string, code: string][] = [
  ['2000;M-1;20260230;1;5;REL', 'planned_start', 'PCP_VALUE_DATE'],
  ['2001;M-1;20261101;abc;5;REL', 'quantity', 'PCP_VALUE_TYPE'],
  ['2002;;20261101;1;5;REL', 'material', 'PCP_VALUE_REQUIRED'],
  ['2003;M-1;20261101;1;5;BLQ', 'status', 'PCP_VALUE_LOOKUP'],
  ['2004;M-1;20261101;1;99999999999999999999;REL', 'priority', 'PCP_VALUE_RANGE'],
  ['1000;M-2;20261101;1;5;REL', 'order_number', 'PCP_DUPLICATE_KEY'],
];

describe('import of a file into the platform', () => {
  let hub: Hub;
  let drop: string;
  let remove: () => Promise<void>;
  let connectionId: number;
  let mapping: MappingView;

  before(async () => {
    const directory = await temporaryDirectory();
    remove = directory.remove;
    drop = join(directory.path, 'drop');
    await mkdir(drop);
    await writeOrders([...GOOD, ...BAD.map(([line]) => line)]);
    hub = await openHub(directory.path);
    await hub.entityTypes.create({
      type: 'shop_order',
      title: 'Shop order',
      key: ['order_number'],
      schema: {
        type: 'object',
        required: ['order_number', 'material'],
        properties: {
          order_number: { type: 'string' },
          material: { type: 'string' },
          planned_start: { type: ['string', 'null'], format: 'date' },
          quantity: { type: ['string', 'null'], format: 'decimal' },
          priority: { type: ['integer', 'null'] },
          status: { type: 'string', enum: ['released', 'technically_completed'] },
        },
      },
    });
    const connection = await hub.connections.create({
      name: 'drop folder',
      connector_type: 'generic.file',
      config: {
        root: drop,
        settle_seconds: 0,
        entities: {
          orders: { path: 'orders*.csv', format: 'csv', delimiter: ';', decimal_separator: ',', after_error: 'move' },
        },
      },
    });
    connectionId = connection.id;
    mapping = await hub.mappings.create({
      connection_id: connectionId,
      name: 'orders',
      entity_type: 'shop_order',
      direction: 'import',
      source_entity: 'orders',
      target_entity: 'shop_order',
      field_mappings: FIELDS,
    });
  });

  after(async () => {
    await hub?.close();
    await remove?.();
  });

  const writeOrders = (lines: string[]): Promise<void> =>
    writeFile(join(drop, 'orders.csv'), `${[HEADER, ...lines].join('\n')}\n`);

  it('applies the good records and keeps each bad one with field, value and rule', async () => {
    const job = await runToEnd(hub, connectionId);
    const log = job.logs[0]!;
    assert.equal(job.status, 'success', log.error_message ?? '');
    assert.equal(log.details.state, 'partial');
    assert.equal(log.records_processed, GOOD.length + BAD.length);
    assert.equal(log.records_success, GOOD.length);
    assert.equal(log.records_error, BAD.length);
    assert.equal(log.details.created, GOOD.length);
    const order = await hub.records.get('shop_order', ['1000']);
    assert.equal(order.quantity, '1234.5');
    assert.equal(order.planned_start, '2026-11-01');
    assert.equal(order.status, 'released');
    assert.equal(order.material, 'M-1');

    const letters = await hub.sync.deadLetters({ mapping_id: mapping.id, state: 'open' });
    assert.deepEqual(
      letters.items.map(({ field, code }) => [field, code]).sort(),
      BAD.map(([, field, code]) => [field, code]).sort(),
    );
    for (const letter of letters.items) {
      assert.ok(letter.rule, `${letter.code} names its rule`);
      assert.equal(letter.error_class, 'data');
      assert.match(String(letter.source_key), /\d{4}/);
    }
    const badDate = letters.items.find(({ code }) => code === 'PCP_VALUE_DATE')!;
    assert.equal(badDate.value, '20260230');
    assert.equal((badDate.payload as Record<string, unknown>).AUFNR, '2000');
  });

  it('groups what failed for the same reason', async () => {
    const groups = await hub.sync.deadLetterGroups({ mapping_id: mapping.id });
    assert.equal(groups.length, BAD.length);
    assert.ok(groups.every(({ count }) => count === 1));
  });

  it('finds dead letters and runs by what failed, and when', async () => {
    const total = async (filter: DeadLetterFilter) => (await hub.sync.deadLetters(filter)).total;
    const [begin, end] = ['2000-01-01T00:00:00Z', '2999-01-01T00:00:00Z'];
    assert.equal(
      await total({ code: 'PCP_VALUE_TYPE', error_class: 'data', field: 'quantity', from: begin, to: end }),
      1,
    );
    assert.equal(await total({ error_class: 'data' }), BAD.length);
    for (const other of [{ code: 'PCP_OTHER' }, { error_class: 'bug' }, { field: 'x' }, { from: end }, { to: begin }]) {
      assert.equal(await total(other), 0, JSON.stringify(other));
    }
    assert.deepEqual(
      [(await hub.sync.logs({ error_class: 'data' })).total, (await hub.sync.logs({ error_class: 'guard' })).total],
      [1, 0],
    );
  });

  it('applies a corrected record exactly once when it is replayed', async () => {
    const { items } = await hub.sync.deadLetters({ mapping_id: mapping.id, state: 'open' });
    const letter = items.find(({ code }) => code === 'PCP_VALUE_DATE')!;
    await hub.sync.editDeadLetter(letter.id, { ...(letter.payload as Record<string, unknown>), GSTRP: '20260228' });
    const [job] = await hub.sync.replay({ ids: [letter.id] });
    const { logs } = await jobEnd(hub, job!.job_id);
    assert.equal(logs[0]!.details.kind, 'replay');
    assert.equal(logs[0]!.details.created, 1);
    assert.equal((await hub.records.get('shop_order', ['2000'])).planned_start, '2026-02-28');
    assert.equal((await hub.sync.deadLetter(letter.id)).state, 'resolved');
    await assert.rejects(hub.sync.replay({ ids: [letter.id] }), { code: 'PCP_NOT_FOUND' });
  });

  it('keeps a record that fails again, with one more attempt', async () => {
    const { items } = await hub.sync.deadLetters({ mapping_id: mapping.id, state: 'open' });
    const letter = items.find(({ code }) => code === 'PCP_VALUE_LOOKUP')!;
    const [job] = await hub.sync.replay({ ids: [letter.id] });
    const end = await jobEnd(hub, job!.job_id);
    assert.equal(end.logs[0]!.records_error, 1);
    const after = await hub.sync.deadLetter(letter.id);
    assert.equal(after.state, 'open');
    assert.equal(after.attempts, letter.attempts + 1);
  });

  it('discards what nobody wants, once', async () => {
    const { items } = await hub.sync.deadLetters({ mapping_id: mapping.id, state: 'open' });
    const letter = items.find(({ code }) => code === 'PCP_VALUE_RANGE')!;
    const discarded = await hub.sync.discard(letter.id, 'typing error');
    assert.equal(discarded.state, 'discarded');
    assert.equal(discarded.note, 'typing error');
    await assert.rejects(hub.sync.discard(letter.id), { code: 'PCP_DEAD_LETTER_CLOSED' });
  });

  it('writes nothing when nothing changed, and does not keep a failure twice', async () => {
    const before = await hub.sync.deadLetters({ mapping_id: mapping.id, state: 'open' });
    const job = await runToEnd(hub, connectionId);
    const { details, records_error } = job.logs[0]!;
    assert.equal(details.created + details.updated, 0);
    assert.equal(details.unchanged, GOOD.length);
    assert.deepEqual([records_error, details.filtered], [BAD.length - 2, 2], 'one was discarded, one corrected');
    const after = await hub.sync.deadLetters({ mapping_id: mapping.id, state: 'open' });
    assert.equal(after.total, before.total);
  });

  it('closes the dead letters of records that the source has corrected', async () => {
    await writeOrders([...GOOD, '2001;M-1;20261101;12;5;REL', '2003;M-1;20261101;1;5;REL']);
    const job = await runToEnd(hub, connectionId);
    assert.equal(job.logs[0]!.details.created, 2);
    const open = await hub.sync.deadLetters({ mapping_id: mapping.id, state: 'open' });
    assert.ok(!open.items.some(({ source_key }) => /2001|2003/.test(String(source_key))));
    const superseded = await hub.sync.deadLetters({ mapping_id: mapping.id, state: 'superseded' });
    assert.deepEqual([...new Set(superseded.items.map(({ source_key }) => source_key))].sort(), [
      '["1000"]',
      '["2001"]',
      '["2003"]',
    ]);
  });

  it('restores what somebody changed in the platform', async () => {
    const order = await hub.records.get('shop_order', ['1001']);
    await hub.records.replace('shop_order', ['1001'], { ...order, quantity: '8' });
    const job = await runToEnd(hub, connectionId);
    assert.equal(job.logs[0]!.details.updated, 1);
    assert.equal((await hub.records.get('shop_order', ['1001'])).quantity, '7');
  });

  it('gives nodes only the records that the filters ask for, whatever the connector gives', async () => {
    const open = await hub.connections.open(connectionId);
    const read = async (filters: Filter[]) => {
      const numbers: unknown[] = [];
      for await (const { records } of hub.runner.read(open, {
        entity: 'orders',
        filters,
        cursor: null,
        batchSize: 3,
      })) {
        numbers.push(...records.map(({ AUFNR }) => AUFNR));
      }
      return numbers;
    };
    assert.deepEqual(await read([{ field: 'STAT', operator: 'eq', value: 'TECO' }]), ['1001']);
    assert.deepEqual(await read([{ expression: '$number(AUFNR) > 2000' }]), ['2001', '2003']);
    await assert.rejects(read([{ expression: '$number(STAT) > 1' }]), { code: /^PCP_EXPRESSION/ });
  });

  it('tells a node that reads when the runner died between two batches', async () => {
    const open = await hub.connections.open(connectionId);
    const reading = async () => {
      for await (const _ of hub.runner.read(open, { entity: 'orders', cursor: null, batchSize: 1 })) {
        const { pid, restarts } = (await hub.health()).runner;
        process.kill(pid!, 'SIGKILL');
        while ((await hub.health()).runner.restarts === restarts)
          await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await assert.rejects(reading(), { class: 'transient', code: 'PCP_READ_LOST' });
  });

  it('loses nothing when several nodes append to one file at the same moment', async () => {
    const root = drop;
    const config = { root, entities: { log: { path: 'log.ndjson', write: { mode: 'append' } } } };
    const { id } = await hub.connections.create({ name: 'log', connector_type: 'generic.file', config });
    const open = await hub.connections.open(id);
    const messages = Array.from({ length: 10 }, (_, message) => [{ id: `${message}-a` }, { id: `${message}-b` }]);
    await Promise.all(messages.map((records) => hub.runner.write(open, { entity: 'log', keyFields: ['id'] }, records)));
    const lines = (await readFile(join(root, 'log.ndjson'), 'utf8')).trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as { id: string }),
      messages.flat(),
    );
  });

  it('counts what a dry run would do and does none of it', async () => {
    await writeOrders([...GOOD, '3000;M-1;20261101;12;5;REL']);
    const job = await runToEnd(hub, connectionId, { dry_run: true });
    assert.equal(job.logs[0]!.details.created, 1);
    await assert.rejects(hub.records.get('shop_order', ['3000']), { code: 'PCP_NOT_FOUND' });
  });

  it('stops with a guard when too many records fail, and says which limit', async () => {
    await writeOrders(
      Array.from({ length: 100 }, (_, index) => `${4000 + index};M-1;20261101;${index % 2 ? 'x' : '1'};5;REL`),
    );
    const job = await runToEnd(hub, connectionId);
    assert.equal(job.status, 'error');
    assert.equal(job.logs[0]!.error_class, 'guard');
    assert.equal(job.logs[0]!.details.error_code, 'PCP_ERROR_RATIO');
    const letters = await hub.sync.deadLetters({ sync_log_id: job.logs[0]!.id });
    assert.equal(letters.total, 50);
    const { records_processed, records_success, records_error } = job.logs[0]!;
    assert.deepEqual([records_processed, records_success, records_error], [50, 0, 50], 'those of the letters');
  });

  it('reads everything again when the mapping has come to read another source', async () => {
    const mappingFor = (source: string): MappingInput => ({
      connection_id: connectionId,
      name: 'incremental',
      entity_type: 'plant',
      direction: 'import',
      source_entity: source,
      target_entity: 'plant',
      sync_mode: 'incremental',
      field_mappings: [{ source: 'plant', target: 'plant' }],
    });
    await writeFile(join(drop, 'a.csv'), 'plant\n1\n2\n');
    await writeFile(join(drop, 'b.csv'), 'plant\n3\n4\n5\n');
    const { id } = await hub.mappings.create(mappingFor('a.csv'));
    const created = async () => (await runToEnd(hub, connectionId, { mapping_id: id })).logs[0]!.details.created;
    assert.equal(await created(), 2);
    await hub.mappings.update(id, mappingFor('b.csv'));
    assert.equal(await created(), 3);
  });

  it('needs the field by which a database tells what changed', async () => {
    const { id } = await hub.connections.create({
      name: 'erp',
      connector_type: 'generic.database',
      config: { dialect: 'sqlite', storage: join(drop, 'erp.db') },
    });
    const incremental: MappingInput = {
      connection_id: id,
      name: 'plants',
      entity_type: 'plant',
      direction: 'import',
      source_entity: 'plants',
      target_entity: 'plant',
      sync_mode: 'incremental',
      field_mappings: [{ source: 'plant', target: 'plant' }],
    };
    await assert.rejects(hub.mappings.create(incremental), { code: 'PCP_MAPPING_INVALID', path: '/cursor_field' });
    const { id: mappingId } = await hub.mappings.create({ ...incremental, cursor_field: 'changed_at' });
    await hub.mappings.delete(mappingId);
    const exported = await hub.mappings.create({ ...incremental, direction: 'export' });
    await hub.mappings.delete(exported.id);
  });

  it('leaves a broken file where it is in a dry run', async () => {
    await writeOrders([...GOOD, '1002;M-1;20261103']);
    const job = await runToEnd(hub, connectionId, { mapping_id: mapping.id, dry_run: true });
    assert.equal(job.logs[0]!.error_class, 'data');
    assert.ok(await readFile(join(drop, 'orders.csv'), 'utf8'));
  });

  it('names file and line of a row with a wrong column count, and keeps what came before', async () => {
    await writeOrders([...GOOD, '1002;M-1;20261103']);
    const job = await runToEnd(hub, connectionId, { mapping_id: mapping.id });
    assert.equal(job.status, 'error');
    assert.equal(job.logs[0]!.error_class, 'data');
    assert.match(job.logs[0]!.error_message ?? '', /orders\.csv.*4/);
    const inPortuguese = spokenLog(await hub.sync.log(job.logs[0]!.id), 'pt-BR');
    const words = 'orders.csv:4: a linha tem 3 campos, esperados 6';
    assert.deepEqual([inPortuguese.error_message, inPortuguese.details.history?.[0]?.error_message], [words, words]);
    assert.ok(!JSON.stringify(inPortuguese).includes('said'));
    assert.ok((await readFile(join(drop, 'orders.csv'), 'utf8').catch(() => null)) === null, 'the file was put aside');
  });

  it('keeps and replays records as large as a file may have, and the others when one was larger', async () => {
    // As text of the file it is just small enough to be read, with the names of its fields too large to be kept.
    const [tooLarge, largest] = [50, 70_000].map((less) => `M-${'x'.repeat(8 * 1024 * 1024 - less)}`);
    const bad = [`7002;${largest};2026;1;5;REL`, '7001;M-1;2026;1;5;REL', `7000;${tooLarge};2026;1;5;REL`];
    await writeOrders(['7003;M-1;20261101;1;5;REL', ...bad]);
    await runToEnd(hub, connectionId);
    const { items } = await hub.sync.deadLetters({ state: 'open' });
    const [large, small, kept] = [7000, 7001, 7002].map((key) =>
      items.find((item) => item.source_key === `["${key}"]`),
    );
    assert.equal(large!.payload, null);
    for (const letter of [small!, kept!]) {
      await hub.sync.editDeadLetter(letter.id, { ...(letter.payload as object), GSTRP: '20261101' });
    }
    const [job] = await hub.sync.replay({ ids: [large!.id, small!.id, kept!.id] });
    const { logs } = await jobEnd(hub, job!.job_id);
    assert.deepEqual([logs[0]!.records_success, logs[0]!.records_error], [2, 1]);
    assert.equal((await hub.sync.deadLetter(small!.id)).state, 'resolved');
    assert.equal((await hub.records.get('shop_order', ['7002'])).material, largest);
    const left = await hub.sync.deadLetter(large!.id);
    assert.deepEqual([left.state, left.code, left.attempts], ['open', 'PCP_PAYLOAD_NOT_KEPT', 2]);
  });

  it('closes the older letters of a record whose newer one was applied', async () => {
    await writeOrders(['7100;M-1;2026;1;5;REL']);
    await runToEnd(hub, connectionId);
    const letterOfOrder = async () => {
      const { items } = await hub.sync.deadLetters({ state: 'open' });
      return items.find(({ source_key }) => source_key === '["7100"]')!;
    };
    const older = await letterOfOrder();
    await hub.sync.discard(older.id);
    await writeOrders(['7100;;20261101;2;5;REL']);
    await runToEnd(hub, connectionId);
    const newer = await letterOfOrder();
    assert.deepEqual([older.field, newer.field], ['planned_start', 'material']);
    await hub.database.execute(`UPDATE integration_dead_letters SET state = 'open' WHERE id = ?`, [older.id]);
    await hub.sync.editDeadLetter(newer.id, { ...(newer.payload as object), MATNR: 'M-1' });
    const [job] = await hub.sync.replay({ ids: [newer.id] });
    await jobEnd(hub, job!.job_id);
    assert.equal((await hub.sync.deadLetter(newer.id)).state, 'resolved');
    assert.equal((await hub.sync.deadLetter(older.id)).state, 'superseded');
  });
});
