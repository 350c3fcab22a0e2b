import { create } from '../../lib/connectors/erp/dynamics365/connector';
import { descriptor } from '../../lib/connectors/erp/dynamics365/descriptor';
import { DataverseServer } from '../support/dynamics365/dataverse';
import type { ConformanceCases } from './cases';
import { conformance } from './suite';

const server = new DataverseServer();
const stranger = new DataverseServer();
const ORDERS = Array.from({ length: 23 }, (_, n) => ({
  new_number: `A-${n}`,
  new_name: n === 2 ? 'ção 😀' : `d'água ${n}`,
  new_quantity: n === 1 ? '12345678901234.1234567891' : `${n}.5`,
}));
const NAMES = ['Peça', 'ção 😀', "d'água", 'a', 'b'];

conformance('erp.dynamics365 (Dataverse)', {
  descriptor,
  create,
  async cases(): Promise<ConformanceCases> {
    await server.start();
    await stranger.start();
    stranger.isRegistered = false;
    for (const order of ORDERS) server.put(order);
    return {
      connection: server.connection(),
      failing: [
        {
          ...{ name: 'unknown application', connection: stranger.connection(), step: 'authenticate', class: 'auth' },
          code: 'PCP_DYNAMICS_APPLICATION_UNKNOWN',
        },
        {
          ...{ name: 'wrong tenant', connection: server.connection({ tenant_id: 'x' }), step: 'authenticate' },
          class: 'auth',
        },
      ],
      read: { entity: 'new_workorders', key: ['new_number'], records: ORDERS },
      incremental: {
        entity: 'new_workorders',
        key: ['new_number'],
        cursorField: '@odata.deltaLink',
        change: async () => {
          server.put({ new_number: 'A-3', new_name: 'changed' });
          server.put({ new_number: 'A-99', new_quantity: '1' });
          server.remove('A-4');
          return ['A-3', 'A-99'];
        },
      },
      write: {
        target: {
          entity: 'new_workorders',
          keyFields: ['new_number'],
          fields: ['new_number', 'new_name', 'new_quantity'],
        },
        records: NAMES.map((new_name, n) => ({
          ...{ new_number: `W ${n}/'ç`, new_name, new_quantity: `12345678901.00000${n + 1}` },
        })),
        readBack: async () => server.table.rows.filter(({ new_number }) => String(new_number).startsWith('W')),
        reset: async () => {
          server.table.rows = server.table.rows.filter(({ new_number }) => !String(new_number).startsWith('W'));
        },
      },
    };
  },
  async release() {
    await Promise.all([server.stop(), stranger.stop()]);
  },
});
