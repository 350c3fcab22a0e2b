import type { IncomingHttpHeaders } from 'node:http';
import type { Row } from './server';

/** Members of a request: field, and how it is written in the table. */
const MEMBERS: Record<string, [field: string, length: number]> = {
  origin: ['TQB_ORIGEM', 20],
  equipment: ['TQB_CODBEM', 16],
  costCenter: ['TQB_CCUSTO', 20],
  serviceType: ['TQB_CDSERV', 6],
  priority: ['TQB_PRIORI', 1],
  telephoneExtension: ['TQB_RAMAL', 10],
};
const OTHERS = ['location', 'description', 'counter', 'secondCounter', 'dateTime'];

/**
 * A stand-in for the route by which the maintenance module takes service requests: TDN page 683181217 for its members, the
 * published source of the service MNTSRWS for its answers and errors. No server was at hand: that a request without the module
 * in its headers is refused is said for libraries since 2021-11. It takes the same request as often as it is sent.
 */
export class MaintenanceRequests {
  /** Those of memo fields, which are no columns of the table. */
  readonly descriptions: string[] = [];

  constructor(private readonly table: () => Row[]) {}

  answer(method: string, number: string, headers: IncomingHttpHeaders, json: Row): [number, unknown] {
    if (headers['x-erp-module'] !== 'MNT') return refused('O módulo não foi informado no cabeçalho');
    const rows = this.table();
    if (method === 'DELETE') {
      const at = rows.findIndex((row) => row.TQB_SOLICI === number);
      if (at === -1) return refused('Solicitação não encontrada');
      rows.splice(at, 1);
      return [200, ''];
    }
    if (method !== 'POST' || number !== '') return [404, { errorCode: 404, errorMessage: 'Not found' }];
    const unknown = Object.keys(json).find((name) => !(name in MEMBERS) && !OTHERS.includes(name));
    if (unknown !== undefined) return refused(`${unknown}?`);
    const missing = ['origin', 'equipment', 'description'].find((name) => (json[name] ?? '') === '');
    if (missing !== undefined) return refused(`O campo ${missing} é obrigatório`);
    const moment = /^(\d{8}) (\d\d:\d\d)$/.exec(String(json.dateTime ?? '20261127 12:00'));
    if (moment === null) return refused('dateTime inválido');
    if (json.equipment === 'PARADO') return refused('Bem inativo');
    const solicitation = String(this.descriptions.push(String(json.description))).padStart(6, '0');
    const texts = Object.entries(MEMBERS).map(([name, [field, length]]) => [
      field,
      String(json[name] ?? '')
        .slice(0, length)
        .padEnd(length),
    ]);
    rows.push({
      ...Object.fromEntries(texts),
      ...{ TQB_FILIAL: 'D MG 01 ', TQB_SOLICI: solicitation, TQB_TIPOSS: json.location === true ? 'L' : 'B' },
      ...{ TQB_DTABER: moment[1], TQB_HOABER: moment[2], TQB_DTFECH: '        ', TQB_HOFECH: '     ' },
      ...{ TQB_USUARI: 'pcp'.padEnd(30), TQB_SOLUCA: 'A', TQB_ORDEM: '      ', R_E_C_N_O_: rows.length + 1 },
      ...{ TQB_POSCON: json.counter ?? 0, TQB_POSCO2: json.secondCounter ?? 0, D_E_L_E_T_: ' ' },
    });
    return [200, { serviceRequest: solicitation }];
  }
}

function refused(errorMessage: string): [number, unknown] {
  return [400, { errorCode: 400, errorMessage }];
}
