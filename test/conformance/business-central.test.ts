import { create } from '../../lib/connectors/erp/dynamics365/connector';
import { descriptor } from '../../lib/connectors/erp/dynamics365/descriptor';
import { BusinessServer } from '../support/dynamics365/business';
import type { ConformanceCases, FailingCase } from './cases';
import { conformance } from './suite';

const server = new BusinessServer();
const stranger = new BusinessServer();
const ITEMS = Array.from({ length: 17 }, (_, n) => ({
  number: `I-${n}`,
  displayName: n === 2 ? 'ção 😀' : `d'água ${n}`,
  inventory: n === 1 ? '12345678901234.12345' : `${n}.5`,
}));
const NAMES = ['Peça', 'ção 😀', "d'água", 'a', 'b'];

conformance('erp.dynamics365 (Business Central)', {
  descriptor,
  create,
  async cases(): Promise<ConformanceCases> {
    await server.start();
    await stranger.start();
    stranger.isRegistered = false;
    for (const item of ITEMS) server.put(item);
    server.pageLimit = 4;
    const failing = (name: string, config: object, code: string): FailingCase => ({
      ...{ name, connection: server.connection({ ...config }), step: 'read', class: 'config', code },
    });
    return {
      connection: server.connection(),
      failing: [
        {
          ...{ name: 'unknown application', connection: stranger.connection(), step: 'authenticate', class: 'auth' },
          code: 'PCP_DYNAMICS_APPLICATION_UNKNOWN',
        },
        failing('no such company', { company: 'CRONUS' }, 'PCP_DYNAMICS_COMPANY'),
        failing('no such page', { services: { own: '/api/none/none/v1.0' } }, 'PCP_DYNAMICS_ENTITY_MISSING'),
      ],
      read: { entity: 'material', key: ['number'], records: ITEMS },
      incremental: {
        entity: 'material',
        key: ['number'],
        cursorField: 'lastModifiedDateTime',
        exact: false,
        change: async () => {
          server.put({ number: 'I-3', displayName: 'changed' });
          server.put({ number: 'I-99' });
          return ['I-3', 'I-99'];
        },
      },
      write: {
        target: { entity: 'material', keyFields: ['number'], fields: ['number', 'displayName', 'inventory'] },
        records: NAMES.map((displayName, n) => ({
          number: `W ${n}`,
          displayName,
          inventory: `123456789.0000${n + 1}`,
        })),
        readBack: async () => server.items.rows.filter(({ number }) => String(number).startsWith('W')),
        reset: async () => {
          server.items.rows = server.items.rows.filter(({ number }) => !String(number).startsWith('W'));
        },
      },
    };
  },
  async release() {
    await Promise.all([server.stop(), stranger.stop()]);
  },
});
