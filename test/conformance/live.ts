import assert from 'node:assert/strict';
import type { Connector, ConnectorEnvironment, SourceRecord } from '../../lib/connectors/contract';
import type { LiveEvent } from '../../lib/connectors/live';
import type { OpenConnection } from '../../lib/model/connection';
import { SharedConnection } from '../../lib/stream/shared-connection';
import { type Fault, FaultProxy } from '../support/fault-proxy';
import { Watcher } from '../support/watcher';
import type { ConformanceSubject, LiveCase } from './cases';

const LOSSES: Fault[] = ['refuse', 'reset', 'cut'];
const FAULTS: Fault[] = ['none', 'drip', 'silence', 'refuse'];
/** In turns of the event loop. */
const MOMENTS = [0, 1, 5, 25, 100];
/** Longer than a test may take: nobody waits for an answer before the connection is closed. */
const PATIENT = { timeout_ms: 600_000 };
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** What a source of live values must do over a connection that breaks, as the hub uses it. */
export function describeLive(
  needed: () => LiveCase[],
  { descriptor, create }: ConformanceSubject,
  environment: () => ConnectorEnvironment,
  open: (connection: OpenConnection) => Connector,
): void {
  let proxy: FaultProxy;
  const to = async (live: LiveCase): Promise<void> => {
    proxy = await FaultProxy.start(live.port);
  };
  afterEach(async () => {
    await proxy?.stop();
  });

  /** Follows a subscription over the proxy, as a stream does. */
  const following = async (live: LiveCase, work: (watcher: Watcher) => Promise<void>): Promise<void> => {
    const shared = new SharedConnection(live.through(proxy.port), {
      load: async () => ({ descriptor, create }),
      environment: environment(),
      backoff: { firstMs: 5, longestMs: 20 },
    });
    const watcher = new Watcher();
    const stop = new AbortController();
    const done = shared.follow(live.subscription, watcher, stop.signal);
    try {
      await watcher.until(() => watcher.states.at(-1) === 'connected');
      await work(watcher);
    } finally {
      stop.abort();
      await done;
      await shared.close();
    }
    await left(live);
  };
  const arrives = async (live: LiveCase, watcher: Watcher): Promise<SourceRecord> => {
    const isIt = await live.change();
    await watcher.until(() => watcher.seen.some(isIt));
    return watcher.seen.find(isIt)!;
  };
  /** Nothing is left of us at the source. */
  const left = async (live: LiveCase): Promise<void> => {
    await proxy.turn('none');
    while (proxy.open > 0 || ((await live.sessions?.()) ?? 0) > 0) await turn();
  };

  it('subscribe: gives what changes, in plain data, values with their quality and times', async () => {
    for (const live of needed()) {
      await to(live);
      await following(live, async (watcher) => {
        const changed = await arrives(live, watcher);
        assert.deepEqual(JSON.parse(JSON.stringify(watcher.seen)), watcher.seen);
        if (live.areMessages) return;
        assert.equal(changed.quality, 'good');
        for (const record of watcher.seen) assertValue(record);
      });
      await proxy.stop();
    }
  });

  it('subscribe: goes on after each loss, over one connection; values are bad meanwhile', async () => {
    for (const live of needed()) {
      await to(live);
      await following(live, async (watcher) => {
        for (const loss of LOSSES) {
          await arrives(live, watcher);
          const seen = watcher.seen.length;
          watcher.states = [];
          await proxy.turn(loss);
          await watcher.until(() => watcher.states.length > 0);
          const isBad = ({ quality }: SourceRecord) => quality === 'bad';
          if (!live.areMessages) await watcher.until(() => watcher.seen.slice(seen).some(isBad));
          await proxy.turn('none');
          await watcher.until(() => watcher.states.at(-1) === 'connected');
          await arrives(live, watcher);
          assert.equal(proxy.open, 1, loss);
          if (live.sessions) assert.equal(await live.sessions(), 1, loss);
        }
      });
      await proxy.stop();
    }
  });

  for (const fault of FAULTS) {
    it(`subscribe: closes at any moment, whatever is not answered yet (${fault})`, async () => {
      for (const live of needed()) {
        await to(live);
        for (const turns of MOMENTS) {
          await proxy.turn(fault);
          await closes(live, turns, async () => undefined);
          await proxy.turn('none');
          await closes(live, turns, async (events) => {
            await events.next();
            await proxy.turn(fault);
          });
        }
        // A server that was not reached cannot know that a session has ended.
        if (fault === 'none') await left(live);
        await proxy.stop();
      }
    });
  }

  /** Closes the connector so long after something happened to its subscription, which ends then. */
  async function closes(
    live: LiveCase,
    turns: number,
    happens: (events: AsyncIterator<LiveEvent>) => Promise<void>,
  ): Promise<void> {
    const connector = open(live.through(proxy.port, PATIENT));
    const events = connector.subscribe!(live.subscription, new AbortController().signal)[Symbol.asyncIterator]();
    await happens(events);
    const ended = drained(events);
    for (let n = 0; n < turns; n++) await turn();
    await connector.close();
    await ended;
  }
}

/** Resolves when there is nothing more, for whatever reason. */
async function drained(events: AsyncIterator<LiveEvent>): Promise<void> {
  try {
    while (!(await events.next()).done);
  } catch {
    // That a closed connection is gone may be said so.
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

function assertValue(record: SourceRecord): void {
  const shown = JSON.stringify(record);
  assert.equal(typeof record.tag, 'string', shown);
  assert.ok(['good', 'uncertain', 'bad'].includes(String(record.quality)), shown);
  assert.notEqual(record.value, undefined, shown);
  assert.match(String(record.received_at), ISO, shown);
  if (record.source_timestamp !== null) assert.match(String(record.source_timestamp), ISO, shown);
}
