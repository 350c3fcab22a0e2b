import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { create } from '../../lib/connectors/iot/opcua/connector';
import { descriptor } from '../../lib/connectors/iot/opcua/descriptor';
import type { OpenConnection } from '../../lib/model/connection';
import { Connections, LINE } from '../support/opcua/connections';
import { PlantServer } from '../support/opcua/plant-server';
import type { ConformanceCases, FailingCase, LiveCase } from './cases';
import { conformance } from './suite';

const server = new PlantServer();
const connections = new Connections();
/** Accepts and says nothing. */
const silent = createServer(() => undefined);

const tags = {
  ...Object.fromEntries(
    Array.from({ length: 11 }, (_, n) => [`T${n}`, { node_id: `nsu=http://plant.example/line;s=Many.${n}` }]),
  ),
  wide: { node_id: `${LINE}Int64`, unit: 'pcs' },
  'ç "quoted" {braces}': { node_id: `${LINE}String` },
};
const user = { authentication: 'username', username: 'pcp' };

const connectionOf = (config: Record<string, unknown> = {}, credentials: Record<string, string> = {}): OpenConnection =>
  connections.connection(server.url, { tags, ...config }, credentials);

let said = 1000;
const live: Pick<LiveCase, 'through' | 'sessions'> = {
  through: (port, config = {}) =>
    connectionOf({
      ...{ endpoint_url: `opc.tcp://127.0.0.1:${port}`, publishing_interval_ms: 50, timeout_ms: 2000 },
      ...{ session_timeout_ms: 30_000, ...config },
    }),
  sessions: async () => (await server.counts()).sessions,
};

conformance('iot.opcua', {
  descriptor,
  create,
  environment: () => ({ directory: connections.directory, log: () => undefined }),
  async cases(): Promise<ConformanceCases> {
    await server.start({ many: 20 });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const silentUrl = `opc.tcp://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const failing = (
      name: string,
      connection: OpenConnection,
      step: FailingCase['step'],
      errorClass: FailingCase['class'],
      code: string,
    ): FailingCase => ({ name, connection, step, class: errorClass, code });
    return {
      connection: connectionOf(user, { password: 'right-4711' }),
      failing: [
        failing(
          'wrong password',
          connectionOf(user, { password: 'canary-4711' }),
          'authenticate',
          'auth',
          'PCP_OPCUA_SIGN_IN',
        ),
        failing(
          'unknown host',
          connectionOf({ endpoint_url: 'opc.tcp://no-such-host.invalid:4840' }),
          'resolve',
          'transient',
          'PCP_CONNECT_HOST_UNKNOWN',
        ),
        failing(
          'closed port',
          connectionOf({ endpoint_url: 'opc.tcp://127.0.0.1:1' }),
          'connect',
          'transient',
          'PCP_CONNECT_REFUSED',
        ),
        failing(
          'silent server',
          connectionOf({ endpoint_url: silentUrl }),
          'connect',
          'transient',
          'PCP_OPCUA_TIMEOUT',
        ),
        failing(
          'unknown certificate',
          connectionOf({ security_policy: 'best' }),
          'tls',
          'config',
          'PCP_OPCUA_UNTRUSTED',
        ),
        failing('no endpoint', connectionOf({ endpoint_url: '' }), 'resolve', 'config', 'PCP_SETTING_MISSING'),
        failing(
          'other protocol',
          connectionOf({ endpoint_url: 'http://127.0.0.1' }),
          'resolve',
          'config',
          'PCP_SETTING_INVALID',
        ),
        failing('nothing chosen', connectionOf({ authentication: '' }), 'resolve', 'config', 'PCP_SETTING_MISSING'),
        failing(
          'no such node',
          connectionOf({ tags: { none: { node_id: `${LINE}None` } } }),
          'read',
          'config',
          'PCP_OPCUA_UNREADABLE',
        ),
        failing(
          'no such namespace',
          connectionOf({ tags: { none: { node_id: 'nsu=urn:none;s=x' } } }),
          'read',
          'config',
          'PCP_OPCUA_NAMESPACE',
        ),
      ],
      read: {
        entity: 'values',
        key: ['tag'],
        records: [
          ...Array.from({ length: 11 }, (_, n) => ({ tag: `T${n}`, value: n, quality: 'good' })),
          { tag: 'wide', value: '9007199254740993', quality: 'good' },
          { tag: 'ç "quoted" {braces}', value: 'Fundição nº 7', quality: 'good' },
        ],
      },
      live: [
        {
          ...live,
          port: server.port,
          subscription: { items: [{ tag: `${LINE}Temperature` }] },
          async change() {
            const value = ++said;
            await server.ask({ do: 'set', name: 'Temperature', value });
            return (record) => record.value === value;
          },
        },
        {
          ...live,
          port: server.port,
          subscription: { entity: 'events' },
          areMessages: true,
          async change() {
            const message = `event ${++said}`;
            await server.ask({ do: 'event', message, severity: 300 });
            return (record) => record.message === message;
          },
        },
      ],
    };
  },
  async release() {
    await connections.remove();
    silent.close();
    await server.stop();
  },
});
