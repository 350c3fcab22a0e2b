import assert from 'node:assert/strict';
import type { SourceRecord } from '../../../lib/connectors/contract';
import { failureOf, readAll, signal } from '../rest/server';
import { HERE, ModelBench, PRODUCTS, product, TASKS } from './model-bench';

describe('published models of Protheus (FWRestModel)', function () {
  this.timeout(180_000);
  const bench = new ModelBench();
  const lists = () => bench.sent('GET').map(({ url }) => Object.fromEntries(new URL(url, 'http://x').searchParams));

  describe('reading', () => {
    it('gives every record once, page by page, as records are here', async () => {
      bench.fill(23);
      bench.products.add(
        HERE,
        product(77, { B1_DESC: "d'água  ", B1_UREV: '        ', B1_XATIVO: '.T.', B1_PESO: 1.25 }),
      );
      const { records, batches } = await readAll(bench.open(), { entity: PRODUCTS, batchSize: 10 });
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
      bench.tasks.add(HERE, { ZZG_CODIGO: '000001', ZZG_TITULO: 'Molde' }, [
        { ZZH_CODIGO: '01', ZZH_QUANT: 2.5, ZZH_DTCONC: '20261127' },
        { ZZH_CODIGO: '02' },
      ]);
      bench.tasks.add(HERE, { ZZG_CODIGO: '000002' });
      const { records } = await readAll(bench.open(), { entity: TASKS });
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
      bench.fill(5);
      const filters = [
        { field: 'B1_COD', operator: 'in', value: ['P1', 'P2', "x' OR '1'='1"] },
        { field: 'B1_UREV', operator: 'ge', value: '2026-11-02' },
      ] as never[];
      const query = { entity: PRODUCTS, filters, fields: ['B1_DESC'], namedFields: ['B1_DESC'] };
      const { records } = await readAll(bench.open(), query);
      assert.deepEqual(
        records.map(({ pk: _pk, ...fields }) => fields),
        [{ B1_COD: 'P2', B1_DESC: 'Peça 2', B1_UREV: '2026-11-02' }],
      );
      const [asked] = lists();
      assert.equal(asked?.FILTER, "B1_COD IN ('P1','P2','x'' OR ''1''=''1') AND B1_UREV >= '20261102'");
      assert.deepEqual([asked?.FIELDS, asked?.FIRSTLEVEL], ['B1_COD,B1_DESC,B1_UREV', undefined]);
      bench.tasks.add(HERE, { ZZG_CODIGO: '000001' }, [{ ZZH_CODIGO: '01' }]);
      const whole = await readAll(bench.open(), { entity: TASKS, fields: ['ZZG_CODIGO', 'ZZHDETAIL'] } as object);
      assert.equal((whole.records[0]!.ZZHDETAIL as unknown[]).length, 1);
    });

    it('reads the days since the last one, and says which field is none to go by', async () => {
      bench.fill(5);
      const read = (query: object) =>
        readAll(bench.open(), { entity: PRODUCTS, cursorField: 'B1_UREV', ...query } as object);
      const realNow = Date.now;
      Date.now = () => Date.parse('2026-11-30T12:00:00Z');
      try {
        const { cursor } = await read({});
        assert.equal(cursor?.lo, '2026-11-28');
        bench.products.add(HERE, product(29, { B1_UREV: '20261129' }));
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
      bench.fill(12);
      let page = 0;
      bench.products.onList = () => {
        if (++page === 2) bench.products.held.shift();
      };
      const moved = await failureOf(readAll(bench.open(), { entity: PRODUCTS, batchSize: 5 }));
      assert.deepEqual([moved.class, moved.code], ['transient', 'PCP_TOTVS_LIST_MOVED']);
      const missing = await failureOf(
        readAll(bench.open(), { entity: PRODUCTS, namedFields: ['B1_COD', 'B1_XGHOST'] } as object),
      );
      assert.deepEqual([missing.class, missing.code, missing.path], ['config', 'PCP_TOTVS_FIELD', 'B1_XGHOST']);
    });

    it('needs no declaration, and no dictionary where types are declared', async () => {
      bench.plant.missing.add('/api/framework');
      bench.products.add(HERE, product(1, { B1_PESO: 2 }));
      const models = { MATA010RETAIL: { fields: { B1_UREV: 'D', B1_XATIVO: 'L' } } };
      const [own] = (await readAll(bench.open(models), { entity: PRODUCTS })).records;
      const [plain] = (await readAll(bench.open({}), { entity: PRODUCTS })).records;
      const values = (row: SourceRecord | undefined) => [row?.B1_COD, row?.B1_UREV, row?.B1_XATIVO, row?.B1_PESO];
      assert.deepEqual(values(own), ['P1', '2026-11-01', false, '2']);
      assert.deepEqual(values(plain), ['P1', '20261101', '.F.', '2']);
    });

    it('finds one record by its key, and by the key that the server gave it', async () => {
      bench.fill(3);
      const keys = { entity: PRODUCTS, keyFields: ['B1_COD'] };
      const [found, none] = await bench.open().lookup!(keys, [{ B1_COD: 'P1' }, { B1_COD: "' OR '1'='1" }], signal);
      assert.deepEqual([found?.B1_DESC, none], ['Peça 1', null]);
      const pk = String(found?.pk);
      const missing = Buffer.from('D MG 01 NONE').toString('base64');
      const byKey = { entity: PRODUCTS, keyFields: ['pk'] };
      const [same, gone] = await bench.open().lookup!(byKey, [{ pk }, { pk: missing }], signal);
      assert.deepEqual([same, gone], [found, null]);
      assert.match(bench.sent('GET').at(-3)!.url, /\/MATA010RETAIL\/[A-Za-z0-9]+=*\?FIELDEMPTY=true&FIRSTLEVEL=false$/);
      const injected = Buffer.from("x' OR '1'='1").toString('base64');
      for (const wrong of [injected, '../SX6', '']) {
        const failure = await failureOf(bench.open().lookup!(byKey, [{ pk: wrong }], signal));
        assert.deepEqual([failure.class, failure.code], ['data', 'PCP_TOTVS_VALUE']);
      }
    });
  });

  describe('what there is', () => {
    it('lists the declared ones, and tells which are not published', async () => {
      bench.plant.missing.add('/fwmodel/ZZTAREFAS');
      const connector = bench.open();
      const entities = await connector.discover!(signal);
      const of = (name: string) => entities.find((each) => each.name === name);
      assert.deepEqual([of(PRODUCTS)?.key, of(PRODUCTS)?.writable], [['B1_COD'], true]);
      assert.equal(of(TASKS)?.error?.code, 'PCP_TOTVS_NO_ROUTE');
      const { ok, steps } = await connector.test(signal);
      assert.ok(ok);
      assert.match(JSON.stringify(steps.at(-1)?.detail), /sem resposta: .*\/fwmodel\/ZZTAREFAS/);
      const failure = await failureOf(readAll(connector, { entity: TASKS }));
      assert.deepEqual([failure.class, failure.code], ['config', 'PCP_TOTVS_NO_ROUTE']);
      const other = bench.open({}, { product: 'datasul', authentication: 'totvs' });
      assert.equal((await failureOf(readAll(other, { entity: TASKS }))).code, 'PCP_ENTITY_UNKNOWN');
    });

    it('describes fields as the dictionary has them, rows within them, and the mapping that works as it is', async () => {
      bench.fill(1);
      bench.tasks.add(HERE, { ZZG_CODIGO: '000001' });
      const { info, schema } = await bench.open().describe!(PRODUCTS, signal);
      assert.deepEqual([info.kind, info.key], ['model', ['B1_COD']]);
      const { B1_COD, B1_PESO, B1_UREV, B1_XATIVO } = schema.properties ?? {};
      assert.deepEqual([B1_COD?.maxLength, B1_COD?.title, B1_PESO?.format], [15, 'Título', 'decimal']);
      assert.deepEqual([B1_UREV?.format, B1_XATIVO?.type], ['date', ['boolean', 'null']]);
      const mappings = schema['x-mappings'] as { direction: string; target_entity: string }[];
      assert.deepEqual(
        mappings.map(({ direction, target_entity }) => `${direction} ${target_entity}`),
        ['import material', 'export material'],
      );
      const rows = (await bench.open().describe!(TASKS, signal)).schema.properties?.ZZHDETAIL;
      assert.equal(rows?.items?.properties?.ZZH_QUANT?.format, 'decimal');
    });

    it('describes one without records by the dictionary', async () => {
      const { properties = {} } = (await bench.open().describe!(PRODUCTS, signal)).schema;
      assert.deepEqual([properties.B1_COD?.maxLength, properties.B1_UREV?.format], [15, 'date']);
    });
  });
});
