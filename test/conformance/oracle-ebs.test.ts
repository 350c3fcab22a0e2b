import { type AddressInfo, createServer } from 'node:net';
import { create } from '../../lib/connectors/erp/oracle-ebs/connector';
import { descriptor } from '../../lib/connectors/erp/oracle-ebs/descriptor';
import type { OpenConnection } from '../../lib/model/connection';
import { IsgServer } from '../support/ebs/isg-server';
import { EbsPlant, JOBS } from '../support/ebs/plant';
import { postgresAvailable } from '../support/postgres';
import type { ConformanceCases, FailingCase } from './cases';
import { conformance } from './suite';

/** A number that fits is the key itself. */
const moveOf = (note: string, n: number) => ({
  ...{ SOURCE_LINE_ID: String(n + 1), ORGANIZATION_CODE: 'M1', WIP_ENTITY_NAME: 'WJ-0001', FM_OPERATION_SEQ_NUM: '10' },
  ...{ TRANSACTION_QUANTITY: `12345678901.${n}25`, REFERENCE: note, TRANSACTION_DATE: '2026-11-27T10:00:00' },
});
const NOTES = ['Trinca', 'ção 😀', "d'água", 'a', 'b'];

let plant: EbsPlant;
const gateway = new IsgServer();
/** Takes connections and says nothing. */
const silent = createServer((socket) => socket.unref().on('error', () => undefined));

conformance('erp.oracle-ebs', {
  descriptor,
  create,
  available: postgresAvailable(),
  async cases(): Promise<ConformanceCases> {
    plant = await EbsPlant.start();
    await gateway.start();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port: silentPort } = silent.address() as AddressInfo;
    const both = { base_url: gateway.url, username: gateway.username };
    const secrets = { password: gateway.password };
    const failing = (
      name: string,
      connection: OpenConnection,
      step: FailingCase['step'],
      errorClass: FailingCase['class'],
      code?: string,
    ): FailingCase => ({ name, connection, step, class: errorClass, ...(code !== undefined && { code }) });
    const ofDatabase = (change: Record<string, unknown>, credentials = {}) => plant.connection(change, credentials);
    const ofGateway = (change: Record<string, unknown>, credentials = secrets) =>
      plant.connection({ ...both, ...change }, credentials);
    return {
      connection: ofGateway({}),
      failing: [
        failing('nothing to dial', ofDatabase({ host: '' }), 'resolve', 'config', 'PCP_SETTING_MISSING'),
        failing('no service name', ofDatabase({ database: '' }), 'resolve', 'config', 'PCP_SETTING_MISSING'),
        failing(
          'unknown host',
          ofDatabase({ host: 'no-such-host.invalid' }),
          'resolve',
          'transient',
          'PCP_CONNECT_HOST_UNKNOWN',
        ),
        failing('closed port', ofDatabase({ port: 1 }), 'connect', 'transient', 'PCP_CONNECT_REFUSED'),
        failing(
          'unknown database',
          ofDatabase({ database: 'nowhere' }),
          'authorise',
          'config',
          'PCP_SQL_DATABASE_UNKNOWN',
        ),
        failing('no tables there', ofDatabase({ schema: 'public' }), 'read', 'config', 'PCP_SQL_TABLE_UNKNOWN'),
        failing(
          'silence of the database',
          ofDatabase({ port: silentPort, connect_timeout_ms: 2000 }),
          'connect',
          'transient',
        ),
        failing(
          'silence of the gateway',
          ofGateway({ base_url: `http://127.0.0.1:${silentPort}` }),
          'authenticate',
          'transient',
        ),
        failing(
          'wrong password of the database',
          ofDatabase({}, { database_password: 'canary-4711' }),
          'authenticate',
          'auth',
          'PCP_SQL_AUTH',
        ),
        failing(
          'gateway that is away',
          ofGateway({ base_url: 'http://127.0.0.1:1' }),
          'connect',
          'transient',
          'PCP_CONNECT_REFUSED',
        ),
        failing(
          'wrong password of the gateway',
          ofGateway({}, { password: 'canary-4712' }),
          'authenticate',
          'auth',
          'PCP_ISG_SIGN_IN',
        ),
      ],
      read: {
        entity: 'production_order',
        key: ['WIP_ENTITY_NAME'],
        records: JOBS.map(({ wip_entity_name, start_quantity, status_type }) => ({
          WIP_ENTITY_NAME: wip_entity_name,
          START_QUANTITY: start_quantity,
          STATUS_TYPE: String(status_type),
          ITEM: 'AX-100',
          SCHEDULED_COMPLETION_DATE: '2026-11-30T17:30:00',
        })),
      },
      incremental: {
        entity: 'production_order',
        key: ['WIP_ENTITY_NAME'],
        cursorField: 'LAST_UPDATE_DATE',
        // Times of the database have no zone.
        exact: false,
        change: async () => {
          const sql =
            "UPDATE wip_discrete_jobs SET last_update_date = '2026-11-27T07:00:00' WHERE wip_entity_id IN (5002, 5004)";
          await plant.database.execute(sql);
          return ['WJ-0001', 'WJ-0003'];
        },
      },
      write: {
        target: { entity: 'production_data', keyFields: ['SOURCE_LINE_ID'], fields: Object.keys(moveOf('', 1)) },
        records: NOTES.map(moveOf),
        readBack: async () => {
          const rows = await plant.rows('wip_move_txn_interface');
          const named = rows.map((row) => Object.entries(row).map(([name, value]) => [name.toUpperCase(), value]));
          return named.map((entries) => Object.fromEntries(entries));
        },
        reset: async () => void (await plant.database.execute('DELETE FROM wip_move_txn_interface')),
      },
    };
  },
  async release() {
    silent.close();
    await Promise.all([plant?.stop(), gateway.stop()]);
  },
});
