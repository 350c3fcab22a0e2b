import assert from 'node:assert/strict';
import type { DefaultMapping } from '../../lib/connectors/erp/default-mapping';
import type { Hub, MappingInput } from '../../lib/model/services';
import { IDOC_TYPES } from '../../lib/protocols/idoc/types';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { TestApi } from '../unit/rest/server';

const ORDER = `<?xml version="1.0" encoding="utf-8"?>
<LOIPRO01><IDOC BEGIN="1">
  <EDI_DC40 SEGMENT="1"><TABNAM>EDI_DC40</TABNAM><MANDT>100</MANDT><DOCNUM>0000000000123456</DOCNUM>
    <DIRECT>1</DIRECT><IDOCTYP>LOIPRO01</IDOCTYP><MESTYP>LOIPRO</MESTYP><SNDPRN>TSTCLNT100</SNDPRN></EDI_DC40>
  <E1AFKOL SEGMENT="1"><AUFNR>000001000001</AUFNR><AUART>PP01</AUART><MATNR>M-001             </MATNR><WERKS>1000</WERKS>
    <GAMNG>      100.500</GAMNG><GMEIN>ST</GMEIN><GSTRP>20261101</GSTRP><GLTRP>20261103</GLTRP>
    <E1JSTKL SEGMENT="1"><STAT>I0002</STAT></E1JSTKL>
    <E1AFPOL SEGMENT="1"><POSNR>0001</POSNR><LGORT>0001</LGORT></E1AFPOL>
    <E1AFFLL SEGMENT="1"><APLFL>000000</APLFL>
      <E1AFVOL SEGMENT="1"><VORNR>0010</VORNR><ARBPL>TORNO1</ARBPL><LTXA1>Tornear &amp; furar peça 😀</LTXA1></E1AFVOL>
      <E1AFVOL SEGMENT="1"><VORNR>0020</VORNR></E1AFVOL>
    </E1AFFLL>
  </E1AFKOL>
</IDOC></LOIPRO01>`;

const MATERIAL = `<MATMAS05><IDOC BEGIN="1"><EDI_DC40 SEGMENT="1"><IDOCTYP>MATMAS05</IDOCTYP></EDI_DC40>
  <E1MARAM SEGMENT="1"><MATNR>M-001</MATNR><MTART>FERT</MTART><MEINS>PCE</MEINS><BRGEW>1.250</BRGEW><XCHPF>X</XCHPF>
    <E1MAKTM SEGMENT="1"><SPRAS>P</SPRAS><MAKTX>Eixo ação</MAKTX></E1MAKTM>
    <E1MARCM SEGMENT="1"><WERKS>1000</WERKS><BESKZ>E</BESKZ></E1MARCM>
  </E1MARAM></IDOC></MATMAS05>`;

const control = (type: string) => `<EDI_DC40 SEGMENT="1"><IDOCTYP>${type}</IDOCTYP></EDI_DC40>`;

