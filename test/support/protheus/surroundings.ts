import type { Row } from './server';

const FILIAL = 'D MG 01 ';

/**
 * Rows of maintenance, quality, people and lots, padded as the database has them. Names are those of dictionaries (SX3) and
 * routines of Protheus that are published; no real one was at hand.
 */
export function surroundings(): Map<string, Row[]> {
  const order = (TJ_ORDEM: string, own: Row = {}): Row => ({
    ...{
      TJ_FILIAL: FILIAL,
      TJ_ORDEM,
      TJ_PLANO: '000000',
      TJ_CODBEM: 'M1'.padEnd(16),
      TJ_SERVICO: 'COR001',
      TJ_TIPO: 'COR',
    },
    ...{
      TJ_SITUACA: 'L',
      TJ_TERMINO: 'N',
      TJ_CCUSTO: '101'.padEnd(9),
      TJ_CENTRAB: 'CT1   ',
      TJ_PRIORID: '001',
      TJ_SOLICI: '      ',
    },
    ...{ TJ_USUARIO: 'pcp'.padEnd(15), TJ_POSCONT: 1234.5, TJ_DTORIGI: '20261126' },
    ...{ TJ_DTMPINI: '20261127', TJ_HOMPINI: '06:30', TJ_DTMPFIM: '20261127', TJ_HOMPFIM: '     ' },
    ...{ TJ_DTMRINI: '        ', TJ_HOMRINI: '     ', TJ_DTMRFIM: '        ', TJ_HOMRFIM: '     ' },
    ...{ TJ_DTPRINI: '        ', TJ_HOPRINI: '  :  ', TJ_DTPRFIM: '        ', TJ_HOPRFIM: '  :  ', ...own },
  });
  const started = { TJ_DTMRINI: '20261127', TJ_HOMRINI: '07:00' };
  const ended = { ...started, TJ_DTMRFIM: '20261127', TJ_HOMRFIM: '08:00', TJ_TERMINO: 'S', TJ_PLANO: '000012' };
  const rows: Record<string, Row[]> = {
    STJ: [order('000001'), order('000002', started), order('000003', ended), order('000004', { TJ_SITUACA: 'C' })],
    ST9: [
      {
        ...{ T9_FILIAL: FILIAL, T9_CODBEM: 'M1'.padEnd(16), T9_NOME: 'Prensa 😀'.padEnd(40), T9_CODFAMI: 'PRE   ' },
        ...{ T9_CCUSTO: '101'.padEnd(9), T9_CENTRAB: 'CT1   ', T9_CALENDA: '001' },
      },
    ],
    STP: [
      { TP_FILIAL: FILIAL, TP_CODBEM: 'M1'.padEnd(16), TP_DTLEITU: '20261127', TP_HORA: '06:30', TP_POSCONT: 1234.5 },
      { TP_FILIAL: FILIAL, TP_CODBEM: 'M1'.padEnd(16), TP_DTLEITU: '20261128', TP_HORA: '     ', TP_POSCONT: 1240 },
    ],
    QPK: [
      {
        ...{
          QPK_FILIAL: FILIAL,
          QPK_OP: '00000101001   ',
          QPK_LOTE: 'L1'.padEnd(10),
          QPK_NUMSER: ' '.repeat(20),
          QPK_REVI: '00',
        },
        ...{ QPK_PRODUT: 'P-0'.padEnd(15), QPK_TAMLOT: 10.5, QPK_QTREJ: 0.5, QPK_UM: 'PC', QPK_LAUDO: 'A' },
      },
    ],
    QPR: [
      {
        ...{ QPR_FILIAL: FILIAL, QPR_OP: '00000101001   ', QPR_LOTE: 'L1'.padEnd(10), QPR_NUMSER: ' '.repeat(20) },
        ...{
          QPR_PRODUT: 'P-0'.padEnd(15),
          QPR_OPERAC: '10',
          QPR_ENSAIO: 'ESPESS  ',
          QPR_RESULT: 'R',
          QPR_ENSR: '000007',
        },
        ...{ QPR_DTMEDI: '20261127', QPR_HRMEDI: '09:15' },
      },
    ],
    SRA: [
      {
        ...{
          RA_FILIAL: FILIAL,
          RA_MAT: '000007',
          RA_NOME: 'ZÉ DA CONCEIÇÃO'.padEnd(30),
          RA_CC: '101'.padEnd(9),
          RA_SITFOLH: ' ',
        },
        ...{ RA_ADMISSA: '20200229', RA_DEMISSA: '        ' },
      },
    ],
    SB8: [
      {
        ...{
          B8_FILIAL: FILIAL,
          B8_PRODUTO: 'P-0'.padEnd(15),
          B8_LOCAL: '01',
          B8_LOTECTL: 'L1'.padEnd(10),
          B8_NUMLOTE: '      ',
        },
        ...{ B8_SALDO: '1234567890.123456', B8_EMPENHO: 2, B8_DTVALID: '20271231' },
      },
    ],
  };
  const numbered = (each: Row, n: number): Row => ({ ...each, R_E_C_N_O_: n + 1, D_E_L_E_T_: ' ' });
  return new Map(Object.entries(rows).map(([table, each]) => [table, each.map(numbered)]));
}
