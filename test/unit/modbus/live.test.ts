import assert from 'node:assert/strict';
import type { Connector } from '../../../lib/connectors/contract';
import type { LiveEvent, Subscription, TagValue } from '../../../lib/connectors/live';
import { IntegrationError } from '../../../lib/model/errors';
import { ModbusDevice, registers } from '../../support/modbus-device';
import { withVirtualTime } from '../../support/virtual-time';
import { failure, never, OpenConnectors, table } from './support';

const LOST = { value: null, status: 'connection lost' };

/** A subscription, record by record. */
class Watch {
  readonly abort = new AbortController();
  readonly #events: AsyncIterator<LiveEvent>;
  readonly #records: TagValue[] = [];

  constructor(connector: Connector, subscription: Subscription) {
    this.#events = connector.subscribe!(subscription, this.abort.signal)[Symbol.asyncIterator]();
  }

  async event(): Promise<LiveEvent | undefined> {
    const { value, done } = await this.#events.next();
    return done ? undefined : value;
  }

  async record(): Promise<TagValue> {
    while (this.#records.length === 0) {
      const event = await this.event();
      assert.ok(event, 'the subscription ended');
      if (event.kind === 'records') this.#records.push(...(event.records as TagValue[]));
    }
    return this.#records.shift() as TagValue;
  }

  async records(count: number): Promise<Record<string, unknown>> {
    const values: TagValue[] = [];
    while (values.length < count) values.push(await this.record());
    return table(values);
  }
}

