import assert from 'node:assert/strict';
import { ConnectorRegistry } from '../../../lib/connectors/registry';
import type { OpenConnection } from '../../../lib/model/connection';
import { IntegrationError } from '../../../lib/model/errors';
import { WriteQueue } from '../../../lib/sync/write-queue';
import { temporaryDirectory } from '../../support/hub';

const CONNECTION: OpenConnection = {
  id: 3,
  name: 'line',
  connector_type: 'iot.mqtt',
  config: {
    url: 'mqtt://127.0.0.1:1',
    writes_enabled: true,
    topics: { reports: { topic: 'r', publish: { queue: true } } },
  },
  credentials: {},
};
const TARGET = { entity: 'reports', keyFields: [] };
const away = () => new IntegrationError('transient', 'PCP_CONNECT_REFUSED', 'The broker is away.');
const signal = new AbortController().signal;

describe('the queue of writes', () => {
  let directory: string;
  let remove: () => Promise<void>;
  const open = (write: (records: Record<string, unknown>[]) => void) =>
    new WriteQueue({
      context: {
        registry: new ConnectorRegistry(),
        environment: { log: () => undefined },
        openConnection: async () => ({ ...CONNECTION, timezone: null }),
      },
      writer: {
        write: async (_connection, _target, records) => {
          write(records);
          return records.map(() => ({ outcome: 'created' as const }));
        },
      },
      directory,
      isFlushed: false,
      mostBytes: 1000,
    });

  beforeEach(async () => {
    ({ path: directory, remove } = await temporaryDirectory());
  });
  afterEach(() => remove());

  it('takes nothing more than there is room for, and says so; what it took is there next time', async () => {
    const queue = open(() => {
      throw away();
    });
    const taken: number[] = [];
    await assert.rejects(
      async () => {
        for (let n = 0; ; n++) {
          await queue.take(CONNECTION, TARGET, [{ n, text: 'x'.repeat(100) }], signal);
          taken.push(n);
        }
      },
      { code: 'PCP_WRITE_QUEUE_FULL', class: 'transient' },
    );
    assert.ok(taken.length > 1 && queue.busy);
    await queue.close();

    const written: unknown[] = [];
    const all = Promise.withResolvers<void>();
    const again = open((records) => {
      written.push(...records.map(({ n }) => n));
      if (written.length === taken.length) all.resolve();
    });
    await all.promise;
    await again.close();
    assert.deepEqual(written, taken);
  });
});
