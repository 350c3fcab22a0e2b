import assert from 'node:assert/strict';
import type { SourceRecord } from '../../../lib/connectors/contract';
import { failureOf, openWriter, signal } from '../rest/server';
import { DECLARED, HERE, ModelBench, PRODUCTS, product, TASKS, thing } from './model-bench';

describe('writing published models of Protheus', function () {
  this.timeout(180_000);
  const bench = new ModelBench();
  const body = (at: number) => JSON.parse(bench.sent('POST', 'PUT').at(at)!.body) as Record<string, unknown>;
  const outcomes = (results: { outcome: string }[]) => results.map(({ outcome }) => outcome);
  const KEY = ['B1_COD'];
  const writing = (models: object = DECLARED) => openWriter(bench.open(models), KEY, PRODUCTS);
  const P1 = {
    B1_COD: 'P1',
    B1_DESC: 'Peça ção',
    B1_UM: 'PC',
    B1_UREV: '2026-11-27',
    B1_XATIVO: true,
    B1_PESO: '10.50',
  };

  it('creates a record with values as the server takes them, and changes only what differs', async () => {
    bench.fill(1);
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
    assert.match(bench.sent('POST')[0]!.body, /"value":10\.50\}/, 'with every digit');
    assert.deepEqual(await write({ B1_PESO: '10.5' }), ['unchanged']);
    assert.deepEqual(await write({ B1_UREV: null, B1_XATIVO: false }), ['updated']);
    const [change] = bench.sent('PUT');
    const pk = Buffer.from('D MG 01 P1             ').toString('base64');
    assert.equal(change?.url, `/rest/fwmodel/MATA010RETAIL/${pk}`);
    const { operation, pk: key, models } = body(1);
    assert.deepEqual([operation, key], [4, pk]);
    assert.deepEqual((models as { fields: unknown[] }[])[0]?.fields, [
      { id: 'B1_UREV', order: 1, value: '' },
      { id: 'B1_XATIVO', order: 2, value: '.F.' },
    ]);
    assert.equal(bench.products.held.length, 2);
  });

  it('does not know whether a record whose answer was lost was created, finds it again, and creates no second one', async () => {
    bench.fill(1);
    const writer = await writing();
    bench.plant.cuts = (method) => method === 'POST';
    assert.deepEqual(outcomes(await writer.write([thing(P1, KEY)], signal)), ['unknown']);
    bench.plant.cuts = () => false;
    const [found] = await writer.resolve!([thing(P1, KEY)], signal);
    assert.ok(found?.state === 'found');
    assert.deepEqual([found.data.B1_PESO, found.data.B1_DESC], ['10.50', 'Peça ção']);
    assert.deepEqual(outcomes(await writer.write([thing(P1, KEY)], signal)), ['unchanged']);
    assert.deepEqual(await writer.resolve!([thing({ ...P1, B1_COD: 'P2' }, KEY)], signal), [{ state: 'absent' }]);
    assert.equal(bench.products.held.length, 2);
  });

  it('takes the record of another branch for none, and one that all branches share for its own', async () => {
    for (const branch of ['D RJ 02 ', 'D MG 02 ', '        '])
      bench.products.add(branch, product(1, { B1_DESC: branch }));
    const lookup = async (B1_COD: string, keyFields = KEY, more: object = {}) =>
      (await bench.open().lookup!({ entity: PRODUCTS, keyFields }, [{ B1_COD, ...more }], signal))[0]?.B1_FILIAL;
    assert.equal(await lookup('P1'), '');
    assert.equal(await lookup('P1', ['B1_FILIAL', 'B1_COD'], { B1_FILIAL: 'D RJ 02' }), 'D RJ 02');
    bench.products.held.pop();
    assert.deepEqual(outcomes(await (await writing()).write([thing(P1, KEY)], signal)), ['created']);
    assert.deepEqual(
      bench.products.held.map(({ fields }) => fields.B1_FILIAL),
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
      bench.tasks.held[0]!.rows.map((each) => `${String(each.ZZH_CODIGO).trim()}:${String(each.ZZH_QUANT)}`);
    const byKey = await openWriter(bench.open(models), ['ZZG_CODIGO'], TASKS);
    const write = async (...all: object[]) => {
      const [result] = await byKey.write([task(...all)], signal);
      return [result?.outcome, ...rows()];
    };
    assert.deepEqual(await write(row('01', '1'), row('02', '2')), ['created', '01:1', '02:2']);
    assert.deepEqual(await write(row('02', '2'), row('01', '1.0')), ['unchanged', '01:1', '02:2']);
    assert.deepEqual(await write(row('02', '5'), row('03', '3')), ['updated', '02:5', '03:3']);
    const byPlace = await openWriter(bench.open(), ['ZZG_CODIGO'], TASKS);
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
    bench.tasks.add(HERE, { ZZG_CODIGO: '000001' }, [{ ZZH_CODIGO: '01' }]);
    const writer = await openWriter(bench.open(), ['ZZG_CODIGO'], TASKS);
    for (const ZZHDETAIL of ['01', { ZZH_CODIGO: '01' }, ['01']]) {
      const [result] = await writer.write([thing({ ZZG_CODIGO: '000001', ZZHDETAIL }, ['ZZG_CODIGO'])], signal);
      assert.ok(result?.outcome === 'failed');
      assert.deepEqual([result.error.code, result.error.path], ['PCP_TOTVS_VALUE', 'ZZHDETAIL']);
    }
    assert.equal(bench.sent('PUT').length, 0);
  });

  it('writes nothing where the server does not look for the key that it is given', async () => {
    bench.fill(3);
    bench.products.ignoresFilter = true;
    const failure = await failureOf((await writing()).write([thing(P1, KEY)], signal));
    assert.deepEqual([failure.class, failure.code], ['config', 'PCP_PROTHEUS_OTHER_RECORD']);
    assert.equal(bench.sent('POST', 'PUT').length, 0);
  });

  it('refuses before anything is sent what the server would refuse, and a record without a key', async () => {
    bench.fill(1);
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
    assert.equal(bench.sent('POST').length, 0);
    const byKey = await openWriter(bench.open(), ['pk'], PRODUCTS);
    const pk = Buffer.from('D MG 01 NONE').toString('base64');
    const [unknown] = await byKey.write([thing({ ...P1, pk }, ['pk'])], signal);
    assert.ok(unknown?.outcome === 'failed' && unknown.error.code === 'PCP_TOTVS_NOT_FOUND');
  });

  it('tells which field the model refused and why, whatever status comes with it, and that it was not kept', async () => {
    bench.fill(1);
    const writer = await writing();
    for (const refusesWith500 of [false, true]) {
      bench.products.refusesWith500 = refusesWith500;
      const [result] = await writer.write([thing({ ...P1, B1_DESC: '' }, KEY)], signal);
      assert.ok(result?.outcome === 'failed', JSON.stringify(result));
      const { class: errorClass, code, path, message } = result.error;
      assert.deepEqual([errorClass, code, path], ['data', 'PCP_TOTVS_REFUSED', 'B1_DESC']);
      assert.match(message, /O campo B1_DESC é obrigatório\. Preencha o campo\. \(OBRIGAT\)$/);
    }
  });

  it('takes a change that the model does not see as one (304) for done', async () => {
    bench.fill(1);
    const writer = await writing({ MATA010RETAIL: { fields: { B1_GRUPO: 'N' } } });
    const data = { B1_COD: 'P0', B1_GRUPO: '0' };
    bench.products.held[0]!.fields.B1_GRUPO = 'X   ';
    const set = bench.products.answer.bind(bench.products);
    bench.products.answer = (method, ...rest) => (method === 'PUT' ? [304, ''] : set(method, ...rest));
    assert.deepEqual(outcomes(await writer.write([thing(data, KEY)], signal)), ['updated']);
  });

  it('deletes, and takes what is gone already for done', async () => {
    bench.fill(2);
    const writer = await writing();
    const gone = thing({ B1_COD: 'P0' }, KEY);
    assert.deepEqual(outcomes(await writer.delete!([gone], signal)), ['deleted']);
    assert.deepEqual(outcomes(await writer.delete!([gone], signal)), ['deleted']);
    assert.equal(bench.sent('DELETE').length, 1);
    bench.plant.cuts = (method) => {
      if (method === 'GET') bench.products.held.pop();
      return false;
    };
    assert.deepEqual(outcomes(await writer.delete!([thing({ B1_COD: 'P1' }, KEY)], signal)), ['deleted']);
    assert.equal(bench.sent('DELETE').length, 2);
  });

  it('creates the first record of all only of a model that is declared with its parts', async () => {
    const failure = await failureOf((await writing()).write([thing(P1, KEY)], signal));
    assert.deepEqual([failure.class, failure.code], ['config', 'PCP_PROTHEUS_MODEL_EMPTY']);
    const declared = await writing({ MATA010RETAIL: { id: 'MATA010', main: 'SB1MASTER' } });
    assert.deepEqual(outcomes(await declared.write([thing(P1, KEY)], signal)), ['created']);
  });

  it('shows what it would send', async () => {
    bench.fill(1);
    const target = { entity: PRODUCTS, keyFields: KEY };
    const { current, request } = await bench.open().describeWrite!(target, thing(P1, KEY), signal);
    assert.deepEqual([current, request?.method], [null, 'POST']);
    const change = await bench.open().describeWrite!(target, thing({ ...P1, B1_COD: 'P0' }, KEY), signal);
    assert.deepEqual([change.current?.B1_DESC, change.request?.method], ['Peça 0', 'PUT']);
    assert.equal(bench.sent('POST', 'PUT').length, 0);
  });
});