describe('Modbus live values', () => {
  withVirtualTime();
  const connectors = new OpenConnectors();
  let device: ModbusDevice;
  beforeEach(async () => {
    device = await new ModbusDevice().start();
  });
  afterEach(async () => {
    await connectors.close();
    await device.stop();
  });

  const open = (config: Record<string, unknown> = {}) =>
    connectors.open({ port: device.port, poll_interval_ms: 10, ...config });
  /** Each register holds what the function says now. */
  const hold = (value: (address: number) => number) => {
    device.answer = (request) => {
      const pdu = registers(request);
      for (let index = 0; index < request.count; index++)
        pdu.writeUInt16BE(value(request.address + index), 2 + index * 2);
      return pdu;
    };
  };
  const polls = async (count: number) => {
    const goal = device.requests.length + count;
    while (device.requests.length < goal) await new Promise((resolve) => setTimeout(resolve, 2));
  };

  it('come at first all, then those that changed by more than their deadband', async () => {
    let now = [100, 200, 300];
    hold((address) => now[address] ?? 0);
    const tags = {
      plain: { address: 0, unit: 'bar' },
      banded: { address: 1, deadband: 5 },
      percent: { address: 2, deadband: { type: 'percent', value: 10 }, range: [0, 400] },
    };
    const watch = new Watch(open({ tags }), { entity: 'values' });
    assert.deepEqual(await watch.event(), { kind: 'state', state: 'connected' });
    const first = await watch.record();
    assert.equal(first.unit, 'bar');
    assert.equal(first.source_timestamp, null);
    assert.match(first.received_at, /^\d{4}-.*Z$/);
    assert.deepEqual(await watch.records(2), { banded: 200, percent: 300 });
    now = [101, 205, 340];
    assert.deepEqual(await watch.records(1), { plain: 101 });
    await polls(3);
    now = [101, 206, 341];
    assert.deepEqual(await watch.records(2), { banded: 206, percent: 341 });
    watch.abort.abort();
    assert.equal(await watch.event(), undefined);
  });

  it('are read at their own intervals, and each item may say another', async () => {
    let now = 1;
    hold(() => now++);
    const tags = { slow: { address: 0, sampling_interval_ms: 60_000 }, fast: { address: 500 } };
    const watch = new Watch(open({ tags }), { items: [{ tag: 'slow' }, { tag: 'fast', sampling_interval_ms: 10 }] });
    const seen = [];
    while (seen.length < 8) seen.push((await watch.record()).tag);
    watch.abort.abort();
    assert.equal(seen.filter((tag) => tag === 'slow').length, 1);
    assert.equal(device.requests.filter(({ address }) => address === 0).length, 1);
  });

  it('of a silent unit are bad, those of others go on, and it comes back by itself', async () => {
    let isSilent = true;
    const answer = device.answer;
    device.answer = (request, socket) => (request.unit === 2 && isSilent ? undefined : answer(request, socket));
    const tags = { one: { address: 1 }, two: { address: 2, unit_id: 2 }, three: { address: 3, unit_id: 3 } };
    const watch = new Watch(open({ tags, timeout_ms: 300 }), {});
    assert.deepEqual(await watch.records(3), { one: 1, three: 3, two: { value: null, status: 'no answer' } });
    await polls(20);
    isSilent = false;
    assert.deepEqual(await watch.records(1), { two: 2 });
    watch.abort.abort();
  });

  it('end with what broke the line, and can be had again over the same connector', async () => {
    const connector = open({ tags: { one: { address: 1 } } });
    const watch = new Watch(connector, {});
    await watch.records(1);
    const { port } = device;
    await device.stop();
    assert.deepEqual(await watch.records(1), { one: LOST });
    assert.equal((await failure(watch.record())).code, 'PCP_CONNECT_LOST');
    assert.equal((await failure(new Watch(connector, {}).record())).code, 'PCP_CONNECT_REFUSED');
    device = await new ModbusDevice().start(port);
    const again = new Watch(connector, {});
    assert.deepEqual(await again.records(1), { one: 1 });
    again.abort.abort();
  });

  it('end when the device falls silent as a whole', async () => {
    const watch = new Watch(open({ tags: { one: { address: 1 } }, timeout_ms: 200 }), {});
    await watch.records(1);
    device.answer = () => undefined;
    assert.deepEqual(await watch.records(1), { one: { value: null, status: 'no answer' } });
    assert.deepEqual(await watch.records(1), { one: LOST });
    assert.equal((await failure(watch.record())).code, 'PCP_MODBUS_SILENT');
  });

  it('of a tag that is not there are bad and say so, without keeping the others', async () => {
    const connector = open({ tags: { one: { address: 1 } } });
    const [wrong, one] = await connector.readTags!(['nothing', 'one'], never);
    assert.equal(wrong?.quality, 'bad');
    assert.match(wrong?.status ?? '', /"nothing" is no tag/);
    assert.equal(one?.value, 1);
    const watch = new Watch(connector, { items: [{ tag: 'nothing' }, { tag: 'one' }] });
    assert.equal((await watch.record()).quality, 'bad');
    assert.deepEqual(await watch.records(1), { one: 1 });
    watch.abort.abort();
    assert.equal((await failure(new Watch(connector, { items: [] }).record())).code, 'PCP_MODBUS_TAG');
    assert.equal((await failure(new Watch(connector, { entity: 'x' }).record())).code, 'PCP_ENTITY_UNKNOWN');
  });

  it('of all users go over one connection, opened once', async () => {
    const connector = open({ tags: { one: { address: 1 } } });
    const watches = Array.from({ length: 10 }, () => new Watch(connector, {}));
    await Promise.all(watches.map((watch) => watch.records(1)));
    await Promise.all(Array.from({ length: 10 }, () => connector.readTags!(['one'], never)));
    assert.equal(device.connections, 1);
    for (const watch of watches) watch.abort.abort();
  });

  it('stop when the connector is closed, at any moment, and nothing is left open', async () => {
    device.answer = () => undefined;
    for (const wait of [0, 1, 5, 20, 60]) {
      const connector = open({ tags: { one: { address: 1 } }, timeout_ms: 60_000 });
      const reading = failure(connector.readTags!(['one'], never));
      const watching = failure(new Watch(connector, {}).record());
      await new Promise((resolve) => setTimeout(resolve, wait));
      await connector.close();
      assert.equal((await reading).class, 'cancelled');
      assert.equal((await watching).class, 'cancelled');
      assert.equal(IntegrationError.from(await failure(connector.readTags!(['one'], never))).class, 'cancelled');
    }
    while (device.sockets.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('are found by browsing: the tags of the connection', async () => {
    const tags = {
      one: { address: 1, unit: 'A', type: 'int32' },
      two: { address: 9, description: 'Second', table: 'coil' },
    };
    const writable = [{ functions: [16], from: 1, to: 2 }];
    const connector = open({ tags, writable, writes_enabled: true, addressing: 'one_based' });
    assert.deepEqual(await connector.browse!(null, never), [
      {
        address: 'one',
        name: 'one',
        kind: 'tag',
        data_type: 'int32',
        writable: true,
        unit: 'A',
        description: '1/holding/1',
        has_children: false,
      },
      {
        address: 'two',
        name: 'two',
        kind: 'tag',
        data_type: 'bool',
        writable: false,
        description: 'Second',
        has_children: false,
      },
    ]);
  });

  it('are bad when the connection broke: the last ones would look like those of now', async () => {
    const watch = new Watch(open({ tags: { a: { address: 1 }, b: { address: 2 } } }), { entity: 'values' });
    assert.deepEqual(await watch.records(2), { a: 1, b: 2 });
    await device.stop();
    assert.deepEqual(await watch.records(2), { a: LOST, b: LOST });
    assert.equal((await failure(watch.event())).class, 'transient');
  });
});
