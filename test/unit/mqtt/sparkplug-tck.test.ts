import assert from 'node:assert/strict';
import { DATA_TYPES, dataTypeName } from '../../../lib/protocols/sparkplug/codec/data-types';
import type { Metric } from '../../../lib/protocols/sparkplug/codec/payload';
import type { Message } from '../../../lib/protocols/sparkplug/message';
import { mosquitto } from '../../support/mosquitto';
import { type ClientPacket, packetsOf } from './client-packets';
import { type Life, live, STATE, type Told } from './sparkplug-life';

const BIRTHS = ['NBIRTH', 'DBIRTH'];
const DATA = ['NDATA', 'DDATA'];
const VALUES = ['int_value', 'long_value', 'float_value', 'double_value', 'boolean_value', 'string_value'] as const;
const INT64 = 4;
const WITH_WILL = 4;

const metricsOf = ({ content }: Told): Metric[] => content.metrics ?? [];
const bdSeqIn = (message: Told) => metricsOf(message).find(({ name }) => name === 'bdSeq');
const hasValue = (metric: Metric) => VALUES.some((kind) => metric[kind] !== undefined);
const stateOf = ({ payload }: Message) => JSON.parse(payload.toString()) as { online: boolean; timestamp: number };

/** Each connection of a client by itself, in order. */
function connectionsOf<T extends { connection: number }>(items: readonly T[]): T[][] {
  return [...Map.groupBy(items, ({ connection }) => connection).values()];
}

/** Ids of the kit that say the same, without "tck-id-", and what has to hold for them. */
type Statement = [ids: string, holds: (life: Life, version: 4 | 5) => void];

/** Every one of them, of which there has to be one. */
function each<T>(items: readonly T[], check: (item: T, index: number) => void): void {
  assert.ok(items.length > 0, 'there is none');
  items.forEach(check);
}

const ofType = ({ told }: Life, ...types: string[]) => told.filter(({ type }) => types.includes(type));
const cleanSession = (packets: ClientPacket[]) =>
  each(packetsOf(packets, 'connect'), ({ isClean, sessionExpirySeconds }) =>
    assert.deepEqual([isClean, sessionExpirySeconds], [true, 0]),
  );

