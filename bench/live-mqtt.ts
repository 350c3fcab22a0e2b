import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { mosquitto } from '../test/support/mosquitto';
import { receivingFlow } from './peers/flows';
import type { PublisherTask } from './peers/mqtt-publisher';
import type { PlainMqttTask } from './peers/plain-mqtt';
import { SpoolingProcess } from './support/live';
import { BenchNodeRed } from './support/node-red';
import { runAlone } from './support/process';
import { median, printTable } from './support/report';

const PEERS = path.join(__dirname, 'peers');
const EXPIRY_S = 3600;

interface Session {
  port: number;
  clientId: string;
  protocolVersion: 4 | 5;
  messages: number;
}

/** Messages that a broker kept for a session, taken by each of the three as fast as they can. */
export async function benchMqtt(messages: number, passes: number): Promise<number> {
  return (
    (await withWindow(5, 1_000, messages, passes)) +
    // What Mosquitto does unless it is told otherwise.
    (await withWindow(4, 20, messages, passes))
  );
}

/** @param window messages that the broker sends before it waits for acknowledgements */
async function withWindow(protocolVersion: 4 | 5, window: number, messages: number, passes: number): Promise<number> {
  const broker = await mosquitto(undefined, { inflight: window });
  const peers = { plain: plainClient, nodeRed: nodeRedIn, hub: ourProcess };
  const names = Object.keys(peers) as (keyof typeof peers)[];
  const rates: Record<keyof typeof peers, number>[] = [];
  try {
    for (let pass = 0; pass < passes; pass++) {
      const sessions = names.map((clientId) => ({ port: broker.open, clientId, protocolVersion, messages }));
      for (const session of sessions) await beginSession(session);
      await runAlone(path.join(PEERS, 'mqtt-publisher.js'), { port: broker.open, messages } satisfies PublisherTask);
      const rate = { plain: 0, nodeRed: 0, hub: 0 };
      for (const [index, name] of names.entries()) rate[name] = await peers[name](sessions[index] as Session);
      rates.push(rate);
    }
  } finally {
    await broker.release();
  }
  const of = (name: keyof typeof peers) => median(rates.map((rate) => rate[name]));
  const against = (peer: 'plain' | 'nodeRed') => median(rates.map((rate) => rate.hub / rate[peer]));
  const version = protocolVersion === 5 ? '5' : '3.1.1';
  return printTable(
    `${messages.toLocaleString('en-US')} messages of 200 bytes, MQTT ${version} QoS 1, ${window} in flight, median of ${passes}`,
    [
      { what: 'mqtt.js alone', value: of('plain'), unit: 'messages/s' },
      { what: "Node-RED's mqtt in", value: of('nodeRed'), unit: 'messages/s' },
      { what: 'hub, durable before acknowledged', value: of('hub'), unit: 'messages/s' },
      { what: 'hub / mqtt.js', value: against('plain'), unit: '', limit: { atLeast: 0.7 } },
      { what: 'hub / mqtt in', value: against('nodeRed'), unit: '', limit: { atLeast: 1 } },
    ],
  );
}

/** Nothing of it is lost while nobody is connected. */
async function beginSession({ port, clientId, protocolVersion }: Session): Promise<void> {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, {
    protocolVersion,
    clientId,
    clean: false,
    ...(protocolVersion === 5 && { properties: { sessionExpiryInterval: EXPIRY_S } }),
  });
  await client.subscribeAsync('bench/+', { qos: 1 });
  await client.endAsync();
}

function plainClient(session: Session): Promise<number> {
  return runAlone<number>(path.join(PEERS, 'plain-mqtt.js'), session satisfies PlainMqttTask);
}

async function nodeRedIn({ messages, ...session }: Session): Promise<number> {
  const flows = receivingFlow({ ...session, expirySeconds: EXPIRY_S });
  const nodeRed = await BenchNodeRed.start({ flows, withPackage: false, target: null });
  try {
    for (;;) {
      const { rows, seconds } = await nodeRed.state();
      if (rows >= messages) return rows / seconds;
      await delay(200);
    }
  } finally {
    await nodeRed.stop();
  }
}

async function ourProcess({ port, clientId, protocolVersion, messages }: Session): Promise<number> {
  const config = {
    url: `mqtt://127.0.0.1:${port}`,
    client_id: clientId,
    session_expiry_s: EXPIRY_S,
    protocol_version: protocolVersion === 5 ? '5' : '3.1.1',
    topics: { values: { topic: 'bench/+', qos: 1 } },
  };
  const spooling = SpoolingProcess.start({ name: 'bench broker', connector_type: 'iot.mqtt', config }, 'values');
  try {
    for (;;) {
      const status = spooling.status();
      if (status?.error) throw new Error(status.error.message);
      if (status?.backlog.records === messages) {
        return messages / ((Date.parse(status.last_record_at ?? '') - Date.parse(status.since)) / 1000);
      }
      await delay(200);
    }
  } finally {
    await spooling.close();
  }
}
