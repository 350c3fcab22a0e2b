import { type ModelField, PublishedModel } from './models';
import { ProtheusServer, type Row } from './server';
import { surroundings } from './surroundings';

const field = (X3_ARQUIVO: string, X3_CAMPO: string, X3_TIPO: string, X3_TAMANHO: number, X3_CONTEXT = 'R'): Row => ({
  X3_ARQUIVO,
  X3_CAMPO: X3_CAMPO.padEnd(10),
  X3_TIPO,
  X3_TAMANHO,
  X3_DECIMAL: 0,
  X3_CONTEXT,
  X3_TITULO: 'Título      ',
});

const numbered = (rows: Row[]): Row[] => rows.map((row, n) => ({ ...row, R_E_C_N_O_: (n + 1) * 3, D_E_L_E_T_: ' ' }));

/** As the database has them: padded, with days as 20261127, and one that is deleted. */
export const ORDERS: Row[] = numbered(
  Array.from({ length: 23 }, (_, n) => ({
    C2_FILIAL: 'D MG 01 ',
    C2_NUM: String(n + 1).padStart(6, '0'),
    C2_ITEM: '01',
    C2_SEQUEN: '001',
    C2_ITEMGRD: '  ',
    C2_PRODUTO: n === 2 ? 'AÇÃO 😀        ' : `P-${n}            `,
    C2_LOCAL: '01',
    C2_QUANT: n === 1 ? '1234567890123.123456' : 10.5 + n,
    C2_UM: 'PC',
    C2_QUJE: n === 3 ? 5 : 0,
    C2_PERDA: 0,
    C2_DATPRI: `202611${String(1 + n).padStart(2, '0')}`,
    C2_DATPRF: '20261231',
    C2_DATRF: n === 4 ? '20261120' : '        ',
    C2_EMISSAO: '20261101',
    C2_STATUS: 'N',
    C2_TPOP: n === 5 ? 'P' : 'F',
    C2_TPPR: 'I',
    C2_ROTEIRO: '01',
    C2_REVISAO: '   ',
    C2_PEDIDO: '      ',
    C2_ITEMPV: '  ',
    C2_PRIOR: '500',
    C2_OBS: "d'água  ",
  })),
);

const STOPS: Row[] = numbered(
  Array.from({ length: 4 }, (_, n) => ({
    H6_FILIAL: 'D MG 01 ',
    H6_OP: '00000101001   ',
    H6_OPERAC: '10',
    H6_RECURSO: 'M1    ',
    H6_PRODUTO: 'P-0            ',
    H6_QTDPERD: 0,
    H6_MOTIVO: '  ',
    H6_DATAFIN: '        ',
    H6_HORAFIN: '     ',
    H6_OPERADO: '      ',
    H6_LOTECTL: '          ',
    H6_LOCAL: '01',
    H6_PT: 'P',
    H6_QTDPROD: n,
    H6_DATAINI: '20261127',
    H6_HORAINI: '06:30',
    H6_DTAPONT: `2026112${n}`,
    H6_IDENT: '      ',
    H6_TIPO: 'P',
  })),
);

const modelField = (name: string, type: ModelField['type'], length: number, isRequired = false): ModelField => ({
  ...{ name, type, length, isRequired },
});

/** Published as TOTVS does it in ESTA013: `PUBLISH MODEL REST NAME MATA010RETAIL SOURCE MATA010`; the main part is SB1MASTER. */
export function products(): PublishedModel {
  const texts = { B1_TIPO: 2, B1_GRUPO: 4, B1_SEGUM: 2, B1_LOCPAD: 2, B1_RASTRO: 1, B1_MRP: 1, B1_MSBLQL: 1 };
  return new PublishedModel({
    id: 'MATA010',
    main: 'SB1MASTER',
    key: ['B1_COD'],
    fields: [
      ...[modelField('B1_FILIAL', 'C', 8), modelField('B1_COD', 'C', 15, true), modelField('B1_DESC', 'C', 30, true)],
      ...[modelField('B1_UM', 'C', 2, true), modelField('B1_UREV', 'D', 8), modelField('B1_XATIVO', 'L', 1)],
      ...Object.entries(texts).map(([name, length]) => modelField(name, 'C', length)),
      ...['B1_CONV', 'B1_PE', 'B1_ESTSEG', 'B1_LE', 'B1_LM', 'B1_EMIN', 'B1_PESO'].map((name) =>
        modelField(name, 'N', 18),
      ),
    ],
  });
}

