import type { WriteRecord } from '../../../lib/connectors/contract';
import { decodePayload, type Payload } from '../../../lib/protocols/sparkplug/codec/payload';
import type { Message } from '../../../lib/protocols/sparkplug/message';
import { rebirthCommand } from '../../../lib/protocols/sparkplug/metrics';
import type { Broker } from '../../support/mosquitto';
import { type ClientPacket, packetsOf, Recording } from './client-packets';
import { Connectors, connectionTo, Listener, signal } from './connections';
import { Plant } from './plant';

const NODE = { group: 'G', edgeNode: 'E' };
export const STATE = 'spBv1.0/STATE/mes';

/** A message of an edge node, or to one. */
export interface Told extends Message {
  type: string;
  device: string | undefined;
  content: Payload;
  connection: number;
  place: number;
}

/** What a host says of itself. */
export interface State extends Message {
  connection: number;
  place: number;
}

/** An edge node and its primary host, as the broker sees them, from their beginning to their end. */
export interface Life {
  edge: ClientPacket[];
  host: ClientPacket[];
  told: Told[];
  commands: Told[];
  states: State[];
  /** The state with which the host answers one that says it is gone. */
  denial: State;
  /** What the broker is to publish when the edge node is cut off, by connection. */
  wills: Told[];
  began: number;
  ended: number;
}

function toldIn(packets: readonly ClientPacket[]): Told[] {
  return packetsOf(packets, 'publish').flatMap(({ message, connection, place }) =>
    message.topic === STATE ? [] : [toldBy(message, connection, place)],
  );
}

function toldBy(message: Message, connection: number, place: number): Told {
  const [, , type = '', , device] = message.topic.split('/');
  return { ...message, type, device, connection, place, content: decodePayload(message.payload) };
}

function statesIn(packets: readonly ClientPacket[]): State[] {
  return packetsOf(packets, 'publish').flatMap(({ message, connection, place }) =>
    message.topic === STATE ? [{ ...message, connection, place }] : [],
  );
}

function willsIn(packets: readonly ClientPacket[]): Told[] {
  return packetsOf(packets, 'connect').flatMap(({ will, connection, place }) =>
    will === undefined ? [] : [toldBy(will, connection, place)],
  );
}

const record = (data: Record<string, unknown>): WriteRecord => ({ data, key: '[]', hash: '', sourceKey: '[]' });
const target = (...keyFields: string[]) => ({
  ...{ entity: 'sparkplug', keyFields, fields: [], resume: null, runId: 1, mappingId: 1 },
});

export async function live(broker: Broker, version: 4 | 5): Promise<Life> {
  const began = Date.now();
  const recording = new Recording(broker.plain, version);
  const connectors = new Connectors();
  const plant = await Plant.open(broker);
  const ways = { edge: await recording.way('edge'), host: await recording.way('host') };
  const common = { protocol_version: version === 5 ? '5' : '3.1.1', writes_enabled: true, timeout_ms: 60_000 };
  const openHost = () =>
    connectors.open(
      connectionTo(ways.host, {
        ...common,
        ...{ sparkplug_role: 'primary', sparkplug_host_id: 'mes', sparkplug_reorder_timeout_ms: 100 },
        writable: [{ filter: 'G/#' }],
      }),
    );
  const edgeNode = connectors.open(
    connectionTo(ways.edge, {
      ...common,
      ...{ sparkplug_group_id: NODE.group, sparkplug_edge_node_id: NODE.edgeNode, sparkplug_primary_host_id: 'mes' },
      sparkplug_online_field: 'online',
      sparkplug_metrics: { speed: { data_type: 'Int32', unit: 'rpm' } },
    }),
  );
  const [edge, host] = [recording.of('edge'), recording.of('host')];
  const count = (type: string) => toldIn(edge).filter((message) => message.type === type).length;
  try {
    const node = await edgeNode.openWriter!(target(), signal());
    const devices = await edgeNode.openWriter!(target('line'), signal());
    // It waits for its host.
    const writing = node.write([record({ mode: 'auto' })], signal());
    await recording.until(() => packetsOf(edge, 'subscribe').length === 3);
    const first = openHost();
    const values = await new Listener(first, { entity: 'sparkplug' }).connected();
    await writing;
    await devices.write([record({ line: 'd1', speed: 1 }), record({ line: 'd2', speed: null })], signal());
    await devices.write([record({ line: 'd1', speed: 2 }), record({ line: 'd2', speed: 3 })], signal());
    await node.write([record({ mode: 'hand' })], signal());
    await devices.write([record({ line: 'd2', online: false })], signal());
    await node.write([record({ mode: 'hand', shift: 2 })], signal());
    // The host has learnt the last births: of the edge node, then of the device that is left.
    const seen: unknown[] = [];
    while (!seen.includes('shift') || seen.lastIndexOf('speed') < seen.indexOf('shift')) {
      for (const { metric } of await values.take(1)) seen.push(metric);
    }
    await first.writeTags!(
      [
        { tag: 'G/E/d1/speed', value: 2 },
        { tag: 'G/E/mode', value: 'hand' },
      ],
      signal(),
    );
    const births = count('NBIRTH');
    const rebirth = rebirthCommand(NODE, Date.now());
    await plant.publish([rebirth.topic, rebirth.payload]);
    await recording.until(() => count('NBIRTH') > births);
    // Data of an edge node that was never born: the host asks for its birth.
    const data = toldIn(edge).find(({ type }) => type === 'NDATA');
    await plant.publish(['spBv1.0/G/NDATA/X', data!.payload]);
    await recording.until(() => toldIn(host).some(({ topic }) => topic.endsWith('/X')));
    // An old word that the host is gone: the host denies it, and the edge node stays.
    const said = statesIn(host).length;
    const gone = Buffer.from('{"online":false,"timestamp":1}');
    await plant.connection.publish({ topic: STATE, payload: gone, qos: 1, retain: false }, signal());
    await recording.until(() => statesIn(host).length > said);
    const denial = statesIn(host)[said]!;
    await first.close();
    await recording.until(() => packetsOf(edge, 'disconnect').length === 1);
    const second = await new Listener(openHost(), { entity: 'sparkplug' }).connected();
    await recording.until(() => count('NBIRTH') > births + 1);
    await edgeNode.close();
    await recording.until(() => packetsOf(edge, 'disconnect').length === 2);
    await second.stop();
    return {
      ...{ edge, host, denial, began, ended: Date.now() },
      ...{ told: toldIn(edge), commands: toldIn(host), states: statesIn(host), wills: willsIn(edge) },
    };
  } finally {
    await connectors.close();
    await plant.connection.close();
    recording.stop();
  }
}
