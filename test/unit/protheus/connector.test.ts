import assert from 'node:assert/strict';
import type { Connector, SourceRecord } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/erp/protheus/connector';
import type { Cursor } from '../../../lib/model/sync';
import { ORDERS, protheusPlant } from '../../support/protheus/plant';
import type { ProtheusServer, Row } from '../../support/protheus/server';
import { failureOf, openWriter, readAll, record, signal } from '../rest/server';

const KEY = ['IntegrationReport'];
const stop = (report: string, data: SourceRecord = {}) =>
  record(
    { IntegrationReport: report, MachineCode: 'M1', StartDateTime: '2026-11-27T06:00:30-03:00', ...data },
    {},
    KEY,
  );

describe('protheus', function () {
  this.timeout(180_000);
  let plant: ProtheusServer;
  const opened: Connector[] = [];

  beforeEach(async () => {
    plant = await protheusPlant();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((connector) => connector.close()));
    await plant.stop();
  });

  function open(config: Record<string, unknown> = {}, password?: string): Connector {
    const connector = create(plant.connection(config, password), { log: () => undefined });
    opened.push(connector);
    return connector;
  }

  const asked = (method: string) =>
    plant.asked.filter((each) => each.method === method && !each.url.includes('/token'));
  const numbers = (records: SourceRecord[]) => records.map(({ C2_NUM }) => C2_NUM);
  const all = ORDERS.map(({ C2_NUM }) => C2_NUM);

  describe('reading tables', () => {
    it('gives texts without padding, days as ISO 8601, empty ones as nothing, and every digit', async () => {
      const { records } = await readAll(open(), { entity: 'production_order', batchSize: 5 });
      assert.deepEqual(numbers(records), all);
      assert.deepEqual(
        [records[2]?.C2_PRODUTO, records[0]?.C2_OBS, records[0]?.C2_FILIAL],
        ['AÇÃO 😀', "d'água", 'D MG 01'],
      );
      assert.deepEqual(
        [records[0]?.C2_DATPRI, records[0]?.C2_DATRF, records[4]?.C2_DATRF],
        ['2026-11-01', null, '2026-11-20'],
      );
      assert.deepEqual([records[0]?.C2_QUANT, records[1]?.C2_QUANT], ['10.5', '1234567890123.123456']);
    });

    for (const [name, manner] of Object.entries({
      'does not sort': { ignoresOrder: true },
      'gives no numbers of rows': { hasRowNumbers: false },
      'takes its parameters from headers': { parametersInHeaders: true },
    })) {
      it(`reads every row from a server that ${name}`, async () => {
        Object.assign(plant, manner);
        plant.tables.get('SC2')!.reverse();
        const config = name.includes('headers') ? { query_parameters_in: 'header' } : {};
        const { records } = await readAll(open(config), { entity: 'production_order', batchSize: 4 });
        assert.deepEqual([...new Set(numbers(records))].sort(), all);
      });
    }

    it('leaves nothing out when rows go while the table is read', async () => {
      let page = 0;
      plant.onPage = (table) => {
        if (table === 'SC2' && ++page === 2) plant.tables.get('SC2')!.splice(0, 3);
      };
      const { records } = await readAll(open(), { entity: 'production_order', batchSize: 5 });
      assert.deepEqual(numbers(records), all);
    });

    for (const [name, change] of Object.entries({
      added: (rows: Row[]) => rows.unshift({ ...ORDERS[0]!, C2_NUM: '000000' }),
      deleted: (rows: Row[]) => rows.splice(1, 1),
    })) {
      it(`says that pages moved by a row that was ${name}, and leaves nothing out when it goes on`, async () => {
        plant.hasRowNumbers = false;
        const rows = plant.tables.get('SC2')!;
        let page = 0;
        plant.onPage = (table) => {
          if (table === 'SC2' && ++page === 3) change(rows);
        };
        const query = { entity: 'production_order', batchSize: 5 };
        let cursor: Cursor | null = null;
        const reading = async () => {
          const batches = open().read!({ ...query, cursor: null }, signal);
          for await (const { cursorAfter } of batches) cursor = cursorAfter;
        };
        const failure = await failureOf(reading());
        assert.deepEqual([failure.class, failure.code], ['transient', 'PCP_TOTVS_LIST_MOVED']);
        const { records } = await readAll(open(), { ...query, cursor });
        const expected = rows.filter(({ D_E_L_E_T_ }) => D_E_L_E_T_ !== '*').map(({ C2_NUM }) => C2_NUM);
        assert.deepEqual(numbers(records).sort(), expected);
      });
    }

    it('reads every row, from wherever it goes on, from a server whose pages ascend only by chance', async () => {
      plant.ignoresOrder = true;
      const rows = plant.tables.get('SC2')!;
      rows.splice(3, 0, ...rows.splice(22, 1));
      const query = { entity: 'production_order', batchSize: 4 };
      const { records, batches } = await readAll(open(), query);
      assert.deepEqual([...new Set(numbers(records))].sort(), all);
      const rest = await readAll(open(), { ...query, cursor: batches[0]!.cursorAfter });
      assert.deepEqual([...new Set(numbers([...batches[0]!.records, ...rest.records]))].sort(), all);
    });

    it('does not take rows that were deleted before they were read for missing ones', async () => {
      let page = 0;
      plant.onPage = (table) => {
        if (table === 'SC2' && ++page === 2) plant.tables.get('SC2')!.splice(10, 1);
      };
      const { records } = await readAll(open(), { entity: 'production_order', batchSize: 5 });
      assert.deepEqual(numbers(records), all.toSpliced(10, 1));
    });

    it('tells which field a table does not have, instead of reading it as empty', async () => {
      const query = {
        entity: 'production_order',
        fields: ['C2_NUM', 'C2_XGHOST'],
        namedFields: ['C2_NUM', 'C2_XGHOST'],
      };
      const failure = await failureOf(readAll(open(), query));
      assert.deepEqual([failure.class, failure.code, failure.path], ['config', 'PCP_TOTVS_FIELD', 'C2_XGHOST']);
      const injected = { entity: 'SC2', fields: ["C2_NUM' OR '1'='1"], namedFields: [] };
      assert.equal((await failureOf(readAll(open(), injected))).code, 'PCP_TOTVS_FIELD');
    });

    it('lets the server decide what it decides as the mapping would, with values that cannot break out', async () => {
      const filters = [
        { field: 'C2_PRODUTO', operator: 'in', value: ['P-0', "x' OR '1'='1"] },
        { field: 'C2_DATPRI', operator: 'le', value: '2026-11-05' },
        { field: 'C2_NUM', operator: 'ge', value: '000001' },
      ] as never[];
      const { records } = await readAll(open(), {
        entity: 'production_order',
        filters,
        fields: ['C2_PRODUTO', 'C2_DATPRI'],
      } as never);
      assert.deepEqual(numbers(records), ['000001']);
      const where = new URL(asked('GET').at(-1)!.url, 'http://x').searchParams.get('where');
      assert.equal(where, "C2_PRODUTO IN ('P-0','x'' OR ''1''=''1') AND C2_DATPRI <= '20261105' AND R_E_C_N_O_ > 0");
    });

    describe('by what changed', () => {
      const realNow = Date.now;
      const ids = ({ records }: { records: SourceRecord[] }) => records.map(({ R_E_C_N_O_ }) => R_E_C_N_O_);
      const by = (cursorField: string, query: { cursor?: Cursor | undefined; lookbackSeconds?: number } = {}) =>
        readAll(open(), { entity: 'production_data', cursorField, ...query } as object);
      const add = (...rows: Row[]) => {
        for (const row of rows) plant.tables.get('SH6')!.push({ ...plant.tables.get('SH6')![3]!, ...row });
      };

      beforeEach(() => {
        Date.now = () => Date.parse('2026-11-27T12:00:00Z');
      });
      afterEach(() => {
        Date.now = realNow;
      });

      it('reads the rows behind the last number, and the last 1,000 numbers again', async () => {
        add({ R_E_C_N_O_: 5000 });
        const { cursor } = await by('R_E_C_N_O_');
        // Committed, and reversed, after the row 5000 was read.
        add({ R_E_C_N_O_: 4001 }, { R_E_C_N_O_: 5001 }, { R_E_C_N_O_: 4000 });
        const next = await by('R_E_C_N_O_', { cursor });
        assert.deepEqual(ids(next), ['4001', '5000', '5001']);
        plant.tables.get('SH6')!.length = 0;
        const { cursor: kept } = await by('R_E_C_N_O_', { cursor: next.cursor });
        assert.equal(kept?.lo, '5001');
        assert.equal((await failureOf(by('H6_OP'))).code, 'PCP_PROTHEUS_CURSOR');
      });

      it('reads the last day again, and as many before it as it is told', async () => {
        const { cursor, records } = await by('H6_DTAPONT');
        assert.equal(records.length, 4);
        add({ R_E_C_N_O_: 99 });
        assert.deepEqual(ids(await by('H6_DTAPONT', { cursor })), ['12', '99']);
        assert.deepEqual(ids(await by('H6_DTAPONT', { cursor, lookbackSeconds: 2 * 86_400 })), ['6', '9', '12', '99']);
      });

      it('is not led into the future by a day that somebody mistyped', async () => {
        add(
          { R_E_C_N_O_: 90, H6_DTAPONT: '20621127' },
          { R_E_C_N_O_: 91, H6_DTAPONT: '2026AB99' },
          { R_E_C_N_O_: 92, H6_DTAPONT: '20261128' },
          { R_E_C_N_O_: 93, H6_DTAPONT: '20261129' },
        );
        const { cursor } = await by('H6_DTAPONT');
        assert.equal(cursor?.lo, '2026-11-28');
      });
    });
  });

  describe('the dictionary', () => {
    it('lists its tables beside the entities of a plant, and tells which routes are not published', async () => {
      plant.missing.add('/api/pcp/v1/mrp');
      plant.forbidden.add('/api/pcp/v1/wasteReasons');
      const connector = open();
      const entities = await connector.discover!(signal);
      const of = (name: string) => entities.find((each) => each.name === name);
      assert.deepEqual(
        [of('SC2')?.label, of('SC2')?.key.length, of('SH6')?.key],
        ['Ordens de Produção', 5, ['R_E_C_N_O_']],
      );
      assert.deepEqual(
        ['production_order', 'stop_report', 'stop_reason', 'mrp_production_order', 'waste_reason'].map(
          (name) => of(name)?.error?.code,
        ),
        [undefined, undefined, undefined, 'PCP_TOTVS_NO_ROUTE', 'PCP_PROTHEUS_FORBIDDEN'],
      );
      assert.match(of('mrp_production_order')?.error?.hint ?? '', /appserver\.ini/);
      const report = await connector.test(signal);
      assert.ok(report.ok, JSON.stringify(report));
      const { unanswered } = report.steps.at(-1)!;
      assert.deepEqual(
        unanswered?.map(({ names, error }) => [names.length, error.code]),
        [
          [1, 'PCP_PROTHEUS_FORBIDDEN'],
          [11, 'PCP_TOTVS_NO_ROUTE'],
        ],
      );
      assert.match(unanswered?.[0]?.error.hint ?? '', /SIGACFG/);
    });

    it('does not take routes that refuse what they are asked for ones that answer', async () => {
      const report = await open({ tenant_id: 'T1' }).test(signal);
      const { ok, error } = report.steps.at(-1)!;
      assert.deepEqual([report.ok, ok, error?.code], [false, false, 'PCP_TOTVS_TENANT']);
      assert.match(error?.message ?? '', /TenantId inválido/);
      const read = await failureOf(readAll(open(), { entity: 'material' }));
      assert.deepEqual([read.class, read.code], ['data', 'PCP_TOTVS_READ_REFUSED']);
      assert.doesNotMatch(read.hint ?? '', /record/);
    });

    it('lists each table once, though some had to be read again', async () => {
      plant.ignoresOrder = true;
      const rows = Array.from({ length: 1100 }, (_, n) => {
        const X2_CHAVE = `${n < 1000 ? 'Y' : 'Z'}${(n % 1000).toString(36).padStart(2, '0').toUpperCase()}`;
        return { X2_CHAVE, X2_NOME: '', X2_UNICO: '', R_E_C_N_O_: n + 1 };
      });
      plant.tables.set('SX2', [...rows.slice(0, 999), rows[1099]!, ...rows.slice(999, 1099)]);
      const tables = (await open().discover!(signal)).filter(({ kind }) => kind === 'table');
      assert.deepEqual(
        tables.map(({ name }) => name).sort(),
        rows.map(({ X2_CHAVE }) => X2_CHAVE),
      );
    });

    it('describes tables with the fields of the customer, and without a dictionary by what is known', async () => {
      const { info, schema } = await open().describe!('SC2', signal);
      assert.deepEqual([info.kind, info.key[1]], ['table', 'C2_NUM']);
      assert.deepEqual(schema.properties?.C2_QUANT?.format, 'decimal');
      assert.deepEqual([schema.properties?.C2_NUM?.title, schema.properties?.C2_NUM?.maxLength], ['Título', 15]);
      assert.ok(!('C2_XVIRT' in (schema.properties ?? {})));
      plant.tables.delete('SX3');
      const known = await open().describe!('production_order', signal);
      assert.equal(known.schema.properties?.C2_DATPRI?.format, 'date');
      assert.equal((known.schema['x-mappings'] as unknown[]).length, 1);
      const row = await open().lookup!(
        { entity: 'production_order', keyFields: ['C2_NUM'] },
        [{ C2_NUM: '000003' }, { C2_NUM: "'" }],
        signal,
      );
      assert.deepEqual([row[0]?.C2_PRODUTO, row[1]], ['AÇÃO 😀', null]);
    });
  });

  describe('writing', () => {
    it('does not know whether a posting whose answer was lost happened, finds it again, and posts no second one', async () => {
      const writer = await openWriter(open(), KEY, 'stop_report');
      plant.cuts = (method) => method === 'POST';
      assert.equal((await writer.write([stop('a long record id')], signal))[0]?.outcome, 'unknown');
      plant.cuts = () => false;
      const [found] = await writer.resolve!([stop('a long record id')], signal);
      assert.ok(found?.state === 'found');
      assert.deepEqual([found.data.IntegrationReport, found.data.MachineCode], ['a long record id', 'M1']);
      const results = await writer.write(
        [stop('a long record id'), stop('a long record id', { MachineCode: 'M2' })],
        signal,
      );
      assert.equal(results[0]?.outcome, 'unchanged');
      assert.ok(results[1]?.outcome === 'failed' && results[1].error.code === 'PCP_PROTHEUS_POSTED_BEFORE');
      assert.equal(plant.stops.size, 1);
      assert.match(String([...plant.stops.values()][0]?.IntegrationReport), /^[0-9A-Z]{6}$/);
    });

    it('does not take a page of maintenance for a posting', async () => {
      plant.isInMaintenance = true;
      const writer = await openWriter(open(), KEY, 'stop_report');
      const [result] = await writer.write([stop('1')], signal);
      assert.ok(result?.outcome === 'unknown' && result.error.code === 'PCP_HTTP_NOT_JSON');
      assert.deepEqual(await writer.resolve!([stop('1')], signal), [{ state: 'absent' }]);
    });

    it('reverses stops, and takes what is reversed already for done', async () => {
      const writer = await openWriter(open(), KEY, 'stop_report');
      await writer.write([stop('1')], signal);
      assert.equal((await writer.delete!([stop('1')], signal))[0]?.outcome, 'deleted');
      assert.equal(plant.stops.size, 0);
      assert.match(asked('DELETE')[0]?.url ?? '', /stopReports\/1\/reversal$/);
      assert.equal((await writer.delete!([stop('1')], signal))[0]?.outcome, 'deleted');
      assert.equal(asked('DELETE').length, 1);
    });

    it('does not post again what somebody reversed in Protheus', async () => {
      const writer = await openWriter(open(), KEY, 'stop_report');
      await writer.write([stop('1')], signal);
      [...plant.stops.values()][0]!.ReversedReport = true;
      const [result] = await writer.write([stop('1')], signal);
      assert.ok(result?.outcome === 'failed');
      assert.deepEqual([result.error.class, result.error.code], ['data', 'PCP_PROTHEUS_REVERSED']);
      assert.equal((await writer.delete!([stop('1')], signal))[0]?.outcome, 'deleted');
      assert.deepEqual([asked('POST').length, asked('DELETE').length], [1, 0]);
    });

    it('creates and changes scrap reasons by their code', async () => {
      const writer = await openWriter(open(), ['Code'], 'waste_reason');
      const reason = (Description: string) => record({ Code: 'R1', Description, IsRework: false }, {}, ['Code']);
      const outcomes = [];
      for (const text of ['Peça ção', 'Peça ção', 'Trinca']) {
        outcomes.push((await writer.write([reason(text)], signal))[0]?.outcome);
      }
      assert.deepEqual(outcomes, ['created', 'unchanged', 'updated']);
      assert.deepEqual(plant.reasons.get('R1'), { Code: 'R1', Description: 'Trinca', IsRework: false });
    });

    it('refuses what Protheus would refuse before it is sent, and what it refuses with its words', async () => {
      const writer = await openWriter(open(), KEY, 'stop_report');
      const failing = async (data: SourceRecord) => {
        const [result] = await writer.write([stop('1', data)], signal);
        return result?.outcome === 'failed' ? `${result.error.code} ${result.error.path}` : result?.outcome;
      };
      assert.equal(await failing({ StopReasonCode: '123456789' }), 'PCP_TOTVS_VALUE StopReasonCode');
      assert.equal(await failing({ MachineCode: null }), 'PCP_TOTVS_VALUE MachineCode');
      assert.equal(await failing({ Other: 1 }), 'PCP_TOTVS_VALUE Other');
      assert.equal(asked('POST').length, 0);
      plant.answersOther = { IntegrationReport: 'OTHER', MachineCode: 'M1' };
      assert.equal((await failureOf(writer.write([stop('1')], signal))).code, 'PCP_PROTHEUS_OTHER_RECORD');
      assert.equal(asked('POST').length, 0);
      assert.equal((await failureOf(openWriter(open(), ['C2_NUM'], 'production_order'))).code, 'PCP_NOT_WRITABLE');
    });
  });

  it('calls routes of the customer once', async () => {
    const parameters = { path: '/api/pcp/v1/own', parameters: { a: 'b c' }, payload: { qty: '1.50' } };
    const answer = await open().call!('request', parameters, signal);
    assert.deepEqual(answer, {
      payload: { method: 'POST', received: { qty: '1.50' }, query: { a: 'b c' } },
      status: 200,
    });
    await open().call!('request', { path: '/api/pcp/v1/own', module: 'PCP' }, signal);
    assert.equal(plant.asked.at(-1)?.headers['x-erp-module'], 'PCP');
    const wrong = await failureOf(open().call!('request', { path: 'http://elsewhere' }, signal));
    assert.equal(wrong.code, 'PCP_SETTING_INVALID');
  });
});
