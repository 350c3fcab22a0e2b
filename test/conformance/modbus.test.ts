import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import type { SourceRecord } from '../../lib/connectors/contract';
import { create } from '../../lib/connectors/iot/modbus/connector';
import { descriptor } from '../../lib/connectors/iot/modbus/descriptor';
import type { OpenConnection } from '../../lib/model/connection';
import { libmodbusTcp, type ModbusPeer, peersAvailable } from '../support/modbus-peers';
import type { ConformanceCases, FailingCase } from './cases';
import { conformance } from './suite';

const TAGS: Record<string, unknown> = {
  ...Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`register ${n}`, { address: n * 100, unit: 'kWh' }])),
  'coil 3': { address: 3, table: 'coil' },
  wide: { address: 1, table: 'input', type: 'uint64' },
};
const record = (tag: string, value: unknown, more: SourceRecord = {}): SourceRecord => ({
  tag,
  value,
  quality: 'good',
  source_timestamp: null,
  ...more,
});
const RECORDS = [
  ...Array.from({ length: 10 }, (_, n) => record(`register ${n}`, n * 100, { unit: 'kWh' })),
  record('coil 3', true),
  record('wide', 281_483_566_841_860),
];

let said = 1000;
let peer: ModbusPeer;
const silent = createServer((socket) => socket.on('error', () => undefined).resume());
const noModbus = createServer((socket) =>
  socket
    .on('error', () => undefined)
    .resume()
    .end('HTTP/1.1 400 Bad Request\r\n\r\n'),
);

function connectionOf(config: Record<string, unknown>): OpenConnection {
  const own = { host: '127.0.0.1', port: peer.port, tags: TAGS, timeout_ms: 500 };
  return { id: 1, name: 'meter', connector_type: 'iot.modbus', config: { ...own, ...config }, credentials: {} };
}

conformance('iot.modbus', {
  descriptor,
  create,
  available: peersAvailable(),
  async cases(): Promise<ConformanceCases> {
    peer = await libmodbusTcp();
    const ports: number[] = [];
    for (const server of [silent, noModbus]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      ports.push((server.address() as AddressInfo).port);
    }
    const failing = (
      name: string,
      config: Record<string, unknown>,
      step: FailingCase['step'],
      errorClass: FailingCase['class'],
      code: string,
    ): FailingCase => ({ name, connection: connectionOf(config), step, class: errorClass, code });
    const noPort = { transport: 'rtu', serial_port: '/dev/no-such-port' };
    return {
      connection: connectionOf({}),
      failing: [
        failing('no host', { host: '' }, 'resolve', 'config', 'PCP_SETTING_MISSING'),
        failing('bad tag', { tags: { t: { address: 40_001 } } }, 'resolve', 'config', 'PCP_MODBUS_ADDRESS'),
        failing('unknown host', { host: 'no-such-host.invalid' }, 'resolve', 'transient', 'PCP_CONNECT_HOST_UNKNOWN'),
        failing('closed port', { port: 1 }, 'connect', 'transient', 'PCP_CONNECT_REFUSED'),
        failing('no serial port', noPort, 'connect', 'transient', 'PCP_MODBUS_SERIAL_PORT'),
        failing('no answer', { port: ports[0] }, 'read', 'transient', 'PCP_MODBUS_TIMEOUT'),
        failing('no Modbus', { port: ports[1] }, 'read', 'transient', 'PCP_MODBUS_PROTOCOL'),
        failing('no such register', { tags: { t: { address: 3000 } } }, 'read', 'config', 'PCP_MODBUS_EXCEPTION'),
      ],
      read: {
        entity: 'values',
        key: ['tag'],
        records: RECORDS,
        normalise: ({ received_at: _, ...rest }) => rest,
      },
      live: [
        {
          port: peer.port,
          through: (port, config) => connectionOf({ port, poll_interval_ms: 10, ...config }),
          subscription: { items: [{ tag: 'holding/500' }] },
          async change() {
            const value = ++said;
            const writable = [{ functions: [6], from: 500, to: 500, max_per_minute: 6000 }];
            const writer = create(connectionOf({ writes_enabled: true, writable }), { log: () => undefined });
            const { signal } = new AbortController();
            const [result] = (await writer.writeTags?.([{ tag: 'holding/500', value }], signal)) ?? [];
            await writer.close();
            assert.equal(result?.outcome, 'written');
            return (record) => record.value === value;
          },
        },
      ],
    };
  },
  async release() {
    await peer.stop();
    await Promise.all([silent, noModbus].map((server) => new Promise((resolve) => server.close(resolve))));
  },
});
