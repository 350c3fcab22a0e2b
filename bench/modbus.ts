import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import path from 'node:path';
import { client as jsmodbus } from 'jsmodbus';
import ModbusSerial from 'modbus-serial';
import { SeededRandom } from '../demo/random';
import { create } from '../lib/connectors/iot/modbus/connector';
import { ContribModbus } from './peers/contrib-modbus';
import { type Figure, median, printTable } from './support/report';

const TAGS = 1000;
const SPREAD_OVER = 10_000;
const WARM_UP = 5;
const ROUNDS = 20;
const SEVERAL = 16;

/** A poll of registers that lie scattered, by our plan and register by register with other clients. */
export async function benchModbus(passes: number): Promise<number> {
  const device = fork(path.join(__dirname, 'peers', 'modbus-server.js'));
  let contrib: ContribModbus | undefined;
  try {
    const [port] = (await once(device, 'message')) as [number];
    const addresses = scattered();
    contrib = await ContribModbus.start(port, addresses);
    assert.deepEqual(await contrib.poll(), addresses);
    const measured: Record<'contrib' | 'serial' | 'js' | 'one' | 'several', number[]> = {
      contrib: [],
      serial: [],
      js: [],
      one: [],
      several: [],
    };
    for (let pass = 0; pass < passes; pass++) {
      measured.contrib.push(await timed(() => contrib!.poll()));
      measured.serial.push(await withModbusSerial(port, addresses));
      measured.js.push(await withJsmodbus(port, addresses));
      measured.one.push(await withPlan(port, addresses, 1));
      measured.several.push(await withPlan(port, addresses, SEVERAL));
    }
    // Neighbours in time share what else the machine does, so each pass is compared with its own peer.
    const faster = (ours: 'one' | 'several', peer: 'contrib' | 'serial' = 'serial') =>
      median(measured[ours].map((ms, pass) => measured[peer][pass]! / ms));
    const figures: Figure[] = [
      { what: 'node-red-contrib-modbus, one message per tag', value: median(measured.contrib), unit: 'ms a poll' },
      { what: 'modbus-serial, one read per tag', value: median(measured.serial), unit: 'ms a poll' },
      { what: 'jsmodbus, one read per tag', value: median(measured.js), unit: 'ms a poll' },
      { what: 'hub, one request in flight', value: median(measured.one), unit: 'ms a poll' },
      { what: `hub, ${SEVERAL} in flight`, value: median(measured.several), unit: 'ms a poll' },
      { what: 'times faster, one in flight', value: faster('one'), unit: '', limit: { atLeast: 7 } },
      { what: `times faster, ${SEVERAL} in flight`, value: faster('several'), unit: '', limit: { atLeast: 18 } },
      { what: 'times faster than the nodes', value: faster('one', 'contrib'), unit: '', limit: { atLeast: 50 } },
    ];
    const title = `${TAGS} of ${SPREAD_OVER} Modbus registers, median of ${passes}`;
    return printTable(title, figures);
  } finally {
    await contrib?.stop();
    device.kill();
  }
}

function scattered(): number[] {
  const random = new SeededRandom(TAGS);
  const addresses = new Set<number>();
  while (addresses.size < TAGS) addresses.add(random.integer(0, SPREAD_OVER - 1));
  return [...addresses];
}

async function withPlan(port: number, addresses: number[], max_in_flight: number): Promise<number> {
  const tags = Object.fromEntries(addresses.map((address) => [`tag ${address}`, { address, table: 'holding' }]));
  const config = { host: '127.0.0.1', port, max_in_flight, tags };
  const connection = { id: 1, name: 'device', connector_type: 'iot.modbus', config, credentials: {} };
  const connector = create(connection, { log: () => undefined });
  const { signal } = new AbortController();
  const ms = await poll(async () => {
    const values = await connector.readTags!(Object.keys(tags), signal);
    return values.map(({ value }) => value as number);
  }, addresses);
  await connector.close();
  return ms;
}

async function withModbusSerial(port: number, addresses: number[]): Promise<number> {
  const client = new ModbusSerial();
  await client.connectTCP('127.0.0.1', { port });
  client.setID(1);
  const ms = await poll(async () => {
    const values: number[] = [];
    for (const address of addresses) values.push((await client.readHoldingRegisters(address, 1)).data[0]!);
    return values;
  }, addresses);
  client.close(() => undefined);
  return ms;
}

async function withJsmodbus(port: number, addresses: number[]): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  const client = new jsmodbus.TCP(socket, 1);
  await once(socket, 'connect');
  const ms = await poll(async () => {
    const values: number[] = [];
    for (const address of addresses) {
      const { response } = await client.readHoldingRegisters(address, 1);
      values.push(response.body.valuesAsArray[0]!);
    }
    return values;
  }, addresses);
  socket.destroy();
  return ms;
}

/** Milliseconds of one poll, after some to warm up; what they gave has to be right. */
async function poll(read: () => Promise<number[]>, addresses: number[]): Promise<number> {
  for (let round = 0; round < WARM_UP; round++) assert.deepEqual(await read(), addresses);
  const all = await timed(async () => {
    for (let round = 0; round < ROUNDS; round++) await read();
  });
  return all / ROUNDS;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
