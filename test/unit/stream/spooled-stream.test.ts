import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Spool } from '../../../lib/spool/spool';
import { SharedConnections } from '../../../lib/stream/shared-connections';
import { SpooledStream } from '../../../lib/stream/spooled-stream';
import { LiveSource, tagValue } from '../../support/live-source';

const CONNECTION = { id: 7, name: 'line', connector_type: LiveSource.type, config: {}, credentials: {} };

describe('a stream into the spool', () => {
  it('has an alarm for what overflowed at its source', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pcp-stream-'));
    const source = new LiveSource();
    const log = (): void => undefined;
    const connections = new SharedConnections({ load: async () => source.loaded, environment: { log } }, 0);
    const spool = new Spool(join(directory, 'spool.db'), { isFlushed: false, log });
    spool.configure(1, { maxBytes: 1e6 });
    const definition = { mapping_id: 1, version: 1, name: 'Line', lease: 'line', connection: CONNECTION };
    const stream = new SpooledStream(
      { ...definition, entity: 'values', options: {}, is_live_first: false },
      ...([spool, connections, log] as const),
    );
    try {
      await source.subscribed();
      source.push(tagValue('a'), { ...tagValue('b'), overflow: true });
      while (source.acknowledged.length === 0) await turn();
      const [alarm] = stream.status(Date.now()).alarms;
      assert.deepEqual([alarm?.kind, alarm?.count], ['overflow', 1]);
    } finally {
      await stream.stop();
      await connections.closeAll();
      spool.close();
      rmSync(directory, { recursive: true });
    }
  });
});