const EDGE_NODE: Statement[] = [
  [
    'principles-persistence-clean-session-311 principles-persistence-clean-session-50',
    ({ edge }) => cleanSession(edge),
  ],
  [
    'message-flow-edge-node-birth-publish-will-message message-flow-edge-node-birth-publish-will-message-topic message-flow-edge-node-birth-publish-will-message-qos message-flow-edge-node-birth-publish-will-message-will-retained payloads-ndeath-will-message payloads-ndeath-will-message-qos payloads-ndeath-will-message-retain topics-ndeath-topic',
    ({ edge }) =>
      each(packetsOf(edge, 'connect'), ({ will }) =>
        assert.deepEqual([will?.topic, will?.qos, will?.retain], ['spBv1.0/G/NDEATH/E', 1, false]),
      ),
  ],
  [
    'topics-ndeath-payload topics-ndeath-seq payloads-ndeath-seq payloads-ndeath-bdseq message-flow-edge-node-birth-publish-will-message-payload message-flow-edge-node-birth-publish-will-message-payload-bdSeq',
    (life) =>
      each([...ofType(life, 'NDEATH'), ...life.wills], (death) => {
        assert.deepEqual(
          metricsOf(death).map(({ name, datatype }) => [name, datatype]),
          [['bdSeq', INT64]],
        );
        assert.equal(death.content.seq, undefined);
      }),
  ],
  [
    'topics-nbirth-bdseq-increment',
    ({ wills }) =>
      assert.equal(Number(bdSeqIn(wills[1]!)?.long_value), (Number(bdSeqIn(wills[0]!)?.long_value) + 1) % 256),
  ],
  [
    'topics-nbirth-bdseq-included topics-nbirth-bdseq-matching payloads-nbirth-bdseq payloads-nbirth-bdseq-repeat message-flow-edge-node-birth-publish-nbirth-payload-bdSeq operational-behavior-data-commands-rebirth-action-3',
    (life) =>
      each(ofType(life, 'NBIRTH', 'NDEATH'), (message) => {
        const { datatype, long_value: value } = bdSeqIn(message) ?? {};
        assert.deepEqual([datatype, value], [INT64, bdSeqIn(life.wills[message.connection]!)?.long_value]);
      }),
  ],
  [
    'message-flow-edge-node-ncmd-subscribe message-flow-device-dcmd-subscribe operational-behavior-primary-application-state-with-multiple-servers-state-subs',
    ({ edge }) =>
      each(connectionsOf(packetsOf(edge, 'subscribe')), (subscribes) =>
        assert.deepEqual(
          subscribes.flatMap(({ filters }) => filters),
          ['spBv1.0/G/NCMD/E', 'spBv1.0/G/DCMD/E/+', STATE].map((filter) => ({ filter, qos: 1 })),
        ),
      ),
  ],
  [
    'principles-birth-certificates-order message-flow-edge-node-birth-publish-connect message-flow-device-birth-publish-nbirth-wait payloads-dbirth-order payloads-ndata-order payloads-ddata-order',
    ({ told }) =>
      each(connectionsOf(told), ([first, ...later]) => {
        assert.equal(first?.type, 'NBIRTH');
        const isBorn = new Set<string | undefined>([undefined]);
        for (const { type, device } of later) {
          if (type === 'DBIRTH') isBorn.add(device);
          if (DATA.includes(type)) assert.ok(isBorn.has(device));
        }
      }),
  ],
  [
    'topic-structure topic-structure-namespace-a topic-structure-namespace-device-id-associated-message-types topic-structure-namespace-device-id-non-associated-message-types topics-nbirth-topic topics-ndata-topic topics-dbirth-topic topics-ddata-topic topics-ddeath-topic message-flow-edge-node-birth-publish-nbirth-topic message-flow-device-birth-publish-dbirth-topic message-flow-device-birth-publish-dbirth-match-edge-node-topic',
    ({ told }) => {
      const kinds = [...new Set(told.map(({ topic }) => topic))].sort();
      const topics = ['DBIRTH/E/d1', 'DBIRTH/E/d2', 'DDATA/E/d1', 'DDATA/E/d2', 'DDEATH/E/d2', 'NBIRTH/E', 'NDATA/E'];
      assert.deepEqual(
        kinds,
        [...topics, 'NDEATH/E'].map((topic) => `spBv1.0/G/${topic}`),
      );
    },
  ],
  [
    'topics-nbirth-mqtt topics-dbirth-mqtt topics-ndata-mqtt topics-ddata-mqtt topics-ddeath-mqtt payloads-nbirth-qos payloads-nbirth-retain payloads-dbirth-qos payloads-dbirth-retain payloads-ndata-qos payloads-ndata-retain payloads-ddata-qos payloads-ddata-retain message-flow-edge-node-birth-publish-nbirth-qos message-flow-edge-node-birth-publish-nbirth-retained message-flow-device-birth-publish-dbirth-qos message-flow-device-birth-publish-dbirth-retained',
    (life) =>
      each(ofType(life, ...BIRTHS, ...DATA, 'DDEATH'), ({ qos, retain }) =>
        assert.deepEqual([qos, retain], [0, false]),
      ),
  ],
  [
    'topics-nbirth-timestamp topics-dbirth-timestamp topics-ndata-timestamp topics-ddata-timestamp payloads-nbirth-timestamp payloads-dbirth-timestamp payloads-ndata-timestamp payloads-ddata-timestamp payloads-ddeath-timestamp payloads-timestamp-in-UTC',
    ({ told, began, ended }) =>
      each(told, ({ content }) => assert.ok(Number(content.timestamp) >= began && Number(content.timestamp) <= ended)),
  ],
  [
    'topics-nbirth-seq-num payloads-nbirth-seq payloads-sequence-num-req-nbirth message-flow-edge-node-birth-publish-nbirth-payload-seq payloads-sequence-num-always-included payloads-sequence-num-incrementing topics-dbirth-seq topics-ndata-seq-num topics-ddata-seq-num topics-ddeath-seq-num payloads-dbirth-seq payloads-dbirth-seq-inc payloads-ndata-seq payloads-ndata-seq-inc payloads-ddata-seq payloads-ddata-seq-inc payloads-ddeath-seq payloads-ddeath-seq-inc payloads-ddeath-seq-number message-flow-device-birth-publish-dbirth-payload-seq',
    (life) => {
      let seq = 0;
      each(ofType(life, ...BIRTHS, ...DATA, 'DDEATH'), ({ type, content }) => {
        if (type === 'NBIRTH') seq = 0;
        assert.equal(content.seq, seq);
        seq = (seq + 1) % 256;
      });
    },
  ],
  [
    'topics-nbirth-metrics topics-dbirth-metrics payloads-name-requirement payloads-name-birth-data-requirement payloads-metric-timestamp-in-UTC payloads-metric-datatype-req payloads-metric-datatype-value-type payloads-metric-datatype-value message-flow-edge-node-birth-publish-nbirth-payload message-flow-device-birth-publish-dbirth-payload',
    (life) =>
      each(ofType(life, ...BIRTHS).flatMap(metricsOf), (metric) => {
        assert.ok(metric.name);
        assert.ok(DATA_TYPES.includes(dataTypeName(metric.datatype)) && dataTypeName(metric.datatype) !== 'Unknown');
        assert.ok(Number(metric.timestamp) >= life.began && Number(metric.timestamp) <= life.ended);
      }),
  ],
  [
    'operational-behavior-data-publish-nbirth-values operational-behavior-data-publish-dbirth-values',
    (life) => {
      const metrics = ofType(life, ...BIRTHS).flatMap(metricsOf);
      each(metrics, (metric) => assert.equal(hasValue(metric), metric.is_null !== true));
      assert.ok(metrics.some(({ is_null: isNull }) => isNull));
    },
  ],
  [
    'payloads-alias-birth-requirement payloads-alias-uniqueness',
    (life) =>
      each(birthRounds(life), (round) => {
        const own = round.flatMap(metricsOf).filter(({ name }) => name !== 'bdSeq' && name !== 'Node Control/Rebirth');
        const aliases = new Set(own.map(({ alias }) => alias));
        assert.deepEqual([aliases.size, aliases.has(undefined)], [own.length, false]);
      }),
  ],
  [
    'topics-nbirth-rebirth-metric payloads-nbirth-rebirth-req operational-behavior-data-commands-rebirth-name operational-behavior-data-commands-rebirth-datatype operational-behavior-data-commands-rebirth-value operational-behavior-data-commands-rebirth-name-aliases',
    (life) =>
      each(ofType(life, 'NBIRTH'), (birth) => {
        const metric = metricsOf(birth).find(({ name }) => name === 'Node Control/Rebirth');
        const { datatype, boolean_value: value, alias } = metric ?? {};
        assert.deepEqual([dataTypeName(datatype), value, alias], ['Boolean', false, undefined]);
      }),
  ],
  [
    'payloads-alias-data-cmd-requirement payloads-metric-datatype-not-req topics-ndata-payload topics-ddata-payload',
    (life) =>
      each(ofType(life, ...DATA).flatMap(metricsOf), ({ name, alias, datatype, timestamp }) => {
        assert.deepEqual([name, datatype], [undefined, undefined]);
        assert.ok(alias !== undefined && timestamp !== undefined);
      }),
  ],
  [
    'topics-nbirth-metric-reqs topics-dbirth-metric-reqs operational-behavior-data-publish-nbirth operational-behavior-data-publish-dbirth',
    ({ told }) => {
      const declared = new Map<string | undefined, Set<unknown>>();
      for (const message of told) {
        const aliases = metricsOf(message).map(({ alias }) => alias);
        if (BIRTHS.includes(message.type)) declared.set(message.device, new Set(aliases));
        if (DATA.includes(message.type)) each(aliases, (alias) => assert.ok(declared.get(message.device)?.has(alias)));
      }
    },
  ],
  [
    'operational-behavior-data-publish-nbirth-order operational-behavior-data-publish-dbirth-order',
    (life) =>
      each(ofType(life, ...BIRTHS, ...DATA), (message) => {
        const times = metricsOf(message).map(({ timestamp }) => Number(timestamp));
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
        );
      }),
  ],
  [
    'payloads-propertyset-keys-array-size payloads-propertyset-values-array-size payloads-metric-propertyvalue-type-req payloads-metric-propertyvalue-type-type payloads-metric-propertyvalue-type-value',
    (life) => {
      const properties = ofType(life, ...BIRTHS)
        .flatMap(metricsOf)
        .flatMap(({ properties: found }) => found ?? []);
      each(properties, ({ keys = [], values = [] }) => {
        assert.equal(keys.length, values.length);
        each(values, ({ type }) => assert.equal(dataTypeName(type), 'String'));
      });
    },
  ],
  [
    'operational-behavior-device-ddeath',
    ({ told }) => {
      const [death] = told.filter(({ type }) => type === 'DDEATH');
      const later = told.filter(({ device, place }) => device === 'd2' && place > (death?.place ?? 0));
      assert.deepEqual([death?.device, later], ['d2', []]);
    },
  ],
  [
    'operational-behavior-data-commands-rebirth-action-1 operational-behavior-data-commands-rebirth-action-2',
    (life) => {
      const [, , rebirth] = birthRounds(life);
      assert.deepEqual(
        rebirth?.map(({ type, device }) => [type, device]),
        [
          ['NBIRTH', undefined],
          ['DBIRTH', 'd1'],
        ],
      );
    },
  ],
  [
    'message-flow-edge-node-birth-publish-phid-wait message-flow-edge-node-birth-publish-phid-wait-id message-flow-edge-node-birth-publish-phid-wait-online operational-behavior-edge-node-birth-sequence-wait',
    ({ told, states }) =>
      each(connectionsOf(told), ([first]) => {
        const last = states.filter(({ place }) => place < first!.place).at(-1);
        assert.equal(last && stateOf(last).online, true);
      }),
  ],
  [
    'message-flow-edge-node-birth-publish-phid-offline operational-behavior-edge-node-termination-host-offline operational-behavior-edge-node-termination-host-offline-timestamp operational-behavior-edge-node-intentional-disconnect-ndeath operational-behavior-edge-node-intentional-disconnect-packet payloads-ndeath-will-message-publisher payloads-ndeath-will-message-publisher-disconnect-mqtt311 payloads-ndeath-will-message-publisher-disconnect-mqtt50',
    ({ edge, told, denial }, version) => {
      const leaves = packetsOf(edge, 'disconnect');
      assert.equal(leaves.length, 2);
      each(leaves, ({ connection, reason }) => {
        const last = told.filter((message) => message.connection === connection).at(-1);
        assert.deepEqual([last?.type, reason], ['NDEATH', version === 5 ? WITH_WILL : 0]);
      });
      assert.ok(leaves[0]!.place > denial.place);
    },
  ],
];

