import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { create } from '../../lib/connectors/erp/dynamics365/connector';
import { descriptor } from '../../lib/connectors/erp/dynamics365/descriptor';
import type { OpenConnection } from '../../lib/model/connection';
import { OperationsServer } from '../support/dynamics365/operations';
import { dynamicsPlant, ORDERS } from '../support/dynamics365/plant';
import type { ConformanceCases, FailingCase } from './cases';
import { conformance } from './suite';

let plant: OperationsServer;
/** It knows the application, and gives it nothing. */
let closed: OperationsServer;
/** It does not know the application. */
const stranger = new OperationsServer();
const empty = new OperationsServer();
const silent = createServer(() => undefined);
const NAMES = ['Peça', 'ção 😀', "d'água", 'a', ' b'];

conformance('erp.dynamics365', {
  descriptor,
  create,
  async cases(): Promise<ConformanceCases> {
    plant = await dynamicsPlant();
    plant.pageLimit = 7;
    closed = await dynamicsPlant();
    for (const name of Object.keys(closed.sets)) closed.forbidden.add(name);
    await stranger.start();
    stranger.isRegistered = false;
    await empty.start();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const silentUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const failing = (
      name: string,
      connection: OpenConnection,
      step: FailingCase['step'],
      errorClass: FailingCase['class'],
      code?: string,
    ): FailingCase => ({ name, connection, step, class: errorClass, ...(code !== undefined && { code }) });
    const wrongSecret = { client_secret: 'canary-4711' };
    const bearer = { authentication: 'none' };
    return {
      connection: plant.connection(),
      failing: [
        failing('wrong secret', plant.connection({}, wrongSecret), 'authenticate', 'auth', 'PCP_OAUTH_REFUSED'),
        failing(
          'unknown application',
          stranger.connection(),
          'authenticate',
          'auth',
          'PCP_DYNAMICS_APPLICATION_UNKNOWN',
        ),
        failing('unknown host', plant.connection({ base_url: 'http://no-such-host.invalid' }), 'resolve', 'transient'),
        failing('closed port', plant.connection({ base_url: 'http://127.0.0.1:1' }), 'connect', 'transient'),
        failing('no TLS there', plant.connection({ base_url: plant.url.replace('http', 'https') }), 'tls', 'config'),
        failing('no base URL', plant.connection({ base_url: '' }), 'resolve', 'config', 'PCP_SETTING_MISSING'),
        failing('no tenant', plant.connection({ tenant_id: '' }), 'resolve', 'config', 'PCP_SETTING_MISSING'),
        failing('no entity', empty.connection(), 'read', 'config', 'PCP_DYNAMICS_ENTITY_MISSING'),
        failing(
          'no entity over the messages',
          plant.connection({ message_log: { entity_set: 'PcpNone', key: 'K', content: 'C' } }),
          'read',
          'config',
          'PCP_DYNAMICS_ENTITY_MISSING',
        ),
        failing('no rights', closed.connection(), 'authorise', 'permission', 'PCP_DYNAMICS_FORBIDDEN'),
        failing(
          'no answer',
          plant.connection({ ...bearer, base_url: silentUrl, timeout_ms: 2000 }),
          'read',
          'transient',
        ),
      ],
      read: {
        entity: 'production_order',
        key: ['dataAreaId', 'ProductionOrderNumber'],
        records: ORDERS.map(({ dataAreaId, ProductionOrderNumber, ItemNumber, ScheduledQuantity, ...order }) => ({
          ...{ dataAreaId, ProductionOrderNumber, ItemNumber, ScheduledQuantity },
          ScheduledStartDate: String(order.ScheduledStartDate).slice(0, 10),
          ScheduledStart: `${String(order.ScheduledStartDate).slice(0, 10)}T06:30:00`,
          DeliveryDate: null,
        })),
      },
      incremental: {
        entity: 'production_data',
        key: ['JournalNumber'],
        cursorField: 'PostedDateTime',
        // What was posted in the minutes before is read again.
        exact: false,
        change: async () => {
          const rows = plant.rows('ReportAsFinishedProductionJournalEntries');
          const posted = { PostedDateTime: '2026-11-21T00:00:00Z', IsPosted: 'Yes' };
          rows.push({ ...rows[0]!, ...posted, JournalNumber: '00100' });
          Object.assign(rows[5]!, posted);
          return ['00005', '00100'];
        },
      },
      write: {
        target: {
          entity: 'material',
          keyFields: ['dataAreaId', 'ItemNumber'],
          fields: ['dataAreaId', 'ItemNumber', 'SearchName', 'NetProductWeight', 'IsPhantom'],
        },
        records: NAMES.map((SearchName, n) => ({
          dataAreaId: n % 2 === 0 ? 'brmf' : 'usmf',
          ItemNumber: `W/${n} ç`,
          ...{ SearchName, NetProductWeight: `1234567890123.00000${n + 1}`, IsPhantom: n === 1 ? 'Yes' : 'No' },
        })),
        readBack: async () =>
          plant.rows('ReleasedProductsV2').filter(({ ItemNumber }) => String(ItemNumber).startsWith('W')),
        reset: async () => {
          const set = plant.sets.ReleasedProductsV2!;
          set.rows = set.rows.filter(({ ItemNumber }) => !String(ItemNumber).startsWith('W'));
        },
      },
    };
  },
  async release() {
    silent.closeAllConnections();
    await Promise.all([
      ...[plant, closed, stranger, empty].map((each) => each.stop()),
      new Promise((resolve) => silent.close(resolve)),
    ]);
  },
});
