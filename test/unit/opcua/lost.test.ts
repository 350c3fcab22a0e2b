import assert from 'node:assert/strict';
import type { Connector } from '../../../lib/connectors/contract';
import { Connections, LINE, Received } from '../../support/opcua/connections';
import { PlantServer } from '../../support/opcua/plant-server';

const LOST = [null, 'bad', 'connection lost', undefined];

/** A value of before an interruption has an earlier time than it by any clock, one of after it a later one. */
const BEFORE = '2026-01-01T06:00:00.000Z';
const AFTER = '2100-01-01T06:00:00.000Z';

describe('OPC UA: values that are lost for a while', () => {
  let server: PlantServer;
  let connections: Connections;
  let connector: Connector;

  beforeEach(async () => {
    server = await new PlantServer().start();
    connections = new Connections();
    connector = open(20_000);
  });
  afterEach(async () => {
    await connections.remove();
    await server.stop();
  });

  /** @param timeoutMs also how long it takes to give a server up */
  const open = (timeoutMs: number) => {
    const tags = { temperature: { node_id: `${LINE}Temperature` }, text: { node_id: `${LINE}String` } };
    return connections.open(server.url, { tags, publishing_interval_ms: 50, timeout_ms: timeoutMs });
  };
  const watch = async (...names: string[]) => {
    const items = names.map((tag) => ({ tag }));
    const received = new Received((signal) => connector.subscribe?.({ items }, signal) ?? assert.fail());
    await received.until(({ values }) => values.length === names.length);
    return received;
  };
  const set = (value: number, at?: string) => server.ask({ do: 'set', name: 'Temperature', value, ...(at && { at }) });
  const of = (received: Received, name: string) =>
    received.values
      .filter(({ tag }) => tag === name)
      .map(({ value, quality, status, unchanged }) => [value, quality, status, unchanged]);
  const good = (value: unknown) => [value, 'good', undefined, undefined];
  const again = (value: unknown) => [value, 'good', undefined, true];
  const isBack = ({ states }: Received) => states.length > 1 && states.at(-1) === 'connected';

  it('are bad from the interruption on, and good again with the time of their source when they did not change', async () => {
    const received = await watch('temperature', 'text');
    for (let outage = 1; outage <= 2; outage++) {
      await server.ask({ do: 'drop' });
      await received.until(({ values }) => values.length === 2 + outage * 4);
    }
    const cycle = [LOST, again('Fundição nº 7')];
    assert.deepEqual(of(received, 'text'), [good('Fundição nº 7'), ...cycle, ...cycle]);
    const times = received.values.filter(({ quality }) => quality === 'good').map((each) => each.source_timestamp);
    assert.equal(new Set(times).size, 2);
    await received.stop();
  });

  it('are told once when they changed meanwhile', async () => {
    const received = await watch('temperature');
    await server.ask({ do: 'drop' });
    await received.until(({ states }) => states.at(-1) === 'interrupted');
    await set(31, AFTER);
    await received.until((each) => isBack(each) && each.of('temperature').includes(31));
    await set(32);
    await received.until((each) => each.of('temperature').includes(32));
    assert.deepEqual(of(received, 'temperature'), [good(20), LOST, good(31), good(32)]);
    await received.stop();
  });

  it('are told to be so now when the change was before the interruption was noticed', async () => {
    const received = await watch('temperature');
    await server.ask({ do: 'drop' });
    await received.until(({ states }) => states.at(-1) === 'interrupted');
    await set(31, BEFORE);
    await received.until((each) => of(each, 'temperature').at(-1)?.at(-1) === true);
    assert.deepEqual(of(received, 'temperature'), [good(20), LOST, good(31), again(31)]);
    await received.stop();
  });

  it('are good again over another subscription when the first one did not come back', async () => {
    connector = open(1000);
    const first = await watch('temperature');
    await server.ask({ do: 'misbehave', how: 'republishes without end' });
    await server.ask({ do: 'drop' });
    assert.equal((await first.end())?.class, 'transient');
    assert.deepEqual(of(first, 'temperature').slice(0, 2), [good(20), LOST]);
    assert.deepEqual(of(first, 'temperature').at(-1), LOST);
    const second = await watch('temperature');
    assert.deepEqual(of(second, 'temperature')[0], again(20));
    await second.stop();
  });

  it('are bad when the server is silent about their subscription', async () => {
    connector = open(1000);
    const received = await watch('temperature');
    await server.ask({ do: 'mute' });
    assert.equal((await received.end())?.class, 'transient');
    assert.deepEqual(of(received, 'temperature')[0], good(20));
    assert.deepEqual(of(received, 'temperature').at(-1), LOST);
  });

  it("say that others before them were lost in the server's queue", async () => {
    const received = await watch('temperature');
    await server.ask({ do: 'status', name: 'Temperature', status: 'GoodWithOverflowBit' });
    await received.until(({ values }) => values.length === 2);
    const { quality, status, overflow } = received.values[1] ?? {};
    assert.deepEqual([quality, status, overflow], ['good', undefined, true]);
    await received.stop();
  });
});
