import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { create } from '../../lib/connectors/erp/protheus/connector';
import { descriptor } from '../../lib/connectors/erp/protheus/descriptor';
import type { OpenConnection } from '../../lib/model/connection';
import { ORDERS, protheusPlant } from '../support/protheus/plant';
import { ProtheusServer } from '../support/protheus/server';
import type { ConformanceCases, FailingCase } from './cases';
import { conformance } from './suite';

let plant: ProtheusServer;
const locked = new ProtheusServer();
const silent = createServer(() => undefined);
const NOTES = ['Trinca', 'ção 😀', "d'água", 'a', 'b'];

conformance('erp.protheus', {
  descriptor,
  create,
  async cases(): Promise<ConformanceCases> {
    plant = await protheusPlant();
    await locked.start();
    locked.forbidden.add('/api');
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const silentUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const failing = (
      name: string,
      connection: OpenConnection,
      step: FailingCase['step'],
      errorClass: FailingCase['class'],
      code?: string,
    ): FailingCase => ({ name, connection, step, class: errorClass, ...(code !== undefined && { code }) });
    const paths = { pcp_path: '/none', query_path: '/none' };
    return {
      connection: plant.connection(),
      failing: [
        failing('wrong password', plant.connection({}, 'canary-4711'), 'authenticate', 'auth', 'PCP_TOTVS_SIGN_IN'),
        failing('unknown host', plant.connection({ base_url: 'http://no-such-host.invalid' }), 'resolve', 'transient'),
        failing('closed port', plant.connection({ base_url: 'http://127.0.0.1:1' }), 'connect', 'transient'),
        failing('no TLS there', plant.connection({ base_url: plant.url.replace('http', 'https') }), 'tls', 'config'),
        failing('no base URL', plant.connection({ base_url: '' }), 'resolve', 'config', 'PCP_SETTING_MISSING'),
        failing('no user', plant.connection({ username: '' }), 'resolve', 'config', 'PCP_SETTING_MISSING'),
        failing('nothing published', plant.connection(paths), 'read', 'config', 'PCP_TOTVS_NO_ROUTE'),
        failing('no rights', locked.connection(), 'authorise', 'permission', 'PCP_PROTHEUS_FORBIDDEN'),
        failing('no answer', plant.connection({ base_url: silentUrl, timeout_ms: 2000 }), 'read', 'transient'),
      ],
      read: {
        entity: 'production_order',
        key: ['C2_NUM'],
        records: ORDERS.map(({ C2_NUM, C2_PRODUTO, C2_QUANT, C2_DATPRI }) => ({
          C2_NUM,
          C2_PRODUTO: String(C2_PRODUTO).trimEnd(),
          C2_QUANT: String(C2_QUANT),
          C2_DATPRI: String(C2_DATPRI).replace(/(....)(..)(..)/, '$1-$2-$3'),
        })),
      },
      incremental: {
        entity: 'production_data',
        key: ['R_E_C_N_O_'],
        cursorField: 'R_E_C_N_O_',
        exact: false,
        change: async () => {
          const rows = plant.tables.get('SH6')!;
          rows.push({ ...rows[0]!, R_E_C_N_O_: 501 }, { ...rows[1]!, R_E_C_N_O_: 502 });
          return ['501', '502'];
        },
      },
      write: {
        target: { entity: 'waste_reason', keyFields: ['Code'], fields: ['Code', 'Description', 'IsRework'] },
        records: NOTES.map((Description, n) => ({ Code: `R ${n}`, Description, IsRework: n % 2 === 0 })),
        readBack: async () => [...plant.reasons.values()],
        reset: async () => plant.reasons.clear(),
      },
    };
  },
  async release() {
    silent.closeAllConnections();
    await Promise.all([plant.stop(), locked.stop(), new Promise((resolve) => silent.close(resolve))]);
  },
});
