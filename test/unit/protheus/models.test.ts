import assert from 'node:assert/strict';
import type { Connector, SourceRecord } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/erp/protheus/connector';
import type { PublishedModel } from '../../support/protheus/models';
import { protheusPlant } from '../../support/protheus/plant';
import type { ProtheusServer } from '../../support/protheus/server';
import { failureOf, openWriter, readAll, record, signal } from '../rest/server';

const PRODUCTS = 'fwmodel/MATA010RETAIL';
const TASKS = 'fwmodel/ZZTAREFAS';
const HERE = 'D MG 01 ';
const DECLARED = { MATA010RETAIL: { key: ['B1_COD'] }, ZZTAREFAS: { key: ['ZZG_CODIGO'] } };

describe('published models of Protheus (FWRestModel)', function () {
  this.timeout(180_000);
  let plant: ProtheusServer;
  let products: PublishedModel;
  let tasks: PublishedModel;
  const opened: Connector[] = [];

  beforeEach(async () => {
    plant = await protheusPlant();
    products = plant.models.get('MATA010RETAIL')!;
    tasks = plant.models.get('ZZTAREFAS')!;
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((connector) => connector.close()));
    await plant.stop();
  });

  function open(models: object = DECLARED, config: Record<string, unknown> = {}): Connector {
    const connector = create(plant.connection({ models, ...config }), { log: () => undefined });
    opened.push(connector);
    return connector;
  }

  const product = (n: number, more: object = {}) => ({
    ...{
      B1_COD: `P${n}`,
      B1_DESC: `Peça ${n}`,
      B1_UM: 'PC',
      B1_UREV: `202611${String(n % 28 || 28).padStart(2, '0')}`,
    },
    ...more,
  });
  const fill = (count: number) => {
    for (let n = 0; n < count; n++) products.add(HERE, product(n));
  };
  const sent = (...methods: string[]) =>
    plant.asked.filter(({ method, url }) => methods.includes(method) && url.includes('/fwmodel/'));
  const lists = () => sent('GET').map(({ url }) => Object.fromEntries(new URL(url, 'http://x').searchParams));
  const body = (at: number) => JSON.parse(sent('POST', 'PUT').at(at)!.body) as Record<string, unknown>;
  const outcomes = (results: { outcome: string }[]) => results.map(({ outcome }) => outcome);
  const thing = (data: SourceRecord, key: string[]) => record(data, {}, key);

  describe('reading', () => {
    it('gives every record once, page by page, as records are here', async () => {
      fill(23);
      products.add(HERE, product(77, { B1_DESC: "d'água  ", B1_UREV: '        ', B1_XATIVO: '.T.', B1_PESO: 1.25 }));
      const { records, batches } = await readAll(open(), { entity: PRODUCTS, batchSize: 10 });
      assert.deepEqual(
        batches.map((each) => each.records.length),
        [10, 10, 4, 0],
      );
      assert.equal(batches[0]!.total, 24);
      const [first, last] = [records[0]!, records.at(-1)!];
      assert.deepEqual(
        [first.B1_COD, first.B1_DESC, first.B1_UREV, first.B1_XATIVO, first.B1_PESO],
        ['P0', 'Peça 0', '2026-11-28', false, '0'],
      );
      assert.deepEqual(
        [last.B1_DESC, last.B1_UREV, last.B1_XATIVO, last.B1_PESO, last.B1_GRUPO],
        ["d'água", null, true, '1.25', ''],
      );
      assert.equal(Buffer.from(String(first.pk), 'base64').toString(), 'D MG 01 P0             ');
      assert.deepEqual(
        lists().map(({ STARTINDEX, COUNT, FIELDEMPTY, FIRSTLEVEL }) => [STARTINDEX, COUNT, FIELDEMPTY, FIRSTLEVEL]),
        ['1', '11', '21'].map((start) => [start, '10', 'true', 'false']),
      );
    });

    it('gives rows as lists, and no row where there is none but the one to be filled in', async () => {
      tasks.add(HERE, { ZZG_CODIGO: '000001', ZZG_TITULO: 'Molde' }, [
        { ZZH_CODIGO: '01', ZZH_QUANT: 2.5, ZZH_DTCONC: '20261127' },
        { ZZH_CODIGO: '02' },
      ]);
      tasks.add(HERE, { ZZG_CODIGO: '000002' });
      const { records } = await readAll(open(), { entity: TASKS });
      assert.deepEqual(
        records.map(({ ZZHDETAIL }) => ZZHDETAIL),
        [
          [
            { ZZH_CODIGO: '01', ZZH_QUANT: '2.5', ZZH_DTCONC: '2026-11-27' },
            { ZZH_CODIGO: '02', ZZH_QUANT: '0', ZZH_DTCONC: null },
          ],
          [],
        ],
      );
    });

    it('asks for the fields that are wanted, and lets the server decide with values that cannot break out', async () => {
      fill(5);
      const filters = [
        { field: 'B1_COD', operator: 'in', value: ['P1', 'P2', "x' OR '1'='1"] },
        { field: 'B1_UREV', operator: 'ge', value: '2026-11-02' },
      ] as never[];
      const query = { entity: PRODUCTS, filters, fields: ['B1_DESC'], namedFields: ['B1_DESC'] };
      const { records } = await readAll(open(), query);
      assert.deepEqual(
        records.map(({ pk: _pk, ...fields }) => fields),
        [{ B1_COD: 'P2', B1_DESC: 'Peça 2', B1_UREV: '2026-11-02' }],
      );
      const [asked] = lists();
      assert.equal(asked?.FILTER, "B1_COD IN ('P1','P2','x'' OR ''1''=''1') AND B1_UREV >= '20261102'");
      assert.deepEqual([asked?.FIELDS, asked?.FIRSTLEVEL], ['B1_COD,B1_DESC,B1_UREV', undefined]);
      tasks.add(HERE, { ZZG_CODIGO: '000001' }, [{ ZZH_CODIGO: '01' }]);
      const whole = await readAll(open(), { entity: TASKS, fields: ['ZZG_CODIGO', 'ZZHDETAIL'] } as object);
      assert.equal((whole.records[0]!.ZZHDETAIL as unknown[]).length, 1);
    });

    it('reads the days since the last one, and says which field is none to go by', async () => {
      fill(5);
      const read = (query: object) => readAll(open(), { entity: PRODUCTS, cursorField: 'B1_UREV', ...query } as object);
      const realNow = Date.now;
      Date.now = () => Date.parse('2026-11-30T12:00:00Z');
      try {
        const { cursor } = await read({});
        assert.equal(cursor?.lo, '2026-11-28');
        products.add(HERE, product(29, { B1_UREV: '20261129' }));
        const next = await read({ cursor });
        assert.deepEqual(
          next.records.map(({ B1_COD }) => B1_COD),
          ['P0', 'P29'],
        );
      } finally {
        Date.now = realNow;
      }
      assert.equal((await failureOf(read({ cursorField: 'B1_COD' }))).code, 'PCP_PROTHEUS_CURSOR');
    });

    it('says that the list moved, and which field the model does not have', async () => {
      fill(12);
      let page = 0;
      products.onList = () => {
        if (++page === 2) products.held.shift();
      };
      const moved = await failureOf(readAll(open(), { entity: PRODUCTS, batchSize: 5 }));
      assert.deepEqual([moved.class, moved.code], ['transient', 'PCP_TOTVS_LIST_MOVED']);
      const missing = await failureOf(
        readAll(open(), { entity: PRODUCTS, namedFields: ['B1_COD', 'B1_XGHOST'] } as object),
      );
      assert.deepEqual([missing.class, missing.code, missing.path], ['config', 'PCP_TOTVS_FIELD', 'B1_XGHOST']);
    });

    it('needs no declaration, and no dictionary where types are declared', async () => {
      plant.missing.add('/api/framework');
      products.add(HERE, product(1, { B1_PESO: 2 }));
      const models = { MATA010RETAIL: { fields: { B1_UREV: 'D', B1_XATIVO: 'L' } } };
      const [own] = (await readAll(open(models), { entity: PRODUCTS })).records;
      const [plain] = (await readAll(open({}), { entity: PRODUCTS })).records;
      const values = (row: SourceRecord | undefined) => [row?.B1_COD, row?.B1_UREV, row?.B1_XATIVO, row?.B1_PESO];
      assert.deepEqual(values(own), ['P1', '2026-11-01', false, '2']);
      assert.deepEqual(values(plain), ['P1', '20261101', '.F.', '2']);
    });

    it('finds one record by its key, and by the key that the server gave it', async () => {
      fill(3);
      const keys = { entity: PRODUCTS, keyFields: ['B1_COD'] };
      const [found, none] = await open().lookup!(keys, [{ B1_COD: 'P1' }, { B1_COD: "' OR '1'='1" }], signal);
      assert.deepEqual([found?.B1_DESC, none], ['Peça 1', null]);
      const pk = String(found?.pk);
      const missing = Buffer.from('D MG 01 NONE').toString('base64');
      const byKey = { entity: PRODUCTS, keyFields: ['pk'] };
      const [same, gone] = await open().lookup!(byKey, [{ pk }, { pk: missing }], signal);
      assert.deepEqual([same, gone], [found, null]);
      assert.match(sent('GET').at(-3)!.url, /\/MATA010RETAIL\/[A-Za-z0-9]+=*\?FIELDEMPTY=true&FIRSTLEVEL=false$/);
      const injected = Buffer.from("x' OR '1'='1").toString('base64');
      for (const wrong of [injected, '../SX6', '']) {
        const failure = await failureOf(open().lookup!(byKey, [{ pk: wrong }], signal));
        assert.deepEqual([failure.class, failure.code], ['data', 'PCP_TOTVS_VALUE']);
      }
    });
  });

  describe('what there is', () => {
    it('lists the declared ones, and tells which are not published', async () => {
      plant.missing.add('/fwmodel/ZZTAREFAS');
      const connector = open();
      const entities = await connector.discover!(signal);
      const of = (name: string) => entities.find((each) => each.name === name);
      assert.deepEqual([of(PRODUCTS)?.key, of(PRODUCTS)?.writable], [['B1_COD'], true]);
      assert.equal(of(TASKS)?.error?.code, 'PCP_TOTVS_NO_ROUTE');
      const { ok, steps } = await connector.test(signal);
      assert.ok(ok);
      assert.match(JSON.stringify(steps.at(-1)?.detail), /sem resposta: .*\/fwmodel\/ZZTAREFAS \(PCP_TOTVS_NO_ROUTE\)/);
      const failure = await failureOf(readAll(connector, { entity: TASKS }));
      assert.deepEqual([failure.class, failure.code], ['config', 'PCP_TOTVS_NO_ROUTE']);
      const other = open({}, { product: 'datasul', authentication: 'totvs' });
      assert.equal((await failureOf(readAll(other, { entity: TASKS }))).code, 'PCP_ENTITY_UNKNOWN');
    });

    it('describes fields as the dictionary has them, rows within them, and the mapping that works as it is', async () => {
      fill(1);
      tasks.add(HERE, { ZZG_CODIGO: '000001' });
      const { info, schema } = await open().describe!(PRODUCTS, signal);
      assert.deepEqual([info.kind, info.key], ['model', ['B1_COD']]);
      const { B1_COD, B1_PESO, B1_UREV, B1_XATIVO } = schema.properties ?? {};
      assert.deepEqual([B1_COD?.maxLength, B1_COD?.title, B1_PESO?.format], [15, 'Título', 'decimal']);
      assert.deepEqual([B1_UREV?.format, B1_XATIVO?.type], ['date', ['boolean', 'null']]);
      const mappings = schema['x-mappings'] as { direction: string; target_entity: string }[];
      assert.deepEqual(
        mappings.map(({ direction, target_entity }) => `${direction} ${target_entity}`),
        ['import material', 'export material'],
      );
      const rows = (await open().describe!(TASKS, signal)).schema.properties?.ZZHDETAIL;
      assert.equal(rows?.items?.properties?.ZZH_QUANT?.format, 'decimal');
    });

    it('describes one without records by the dictionary', async () => {
      const { properties = {} } = (await open().describe!(PRODUCTS, signal)).schema;
      assert.deepEqual([properties.B1_COD?.maxLength, properties.B1_UREV?.format], [15, 'date']);
    });
  });

  describe('writing', () => {
    const KEY = ['B1_COD'];
    const writing = (models: object = DECLARED) => openWriter(open(models), KEY, PRODUCTS);
    const P1 = {
      B1_COD: 'P1',
      B1_DESC: 'Peça ção',
      B1_UM: 'PC',
      B1_UREV: '2026-11-27',
      B1_XATIVO: true,
      B1_PESO: '10.50',
    };

    it('creates a record with values as the server takes them, and changes only what differs', async () => {
      fill(1);
      const writer = await writing();
      const data = { ...P1, B1_GRUPO: null };
      const write = async (more: object) => outcomes(await writer.write([thing({ ...data, ...more }, KEY)], signal));
      assert.deepEqual(await write({}), ['created']);
      assert.deepEqual(body(0), {
        id: 'MATA010',
        operation: 3,
        models: [
          {
            id: 'SB1MASTER',
            modeltype: 'FIELDS',
            fields: [
              { id: 'B1_COD', order: 1, value: 'P1' },
              { id: 'B1_DESC', order: 2, value: 'Peça ção' },
              { id: 'B1_UM', order: 3, value: 'PC' },
              { id: 'B1_UREV', order: 4, value: '20261127' },
              { id: 'B1_XATIVO', order: 5, value: '.T.' },
              { id: 'B1_PESO', order: 6, value: 10.5 },
            ],
          },
        ],
      });
      assert.match(sent('POST')[0]!.body, /"value":10\.50\}/, 'with every digit');
      assert.deepEqual(await write({ B1_PESO: '10.5' }), ['unchanged']);
      assert.deepEqual(await write({ B1_UREV: null, B1_XATIVO: false }), ['updated']);
      const [change] = sent('PUT');
      const pk = Buffer.from('D MG 01 P1             ').toString('base64');
      assert.equal(change?.url, `/rest/fwmodel/MATA010RETAIL/${pk}`);
      const { operation, pk: key, models } = body(1);
      assert.deepEqual([operation, key], [4, pk]);
      assert.deepEqual((models as { fields: unknown[] }[])[0]?.fields, [
        { id: 'B1_UREV', order: 1, value: '' },
        { id: 'B1_XATIVO', order: 2, value: '.F.' },
      ]);
      assert.equal(products.held.length, 2);
    });

    it('does not know whether a record whose answer was lost was created, finds it again, and creates no second one', async () => {
      fill(1);
      const writer = await writing();
      plant.cuts = (method) => method === 'POST';
      assert.deepEqual(outcomes(await writer.write([thing(P1, KEY)], signal)), ['unknown']);
      plant.cuts = () => false;
      const [found] = await writer.resolve!([thing(P1, KEY)], signal);
      assert.ok(found?.state === 'found');
      assert.deepEqual([found.data.B1_PESO, found.data.B1_DESC], ['10.50', 'Peça ção']);
      assert.deepEqual(outcomes(await writer.write([thing(P1, KEY)], signal)), ['unchanged']);
      assert.deepEqual(await writer.resolve!([thing({ ...P1, B1_COD: 'P2' }, KEY)], signal), [{ state: 'absent' }]);
      assert.equal(products.held.length, 2);
    });

    it('takes the record of another branch for none, and one that all branches share for its own', async () => {
      for (const branch of ['D RJ 02 ', 'D MG 02 ', '        ']) products.add(branch, product(1, { B1_DESC: branch }));
      const lookup = async (B1_COD: string, keyFields = KEY, more: object = {}) =>
        (await open().lookup!({ entity: PRODUCTS, keyFields }, [{ B1_COD, ...more }], signal))[0]?.B1_FILIAL;
      assert.equal(await lookup('P1'), '');
      assert.equal(await lookup('P1', ['B1_FILIAL', 'B1_COD'], { B1_FILIAL: 'D RJ 02' }), 'D RJ 02');
      products.held.pop();
      assert.deepEqual(outcomes(await (await writing()).write([thing(P1, KEY)], signal)), ['created']);
      assert.deepEqual(
        products.held.map(({ fields }) => fields.B1_FILIAL),
        ['D RJ 02 ', 'D MG 02 ', HERE],
      );
      assert.equal(await lookup('P1'), 'D MG 01');
    });

    it('adds, changes and deletes rows, by their place or by their key', async () => {
      const row = (code: string, quantity: string) => ({ ZZH_CODIGO: code, ZZH_QUANT: quantity });
      const task = (...rows: object[]) =>
        thing({ ZZG_CODIGO: '000001', ZZG_TITULO: 'Molde', ZZHDETAIL: rows }, ['ZZG_CODIGO']);
      const models = { ZZTAREFAS: { id: 'MZZTAREFAS', main: 'ZZGMASTER', row_keys: { ZZHDETAIL: ['ZZH_CODIGO'] } } };
      const rows = () =>
        tasks.held[0]!.rows.map((each) => `${String(each.ZZH_CODIGO).trim()}:${String(each.ZZH_QUANT)}`);
      const byKey = await openWriter(open(models), ['ZZG_CODIGO'], TASKS);
      const write = async (...all: object[]) => {
        const [result] = await byKey.write([task(...all)], signal);
        return [result?.outcome, ...rows()];
      };
      assert.deepEqual(await write(row('01', '1'), row('02', '2')), ['created', '01:1', '02:2']);
      assert.deepEqual(await write(row('02', '2'), row('01', '1.0')), ['unchanged', '01:1', '02:2']);
      assert.deepEqual(await write(row('02', '5'), row('03', '3')), ['updated', '02:5', '03:3']);
      const byPlace = await openWriter(open(), ['ZZG_CODIGO'], TASKS);
      const replaced = [task(row('02', '5'), row('04', '4'), row('05', '5'))];
      assert.deepEqual(outcomes(await byPlace.write(replaced, signal)), ['updated']);
      assert.deepEqual(rows(), ['02:5', '04:4', '05:5']);
      const untouched = thing({ ZZG_CODIGO: '000001', ZZG_TITULO: 'Matriz' }, ['ZZG_CODIGO']);
      assert.deepEqual(outcomes(await byPlace.write([untouched], signal)), ['updated']);
      assert.deepEqual(rows(), ['02:5', '04:4', '05:5']);
      assert.deepEqual(outcomes(await byPlace.write([task()], signal)), ['updated']);
      assert.deepEqual(await write(row('06', '6')), ['updated', '06:6']);
    });

    it('refuses what is no list of rows', async () => {
      tasks.add(HERE, { ZZG_CODIGO: '000001' }, [{ ZZH_CODIGO: '01' }]);
      const writer = await openWriter(open(), ['ZZG_CODIGO'], TASKS);
      for (const ZZHDETAIL of ['01', { ZZH_CODIGO: '01' }, ['01']]) {
        const [result] = await writer.write([thing({ ZZG_CODIGO: '000001', ZZHDETAIL }, ['ZZG_CODIGO'])], signal);
        assert.ok(result?.outcome === 'failed');
        assert.deepEqual([result.error.code, result.error.path], ['PCP_TOTVS_VALUE', 'ZZHDETAIL']);
      }
      assert.equal(sent('PUT').length, 0);
    });

    it('writes nothing where the server does not look for the key that it is given', async () => {
      fill(3);
      products.ignoresFilter = true;
      const failure = await failureOf((await writing()).write([thing(P1, KEY)], signal));
      assert.deepEqual([failure.class, failure.code], ['config', 'PCP_PROTHEUS_OTHER_RECORD']);
      assert.equal(sent('POST', 'PUT').length, 0);
    });

    it('refuses before anything is sent what the server would refuse, and a record without a key', async () => {
      fill(1);
      const writer = await writing();
      const failing = async (data: SourceRecord) => {
        const [result] = await writer.write([thing({ ...P1, ...data }, KEY)], signal);
        return result?.outcome === 'failed' ? `${result.error.code} ${result.error.path}` : result?.outcome;
      };
      assert.equal(await failing({ B1_UM: 'PÇS' }), 'PCP_TOTVS_VALUE B1_UM');
      assert.equal(await failing({ B1_PESO: 'x' }), 'PCP_TOTVS_VALUE B1_PESO');
      assert.equal(await failing({ B1_UREV: '27/11/2026' }), 'PCP_TOTVS_VALUE B1_UREV');
      assert.equal(await failing({ B1_XATIVO: 'x' }), 'PCP_TOTVS_VALUE B1_XATIVO');
      assert.equal(await failing({ B1_XGHOST: '1' }), 'PCP_TOTVS_VALUE B1_XGHOST');
      assert.equal(await failing({ B1_COD: null }), 'PCP_TOTVS_VALUE B1_COD');
      assert.equal(sent('POST').length, 0);
      const byKey = await openWriter(open(), ['pk'], PRODUCTS);
      const pk = Buffer.from('D MG 01 NONE').toString('base64');
      const [unknown] = await byKey.write([thing({ ...P1, pk }, ['pk'])], signal);
      assert.ok(unknown?.outcome === 'failed' && unknown.error.code === 'PCP_TOTVS_NOT_FOUND');
    });

    it('tells which field the model refused and why, whatever status comes with it, and that it was not kept', async () => {
      fill(1);
      const writer = await writing();
      for (const refusesWith500 of [false, true]) {
        products.refusesWith500 = refusesWith500;
        const [result] = await writer.write([thing({ ...P1, B1_DESC: '' }, KEY)], signal);
        assert.ok(result?.outcome === 'failed', JSON.stringify(result));
        const { class: errorClass, code, path, message } = result.error;
        assert.deepEqual([errorClass, code, path], ['data', 'PCP_TOTVS_REFUSED', 'B1_DESC']);
        assert.match(message, /O campo B1_DESC é obrigatório\. Preencha o campo\. \(OBRIGAT\)$/);
      }
    });

    it('takes a change that the model does not see as one (304) for done', async () => {
      fill(1);
      const writer = await writing({ MATA010RETAIL: { fields: { B1_GRUPO: 'N' } } });
      const data = { B1_COD: 'P0', B1_GRUPO: '0' };
      products.held[0]!.fields.B1_GRUPO = 'X   ';
      const set = products.answer.bind(products);
      products.answer = (method, ...rest) => (method === 'PUT' ? [304, ''] : set(method, ...rest));
      assert.deepEqual(outcomes(await writer.write([thing(data, KEY)], signal)), ['updated']);
    });

    it('deletes, and takes what is gone already for done', async () => {
      fill(2);
      const writer = await writing();
      const gone = thing({ B1_COD: 'P0' }, KEY);
      assert.deepEqual(outcomes(await writer.delete!([gone], signal)), ['deleted']);
      assert.deepEqual(outcomes(await writer.delete!([gone], signal)), ['deleted']);
      assert.equal(sent('DELETE').length, 1);
      plant.cuts = (method) => {
        if (method === 'GET') products.held.pop();
        return false;
      };
      assert.deepEqual(outcomes(await writer.delete!([thing({ B1_COD: 'P1' }, KEY)], signal)), ['deleted']);
      assert.equal(sent('DELETE').length, 2);
    });

    it('creates the first record of all only of a model that is declared with its parts', async () => {
      const failure = await failureOf((await writing()).write([thing(P1, KEY)], signal));
      assert.deepEqual([failure.class, failure.code], ['config', 'PCP_PROTHEUS_MODEL_EMPTY']);
      const declared = await writing({ MATA010RETAIL: { id: 'MATA010', main: 'SB1MASTER' } });
      assert.deepEqual(outcomes(await declared.write([thing(P1, KEY)], signal)), ['created']);
    });

    it('shows what it would send', async () => {
      fill(1);
      const target = { entity: PRODUCTS, keyFields: KEY };
      const { current, request } = await open().describeWrite!(target, thing(P1, KEY), signal);
      assert.deepEqual([current, request?.method], [null, 'POST']);
      const change = await open().describeWrite!(target, thing({ ...P1, B1_COD: 'P0' }, KEY), signal);
      assert.deepEqual([change.current?.B1_DESC, change.request?.method], ['Peça 0', 'PUT']);
      assert.equal(sent('POST', 'PUT').length, 0);
    });
  });
});
