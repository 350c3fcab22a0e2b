import type { Connector, SourceRecord } from '../../lib/connectors/contract';
import { create } from '../../lib/connectors/iot/mqtt/connector';
import { descriptor } from '../../lib/connectors/iot/mqtt/descriptor';
import type { OpenConnection } from '../../lib/model/connection';
import { AUTHORITY, CLIENT } from '../support/certificates';
import { type Broker, mosquitto, mosquittoAvailable, publishBy, USER } from '../support/mosquitto';
import { Published } from '../support/mqtt-subscriber';
import { freePort } from '../support/server-process';
import type { ConformanceCases, FailingCase, LiveCase } from './cases';
import { conformance } from './suite';

const TOPICS = {
  orders: { topic: 'conformance/{plant}/order/{number}', key: ['plant', 'number'], publish: { retain: true } },
};
const ORDERS: SourceRecord[] = Array.from({ length: 6 }, (_, index) => ({
  plant: 'p1',
  number: String(1000 + index),
  quantity: '12.50',
}));

let broker: Broker;
let published: Published;
let publisher: Connector;

for (const version of ['3.1.1', '5']) {
  conformance(`iot.mqtt ${version}`, {
    descriptor,
    create,
    available: mosquittoAvailable(),
    cases: () => cases(version),
    release: async () => {
      await publisher?.close();
      await published?.close();
      await broker?.release();
    },
  });
}

async function cases(version: string): Promise<ConformanceCases> {
  broker = await mosquitto();
  published = await Published.of(broker.open, 'conformance/#');
  return {
    connection: connection(version, { url: `mqtt://127.0.0.1:${broker.plain}`, username: USER.username }, USER),
    failing: await failing(version),
    write: {
      target: { entity: 'orders', keyFields: ['plant', 'number'], fields: ['plant', 'number', 'quantity'] },
      records: ORDERS,
      readBack: async () => published.last(),
      reset: async () => published.clear(),
    },
    live: [await topics(version), await sparkplug(version)],
  };
}

let said = 0;

/** A connection by way of another port, by a client of its own. */
const through = (version: string, own: Record<string, unknown>) => (port: number, config?: Record<string, unknown>) =>
  connection(
    version,
    { url: `mqtt://127.0.0.1:${port}`, client_id: `conformance-${++said}`, timeout_ms: 2000, ...own, ...config },
    {},
  );

async function topics(version: string): Promise<LiveCase> {
  return {
    port: broker.open,
    through: through(version, {}),
    subscription: { entity: 'orders' },
    areMessages: true,
    async change() {
      const number = `live-${++said}`;
      publishBy(broker.open, `conformance/p1/order/${number}`, '{"quantity":"1"}', '-q', '1');
      return (record) => record.number === number;
    },
  };
}

async function sparkplug(version: string): Promise<LiveCase> {
  const url = `mqtt://127.0.0.1:${broker.open}`;
  const edgeNode = { url, client_id: 'edge', sparkplug_group_id: 'g', sparkplug_edge_node_id: 'n' };
  publisher = create(connection(version, edgeNode), { log: () => undefined });
  const { signal } = new AbortController();
  const target = { entity: 'sparkplug', keyFields: [], fields: [], resume: null, runId: 1, mappingId: 1 };
  const writer = await publisher.openWriter!(target, signal);
  return {
    port: broker.open,
    through: through(version, { sparkplug_role: 'active' }),
    subscription: { entity: 'sparkplug' },
    async change() {
      const n = ++said;
      await writer.write([{ data: { n }, key: '[]', hash: '', sourceKey: '[]' }], signal);
      return (record) => record.value === n && record.quality === 'good';
    },
  };
}

async function failing(version: string): Promise<FailingCase[]> {
  const url = `mqtt://127.0.0.1:${broker.plain}`;
  const sure = (name: string, config: Record<string, unknown>, credentials: Record<string, string> = {}) => ({
    name,
    connection: connection(version, config, credentials),
  });
  return [
    {
      ...sure('wrong password', { url, username: USER.username }, { password: 'wrong-mosquitto-secret' }),
      step: 'authenticate',
      class: 'auth',
      code: 'PCP_MQTT_UNAUTHORIZED',
    },
    {
      ...sure('unknown host', { url: 'mqtt://broker.invalid:1883' }),
      step: 'resolve',
      class: 'transient',
      code: 'PCP_CONNECT_HOST_UNKNOWN',
    },
    {
      ...sure('closed port', { url: `mqtt://127.0.0.1:${await freePort()}` }),
      step: 'connect',
      class: 'transient',
      code: 'PCP_CONNECT_REFUSED',
    },
    {
      ...sure('no URL', { url: 'broker.example.com' }),
      step: 'resolve',
      class: 'config',
      code: 'PCP_SETTING_INVALID',
    },
    {
      ...sure('unknown authority', { url: `mqtts://localhost:${broker.tls}` }),
      step: 'tls',
      class: 'config',
      code: 'PCP_TLS_UNTRUSTED',
    },
    {
      ...sure('certificate for another name', { url: `mqtts://localhost:${broker.otherName}`, tls_ca: AUTHORITY }),
      step: 'tls',
      class: 'config',
      code: 'PCP_TLS_NAME',
    },
    {
      ...sure('no client certificate', { url: `mqtts://localhost:${broker.mutual}`, tls_ca: AUTHORITY }),
      step: 'tls',
      class: 'auth',
      code: 'PCP_TLS_CLIENT_REFUSED',
    },
    {
      ...sure(
        'wrong passphrase of the key',
        { url: `mqtts://localhost:${broker.mutual}`, tls_ca: AUTHORITY },
        { certificate: CLIENT.cert, private_key: CLIENT.encryptedKey, passphrase: 'wrong-passphrase-canary' },
      ),
      step: 'tls',
      class: 'config',
      code: 'PCP_TLS_CERTIFICATE',
    },
    {
      ...sure('no WebSocket', { url: `ws://127.0.0.1:${broker.plain}` }),
      step: 'connect',
      class: 'transient',
      code: 'PCP_CONNECT_LOST',
    },
  ];
}

function connection(
  version: string,
  config: Record<string, unknown>,
  credentials: Record<string, string> = {},
): OpenConnection {
  const { password, certificate, private_key, passphrase } = credentials;
  const secrets = { password, certificate, private_key, passphrase };
  return {
    id: 1,
    name: 'broker',
    connector_type: 'iot.mqtt',
    config: { protocol_version: version, topics: TOPICS, writes_enabled: true, ...config },
    credentials: Object.fromEntries(Object.entries(secrets).filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >,
  };
}