/** A customer's own model with rows. */
export function tasks(): PublishedModel {
  return new PublishedModel({
    id: 'MZZTAREFAS',
    main: 'ZZGMASTER',
    key: ['ZZG_CODIGO'],
    fields: [
      ...[modelField('ZZG_FILIAL', 'C', 8), modelField('ZZG_CODIGO', 'C', 6, true), modelField('ZZG_TITULO', 'C', 40)],
      modelField('ZZG_DTINC', 'D', 8),
    ],
    grid: {
      id: 'ZZHDETAIL',
      fields: [
        modelField('ZZH_CODIGO', 'C', 6, true),
        modelField('ZZH_QUANT', 'N', 9),
        modelField('ZZH_DTCONC', 'D', 8),
      ],
    },
  });
}

/** A Protheus with the data of a plant. */
export async function protheusPlant(port = 0): Promise<ProtheusServer> {
  const server = new ProtheusServer();
  server.models.set('MATA010RETAIL', products()).set('ZZTAREFAS', tasks());
  const modelFields = [...server.models.values()].flatMap((model) => model.fields);
  // Each plant has rows of its own: a test may change them.
  server.tables.set(
    'SC2',
    structuredClone([...ORDERS, { ...ORDERS[0], C2_NUM: '999999', R_E_C_N_O_: 1000, D_E_L_E_T_: '*' }]),
  );
  server.tables.set('SH6', structuredClone(STOPS)).set('TQB', []);
  for (const [table, rows] of surroundings()) server.tables.set(table, rows);
  server.tables.set(
    'SX2',
    numbered([
      { X2_CHAVE: 'SC2', X2_NOME: 'Ordens de Produção  ', X2_UNICO: 'C2_FILIAL+C2_NUM+C2_ITEM+C2_SEQUEN+C2_ITEMGRD' },
      { X2_CHAVE: 'SH6', X2_NOME: 'Apontamentos', X2_UNICO: '' },
    ]),
  );
  server.tables.set(
    'SX3',
    numbered([
      ...Object.keys(ORDERS[0]!)
        .filter((name) => name.startsWith('C2_'))
        .map((name) =>
          field('SC2', name, /_DAT|EMISSAO/.test(name) ? 'D' : /QUANT|QUJE|PERDA/.test(name) ? 'N' : 'C', 15),
        ),
      ...modelFields.map(({ name, type, length }) => {
        const [prefix = ''] = name.split('_');
        return field(prefix.length === 2 ? `S${prefix}` : prefix, name, type, length);
      }),
      // The dictionary lists it, but the table does not have it.
      field('SC2', 'C2_XGHOST', 'C', 5),
      field('SC2', 'C2_XVIRT', 'C', 5, 'V'),
      ...Object.keys(STOPS[0]!)
        .filter((name) => name.startsWith('H6_'))
        .map((name) => field('SH6', name, /_D(ATA|TA)/.test(name) ? 'D' : /QTD/.test(name) ? 'N' : 'C', 15)),
    ]),
  );
  for (let n = 0; n < 3; n++) {
    server.mrpOrders.push({
      branchId: '01',
      code: `C${n}`,
      productionOrder: `00000${n}01001`,
      product: 'P ',
      quantity: n + 0.5,
      startDate: '2026-11-27',
    });
  }
  await server.start(port);
  return server;
}