/** What SAP sends of master data and movements, with the records that the mappings make of it. */
const SENT: [type: string, idoc: string, records: Record<string, unknown>[]][] = [
  [
    'BOMMAT04',
    `<E1STZUM SEGMENT="1"><STLNR>00000010</STLNR><E1MASTM SEGMENT="1"><MATNR>M-001</MATNR><WERKS>1000</WERKS><STLAL>01</STLAL></E1MASTM>
      <E1STKOM SEGMENT="1"><BMENG_C>1.000</BMENG_C><BMEIN>PCE</BMEIN></E1STKOM>
      <E1STPOM SEGMENT="1"><IDNRK>C-0</IDNRK><POSNR>0010</POSNR><MENGE_C>2.500</MENGE_C><MEINS>KGM</MEINS><DATUV>20260101</DATUV></E1STPOM>
      <E1STPOM SEGMENT="1"><IDNRK>C-1</IDNRK><POSNR>0020</POSNR></E1STPOM></E1STZUM>`,
    [
      { assembly: 'M-001', component: 'C-0', position: '0010', quantity: '2.5', unit: 'KGM', valid_from: '2026-01-01' },
      { plant: '1000', alternative: '01', component: 'C-1', base_quantity: '1', base_unit: 'PCE' },
    ],
  ],
  [
    'LOIROU04',
    `<E1MAPLL SEGMENT="1"><MATNR>M-001</MATNR><WERKS>1000</WERKS><PLNNR>50000001</PLNNR><E1MAPAL SEGMENT="1"><PLNAL>1</PLNAL>
      <E1PLKOL SEGMENT="1"><PLNME>PCE</PLNME><E1PLFLL SEGMENT="1"><PLNFL>000000</PLNFL><FLGAT>0</FLGAT>
        <E1PLPOL SEGMENT="1"><VORNR>0010</VORNR><LTXA1>Tornear peça</LTXA1><VGW01>5.000</VGW01><VGW02>0.25</VGW02></E1PLPOL></E1PLFLL>
        <E1PLFLL SEGMENT="1"><PLNFL>000001</PLNFL><FLGAT>2</FLGAT><E1PLPOL SEGMENT="1"><VORNR>0010</VORNR></E1PLPOL></E1PLFLL>
      </E1PLKOL></E1MAPAL></E1MAPLL>`,
    [{ material: 'M-001', routing: '50000001/1', operation: '0010', setup_time: '5', run_time: '0.25', unit: 'PCE' }],
  ],
  [
    'LOIWCS03',
    `<E1CRHDL SEGMENT="1"><ARBPL>TORNO1</ARBPL><WERKS>1000</WERKS><E1CRTXL SEGMENT="1"><SPRAS>P</SPRAS><KTEXT>Tornos</KTEXT></E1CRTXL>
      <E1CRCOL SEGMENT="1"><KOSTL>4711</KOSTL></E1CRCOL></E1CRHDL>`,
    [{ plant: '1000', work_center: 'TORNO1', name: 'Tornos', cost_center: '4711' }],
  ],
  [
    'LOIPLO02',
    `<E1PLAFL SEGMENT="1"><PLNUM>0000000123</PLNUM><MATNR>M-002</MATNR><PLWRK>1000</PLWRK><GSMNG>7.125</GSMNG><MEINS>PCE</MEINS>
      <PSTTR>20261201</PSTTR><PEDTR>20261203</PEDTR></E1PLAFL>`,
    [{ order_number: '0000000123', status: 'planned', quantity: '7.125', planned_start: '2026-12-01', plant: '1000' }],
  ],
  [
    'WMMBID02',
    `<E1MBXYH SEGMENT="1"><BUDAT>20261127</BUDAT><XBLNR>D-1</XBLNR><E1MBXYI SEGMENT="1"><MATNR>M-001</MATNR><BWART>262</BWART>
      <ERFMG>2.5</ERFMG><ERFME>PCE</ERFME><SJAHR>2026</SJAHR><SMBLN>4900000001</SMBLN>
        <E1MBXYJ SEGMENT="1"><MJAHR>2026</MJAHR><MBLNR>4900000003</MBLNR><MBLPO>0001</MBLPO></E1MBXYJ></E1MBXYI></E1MBXYH>`,
    [
      {
        ...{ document: '2026/4900000003', erp_document: '2026/4900000003', item: '0001', movement_code: '262' },
        ...{ quantity: '2.5', posting_date: '2026-11-27', reversal_of: '2026/4900000001', external_key: 'D-1' },
      },
    ],
  ],
];

interface Idoc extends Record<string, unknown> {
  control: Record<string, string>;
  E1AFKOL?: { E1AFFLL: { E1AFVOL: { LTXA1?: string }[] }[] }[];
}