const HOST: Statement[] = [
  [
    'message-flow-phid-sparkplug-clean-session-311 message-flow-phid-sparkplug-clean-session-50',
    ({ host }) => cleanSession(host),
  ],
  [
    'host-topic-phid-death-required host-topic-phid-death-topic host-topic-phid-death-qos host-topic-phid-death-retain host-topic-phid-death-payload host-topic-phid-death-payload-timestamp-connect payloads-state-will-message payloads-state-will-message-qos payloads-state-will-message-retain payloads-state-will-message-payload operational-behavior-host-application-connect-will operational-behavior-host-application-connect-will-topic operational-behavior-host-application-connect-will-qos operational-behavior-host-application-connect-will-retained operational-behavior-host-application-connect-will-payload',
    ({ host, began, ended }) =>
      each(packetsOf(host, 'connect'), ({ will }) => {
        assert.deepEqual([will?.topic, will?.qos, will?.retain], [STATE, 1, true]);
        const { online, timestamp, ...rest } = stateOf(will!);
        assert.deepEqual([online, rest], [false, {}]);
        assert.ok(timestamp >= began && timestamp <= ended);
      }),
  ],
  [
    'host-topic-phid-birth-sub-required message-flow-phid-sparkplug-subscription payloads-state-subscribe',
    ({ host }) =>
      each(connectionsOf(host), (packets) => {
        const kinds = packets.map(({ kind }) => kind);
        assert.deepEqual(kinds.slice(0, 4), ['connect', 'subscribe', 'subscribe', 'publish']);
        const filters = packetsOf(packets, 'subscribe').flatMap((packet) => packet.filters.map(({ filter }) => filter));
        assert.deepEqual(filters, [STATE, 'spBv1.0/#']);
      }),
  ],
  [
    'host-topic-phid-birth-message host-topic-phid-birth-required host-topic-phid-birth-topic host-topic-phid-birth-qos host-topic-phid-birth-retain host-topic-phid-birth-payload host-topic-phid-birth-payload-timestamp payloads-state-birth payloads-state-birth-payload operational-behavior-host-application-connect-birth operational-behavior-host-application-connect-birth-topic operational-behavior-host-application-connect-birth-qos operational-behavior-host-application-connect-birth-retained operational-behavior-host-application-connect-birth-payload operational-behavior-primary-application-state-with-multiple-servers-state message-flow-phid-sparkplug-state-publish message-flow-phid-sparkplug-state-publish-payload message-flow-phid-sparkplug-state-publish-payload-timestamp components-ph-state intro-sparkplug-host-state conformance-primary-host',
    ({ host }) =>
      each(connectionsOf(host), (packets) => {
        const { message } = packetsOf(packets, 'publish')[0]!;
        const { will } = packetsOf(packets, 'connect')[0]!;
        assert.deepEqual([message.topic, message.qos, message.retain], [STATE, 1, true]);
        assert.deepEqual(stateOf(message), { online: true, timestamp: stateOf(will!).timestamp });
      }),
  ],
  [
    'message-flow-hid-sparkplug-state-message-delivered',
    ({ states, denial }) => assert.deepEqual(stateOf(denial), stateOf(states[0]!)),
  ],
  [
    'operational-behavior-host-application-termination operational-behavior-host-application-death-topic operational-behavior-host-application-death-qos operational-behavior-host-application-death-retained operational-behavior-host-application-death-payload operational-behavior-host-application-disconnect-intentional host-topic-phid-death-payload-timestamp-disconnect-clean',
    ({ host, states }) => {
      const [birth, ...later] = states.filter(({ connection }) => connection === 0);
      const death = later.at(-1);
      assert.deepEqual([death?.topic, death?.qos, death?.retain, stateOf(death!).online], [STATE, 1, true, false]);
      assert.ok(stateOf(death!).timestamp >= stateOf(birth!).timestamp);
      assert.equal(host.filter(({ connection }) => connection === 0).at(-1)?.kind, 'disconnect');
    },
  ],
  [
    'topics-ncmd-topic topics-ncmd-mqtt topics-ncmd-timestamp topics-ncmd-payload topics-dcmd-topic topics-dcmd-mqtt topics-dcmd-timestamp topics-dcmd-payload payloads-ncmd-timestamp payloads-ncmd-seq payloads-ncmd-qos payloads-ncmd-retain payloads-dcmd-timestamp payloads-dcmd-seq payloads-dcmd-qos payloads-dcmd-retain payloads-name-cmd-requirement operational-behavior-data-commands-ncmd-verb operational-behavior-data-commands-dcmd-verb',
    ({ commands, began, ended }) => {
      each(commands, ({ qos, retain, content }) => {
        assert.deepEqual([qos, retain, content.seq], [0, false, undefined]);
        assert.ok(Number(content.timestamp) >= began && Number(content.timestamp) <= ended);
      });
      const topics = new Set(commands.map(({ topic }) => topic));
      for (const topic of ['spBv1.0/G/NCMD/E', 'spBv1.0/G/DCMD/E/d1']) assert.ok(topics.has(topic), topic);
    },
  ],
  [
    'operational-behavior-data-commands-ncmd-metric-name operational-behavior-data-commands-ncmd-metric-value operational-behavior-data-commands-dcmd-metric-name operational-behavior-data-commands-dcmd-metric-value',
    (life) => {
      const declared = (device: string | undefined) =>
        ofType(life, ...BIRTHS)
          .filter((birth) => birth.device === device)
          .flatMap(metricsOf);
      const written = life.commands.filter((command) => metricsOf(command).some(({ alias }) => alias !== undefined));
      assert.equal(written.length, 2);
      each(written, (command) => {
        const [metric] = metricsOf(command) as [Metric];
        const known = declared(command.device).find(({ alias }) => alias === metric.alias);
        assert.deepEqual([metric.name, metric.datatype], [undefined, known?.datatype]);
        assert.ok(hasValue(metric));
      });
    },
  ],
  [
    'operational-behavior-data-commands-ncmd-rebirth-verb operational-behavior-data-commands-ncmd-rebirth-name operational-behavior-data-commands-ncmd-rebirth-value',
    ({ commands }) => {
      const [request] = commands.filter(({ topic }) => topic === 'spBv1.0/G/NCMD/X') as [Told];
      assert.deepEqual(
        metricsOf(request).map(({ name, boolean_value: value }) => [name, value]),
        [['Node Control/Rebirth', true]],
      );
    },
  ],
];

/** Each birth of the edge node with those of its devices that follow it at once. */
function birthRounds({ told }: Life): Told[][] {
  const rounds: Told[][] = [];
  let isRound = false;
  for (const message of told) {
    if (message.type === 'NBIRTH') rounds.push([message]);
    else if (message.type === 'DBIRTH' && isRound) rounds.at(-1)?.push(message);
    isRound = BIRTHS.includes(message.type);
  }
  return rounds;
}

for (const version of [4, 5] as const) {
  describe(`Sparkplug over MQTT ${version === 5 ? '5' : '3.1.1'}, as the compatibility kit sees it`, () => {
    let life: Life;
    before(async function () {
      const broker = await mosquitto(this);
      try {
        life = await live(broker, version);
      } finally {
        await broker.release();
      }
    });
    for (const [client, statements] of [
      ['edge node', EDGE_NODE],
      ['host', HOST],
    ] as const) {
      for (const [ids, holds] of statements) {
        it(`${client}: ${ids.replaceAll(/\S+/g, 'tck-id-$&')}`, () => holds(life, version));
      }
    }
  });
}