describe('IDocs of SAP as XML over HTTP', () => {
  const api = new TestApi();
  let hub: Hub;
  let remove: () => Promise<void>;
  let connectionId: number;

  before(async () => {
    await api.start();
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
    const idoc = { sender_port: 'PCP', sender: 'PCP', receiver_port: 'SAPTST', receiver: 'TSTCLNT100' };
    const config = { base_url: api.url, username: 'pcp', client: '100', timeout_ms: 5000, idoc };
    const credentials = { password: 'canary-idoc-1' };
    const connection = { name: 'sap', connector_type: 'erp.sap', timezone: 'America/Sao_Paulo', config, credentials };
    connectionId = (await hub.connections.create(connection)).id;
  });
  after(async () => {
    await hub?.close();
    await remove?.();
    await api.stop();
  });

  const mappingOf = (name: string) => IDOC_TYPES.find(({ type }) => type === name)!.mappings[0] as DefaultMapping;

  it('sends one IDoc for each record, and asks about one whose answer was lost rather than send it twice', async () => {
    for (const document of ['D-1', 'D-2', 'D-3']) {
      await hub.records.create('goods_movement', {
        ...{
          document,
          item: '',
          type: 'issue',
          movement_code: '261',
          material: 'M<1>&',
          quantity: '2.125',
          unit: 'PCE',
        },
        ...{ plant: '1000', order_number: '1000001', posting_date: '2026-11-27', batch: 'ção😀' },
      });
    }
    // What SAP told is not sent back.
    await hub.records.create('goods_movement', { document: 'D-4', item: '1', type: 'issue', erp_document: '2026/49' });
    // Two items of one document in one run, one of a receipt of a material with a long name.
    const receipt = { document: 'D-5', type: 'receipt', movement_code: '101', quantity: '1', order_number: '1000001' };
    for (const item of ['1', '2']) {
      await hub.records.create('goods_movement', { ...receipt, item, material: item === '1' ? 'M-1' : 'M'.repeat(40) });
    }
    api.handler = ({ path, body }) =>
      path === '/sap/bc/idoc_xml' ? { status: 200, body: 'IDoc accepted', cut: body.includes('D-2') } : undefined;
    const mapping = mappingOf('MBGMCR03');
    const { id } = await hub.mappings.create({
      ...{ connection_id: connectionId, name: 'idoc', entity_type: mapping.target_entity, ...mapping },
      ...{ source_entity: 'idoc/MBGMCR03', options: { max_error_ratio: 1 } },
    } as MappingInput);
    await runToEnd(hub, connectionId, { mapping_id: id });
    await runToEnd(hub, connectionId, { mapping_id: id });
    const of = (document: string) => api.asked.filter(({ body }) => body.includes(`<REF_DOC_NO>${document}<`));
    assert.deepEqual([of('D-1').length, of('D-2').length, of('D-3').length, of('D-4').length], [1, 1, 1, 0]);
    const { items } = await hub.sync.deadLetters({ mapping_id: id, state: 'open' });
    assert.deepEqual(
      items.map(({ error_class, source_key }) => [error_class, String(source_key).includes('D-2')]),
      [['unknown_outcome', true]],
    );
    const numbers = of('D-5').map(({ body }) => /<DOCNUM>(\d+)<.*<ARCKEY>(.*)<\/ARCKEY>/.exec(body)?.slice(1));
    assert.deepEqual(numbers.map((each) => each?.[1]).sort(), ['D-5/1', 'D-5/2']);
    assert.notEqual(numbers[0]?.[0], numbers[1]?.[0]);
    assert.match(of('D-5')[0]!.body, /<MATERIAL>M-1<.*<MVT_IND>F<\/MVT_IND>.*<ORDER_ITNO>0001<\/ORDER_ITNO>/);
    assert.match(of('D-5')[1]!.body, /<MATERIAL_LONG>M{40}</);
    const [first] = of('D-1');
    assert.deepEqual(
      [first?.method, first?.query.get('sap-client'), first?.headers['content-type']],
      ['POST', '100', 'text/xml; charset=utf-8'],
    );
    const [, control = '', data = ''] = /(<EDI_DC40.*<\/EDI_DC40>)(.*)<\/IDOC>/.exec(first?.body ?? '') ?? [];
    assert.match(
      control,
      /<DOCNUM>\d{16}<\/DOCNUM><DIRECT>2<\/DIRECT><IDOCTYP>MBGMCR03<\/IDOCTYP><MESTYP>MBGMCR<\/MESTYP>/,
    );
    assert.equal(
      data,
      '<E1MBGMCR SEGMENT="1"><E1BP2017_GM_HEAD_01 SEGMENT="1"><PSTNG_DATE>20261127</PSTNG_DATE><REF_DOC_NO>D-1</REF_DOC_NO></E1BP2017_GM_HEAD_01>' +
        '<E1BP2017_GM_CODE SEGMENT="1"><GM_CODE>03</GM_CODE></E1BP2017_GM_CODE>' +
        '<E1BP2017_GM_ITEM_CREATE SEGMENT="1"><MATERIAL>M&lt;1&gt;&amp;</MATERIAL><PLANT>1000</PLANT><BATCH>ção😀</BATCH>' +
        '<MOVE_TYPE>261</MOVE_TYPE><ENTRY_QNT>2.125</ENTRY_QNT><ENTRY_UOM>PCE</ENTRY_UOM><ORDERID>000001000001</ORDERID>' +
        '</E1BP2017_GM_ITEM_CREATE></E1MBGMCR>',
    );
  });

  it('sends a confirmation as a time ticket of the interface to plant data collection', async () => {
    const report = {
      ...{ order_number: '1000001', operation: '10', plant: '1000', work_center: 'TORNO1', unit: 'PCE' },
      ...{
        good_quantity: '5.125',
        scrap_quantity: '1',
        scrap_reason: '0001',
        operator: '4711',
        notes: 'peça & ação 😀',
      },
      ...{ posting_date: '2026-11-27', started_at: '2026-11-27T02:30:00.000Z', ended_at: '2026-11-27T09:05:10.000Z' },
    };
    const guid = '0b3f6a1c-7d42-4e0c-9c55-2a6f0f6d9e11';
    await hub.records.create('production_data', { ...report, record_id: 'R-1' });
    await hub.records.create('production_data', { order_number: '1000002', record_id: guid, final: true });
    await hub.records.create('production_data', { order_number: '1000003', record_id: 'R'.repeat(33) });
    await hub.records.create('production_data', { ...report, record_id: 'R-4', erp_document: '0000000001/00000001' });
    api.handler = ({ path }) => (path === '/sap/bc/idoc_xml' ? { status: 200, body: 'IDoc accepted' } : undefined);
    const before = api.asked.length;
    const mapping = mappingOf('PPCC2PRETTICKET01');
    const { id } = await hub.mappings.create({
      ...{ connection_id: connectionId, name: 'tickets', entity_type: mapping.target_entity, ...mapping },
      ...{ source_entity: 'idoc/PPCC2PRETTICKET01', options: { max_error_ratio: 1 } },
    } as MappingInput);
    await runToEnd(hub, connectionId, { mapping_id: id });
    const bodies = api.asked.slice(before).map(({ body }) => body);
    const of = (record: string) => bodies.filter((body) => body.includes(`<ARCKEY>${record}</ARCKEY>`));
    const [first = '', ...again] = of('R-1');
    assert.deepEqual([again, of('R-4')], [[], []]);
    assert.match(first, /<IDOCTYP>PPCC2PRETTICKET01<\/IDOCTYP><MESTYP>PPCC2PRETTICKET<\/MESTYP>/);
    // The day and time of the plant, which is three hours behind.
    assert.equal(
      /<E1BP_PP_TIMETICKET SEGMENT="1">(.*)<\/E1BP_PP_TIMETICKET>/.exec(first)?.[1],
      '<ORDERID>000001000001</ORDERID><OPERATION>0010</OPERATION><POSTG_DATE>20261127</POSTG_DATE><DEV_REASON>0001</DEV_REASON>' +
        '<CONF_TEXT>peça &amp; ação 😀</CONF_TEXT><PLANT>1000</PLANT><WORK_CNTR>TORNO1</WORK_CNTR><RECORDTYPE>L20</RECORDTYPE>' +
        '<CONF_QUAN_UNIT_ISO>PCE</CONF_QUAN_UNIT_ISO><YIELD>5.125</YIELD><SCRAP>1</SCRAP>' +
        '<EXEC_START_DATE>20261126</EXEC_START_DATE><EXEC_START_TIME>233000</EXEC_START_TIME>' +
        '<EXEC_FIN_DATE>20261127</EXEC_FIN_DATE><EXEC_FIN_TIME>060510</EXEC_FIN_TIME>' +
        '<PERS_NO>00004711</PERS_NO><EX_IDENT>R-1</EX_IDENT>',
    );
    assert.match(
      of(guid)[0] ?? '',
      /<RECORDTYPE>L40<\/RECORDTYPE><EX_IDENT>0b3f6a1c7d424e0c9c552a6f0f6d9e11<\/EX_IDENT>/,
    );
    // What SAP could not keep as our key is not sent without it.
    assert.deepEqual([bodies.length, of('R'.repeat(33)).length], [2, 0]);
    const { items } = await hub.sync.deadLetters({ mapping_id: id, state: 'open' });
    assert.deepEqual(
      items.map(({ code, field }) => [code, field]),
      [['PCP_IDOC_VALUE', 'E1BP_PP_TIMETICKET[0].EX_IDENT']],
    );
  });

  async function taken(type: string, payload: string) {
    const connection = await hub.connections.open(connectionId);
    const signal = new AbortController().signal;
    const answer = await hub.runner.call(connection, 'function', { function: 'read_idoc', payload }, signal);
    const idocs = answer.payload as Idoc[];
    const mapping = { ...mappingOf(type), connection_id: connectionId, name: type, source_entity: `idoc/${type}` };
    const input = { ...mapping, entity_type: mapping.target_entity } as MappingInput;
    const mapped = await hub.runner.map(input, 'import', idocs, signal);
    return { idocs, records: mapped.map((each) => (each.outcome === 'mapped' ? each.data : each)) };
  }

  for (const [type, idoc, wanted] of SENT) {
    it(`makes records of what SAP sends as ${type}`, async () => {
      const { records } = await taken(type, `<${type}><IDOC BEGIN="1">${control(type)}${idoc}</IDOC></${type}>`);
      assert.equal(records.length, wanted.length, JSON.stringify(records));
      for (const [n, fields] of wanted.entries()) assert.deepEqual(records[n], { ...records[n], ...fields });
    });
  }

  it('reads what SAP sent, for its mapping to make records of it', async () => {
    const { idocs, records } = await taken('LOIPRO01', ORDER);
    assert.equal(idocs[0]?.control.DOCNUM, '0000000000123456');
    const [order] = records as Record<string, unknown>[];
    assert.deepEqual(
      [
        order?.order_number,
        order?.material,
        order?.quantity,
        order?.planned_start,
        order?.status,
        order?.storage_location,
      ],
      ['000001000001', 'M-001', '100.5', '2026-11-01', 'released', '0001'],
    );
    assert.deepEqual(
      idocs[0]?.E1AFKOL?.[0]?.E1AFFLL[0]?.E1AFVOL.map(({ LTXA1 }) => LTXA1),
      ['Tornear & furar peça 😀', undefined],
    );
    const [material] = (await taken('MATMAS05', MATERIAL)).records as Record<string, unknown>[];
    assert.deepEqual(
      [material?.material, material?.description, material?.procurement, material?.batch_controlled, material?.status],
      ['M-001', 'Eixo ação', 'make', true, 'active'],
    );
  });

  it('refuses what is no IDoc, and what does not fit a segment before it is sent', async () => {
    const connection = await hub.connections.open(connectionId);
    const signal = new AbortController().signal;
    for (const payload of ['', '{}', '<a/>', '<!DOCTYPE x><A><IDOC/></A>', '<A><IDOC><E1X/></IDOC></A>']) {
      await assert.rejects(
        hub.runner.call(connection, 'function', { function: 'read_idoc', payload }, signal),
        ({ code }: { code: string }) => code === 'PCP_IDOC_INVALID',
        payload,
      );
    }
    const before = api.asked.length;
    const target = { entity: 'idoc/MBGMCR03', keyFields: [], fields: [] };
    for (const [data, path] of [
      [{ E1MBGMCR: { E1BP2017_GM_CODE: { GM_CODE: '003' } } }, 'E1MBGMCR.E1BP2017_GM_CODE.GM_CODE'],
      [{ E1MBGMCR: { E1BP2017_GM_CODE: { CODE: '3' } } }, 'E1MBGMCR.E1BP2017_GM_CODE.CODE'],
      [{ E1BP2017_GM_CODE: { GM_CODE: '03' } }, 'E1BP2017_GM_CODE'],
      [{ E1UNKNOWN: { A: '1' } }, 'E1UNKNOWN'],
    ] as const) {
      const [result] = await hub.runner.write(connection, target as never, [data], signal);
      assert.ok(result?.outcome === 'failed');
      assert.deepEqual([result.error.code, result.error.path], ['PCP_IDOC_VALUE', path]);
    }
    assert.equal(api.asked.length, before);
  });
});
