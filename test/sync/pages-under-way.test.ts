import assert from 'node:assert/strict';
import type { Batch, Resolution, WriteGuarantee, WriteRecord, WriteResult } from '../../lib/connectors/contract';
import type { ConnectorDescriptor } from '../../lib/connectors/descriptor';
import type { LoadedConnector } from '../../lib/connectors/registry';
import { IntegrationError } from '../../lib/model/errors';
import type { SyncLog } from '../../lib/model/sync';
import { TestEngine } from '../support/engine';
import { temporaryDirectory } from '../support/hub';

const PAGE = 3;
const KEYED = { idempotencyKey: true, lookup: 'none' } as const;
const FOUND = { idempotencyKey: false, lookup: 'strong' } as const;
const BLIND = { idempotencyKey: false, lookup: 'none' } as const;

type Item = { id: string; text?: string };

/** A source that gives the pages it is told, and a target whose writes the test lets through. */
class Ends {
  pages: Item[][] = [];
  /** After the pages. */
  breaks: Error | null = null;
  /** Pages that the target was given, by the ids of their records. */
  readonly sent: string[][] = [];
  asked = 0;
  write: (records: WriteRecord[], page: number) => Promise<WriteResult[]> = async (records) => records.map(created);

  constructor(
    readonly offers: Pick<WriteGuarantee, 'idempotencyKey' | 'lookup'>,
    readonly settleMs = 1,
  ) {}

  source(): LoadedConnector {
    const create = () => ({
      test: async () => ({ ok: true, steps: [], duration_ms: 0 }),
      read: () => this.read(),
      close: async () => undefined,
    });
    return { descriptor: descriptor('test.source', 'read'), create };
  }

  target(): LoadedConnector {
    const { offers, settleMs } = this;
    const writes = { ...offers, upsertByKey: false, transactional: false, snapshot: false, settleMs };
    const writer = {
      write: (records: WriteRecord[]) => {
        this.sent.push(records.map(({ data }) => String(data.id)));
        return this.write(records, this.sent.length);
      },
      resolve: async (records: WriteRecord[]): Promise<Resolution[]> => {
        this.asked++;
        return records.map(() => ({ state: 'absent' }));
      },
      finish: async () => undefined,
      abandon: async () => undefined,
    };
    const create = () => ({
      test: async () => ({ ok: true, steps: [], duration_ms: 0 }),
      openWriter: async () => writer,
      close: async () => undefined,
    });
    return { descriptor: { ...descriptor('test.target', 'write'), writes }, create };
  }

  private async *read(): AsyncGenerator<Batch> {
    for (const [index, records] of this.pages.entries()) {
      yield { records, cursorAfter: { v: 1, kind: 'offset', at: index + 1 } };
    }
    if (this.breaks !== null) throw this.breaks;
  }
}

function descriptor(type: string, capability: 'read' | 'write'): ConnectorDescriptor {
  return {
    type,
    title: { 'en-US': type, 'pt-BR': type },
    description: { 'en-US': '', 'pt-BR': '' },
    node: null,
    icon: '',
    color: '',
    since: '0.1.0',
    capabilities: ['test', capability],
    batchSize: { default: PAGE, maximum: PAGE },
    drivers: [],
    settings: {},
    operations: [capability],
  };
}

const created = ({ data }: WriteRecord): WriteResult => ({ outcome: 'created', externalKey: `row-${data.id}` });
const page = (number: number): Item[] =>
  Array.from({ length: PAGE }, (_, index) => ({ id: `${number}.${index}`, text: 'x' }));

describe('pages on their way to a target whose writes are announced', () => {
  let engine: TestEngine;
  let remove: () => Promise<void>;
  let connectionId: number;
  let mappingId: number;

  async function open(ends: Ends, options = {}): Promise<void> {
    const directory = await temporaryDirectory();
    remove = directory.remove;
    engine = await TestEngine.open(directory.path, { 'test.source': ends.source(), 'test.target': ends.target() });
    const connection = async (type: string) =>
      (await engine.connections.create({ name: type, connector_type: type, config: {} })).id;
    connectionId = await connection('test.source');
    ({ id: mappingId } = await engine.mappings.create({
      connection_id: connectionId,
      peer_connection_id: await connection('test.target'),
      name: 'items',
      entity_type: 'item',
      direction: 'import',
      source_entity: 'items',
      target_entity: 'items',
      field_mappings: [
        { source: 'id', target: 'id' },
        { source: 'text', target: 'text' },
      ],
      key_fields: ['id'],
      options,
    }));
  }
  afterEach(async () => {
    await engine.close();
    await remove();
  });

  const run = async (): Promise<SyncLog> => (await engine.run(connectionId)).logs[0]!;
  const links = async (condition: string): Promise<number> => {
    const [row] = await engine.store.database.query(
      `SELECT COUNT(*) AS n FROM integration_record_links WHERE ${condition}`,
    );
    return Number(row?.n);
  };
  const whenLinks = async (condition: string, count: number): Promise<void> => {
    while ((await links(condition)) !== count) await new Promise(setImmediate);
  };
  const ANNOUNCED = `pending_op = 'create'`;
  const WRITTEN = 'pending_op IS NULL AND hash IS NOT NULL';

  it('the next one is announced and the one before committed while one is sent', async () => {
    const ends = new Ends(KEYED);
    ends.pages = [page(1), page(2), page(3)];
    ends.write = async (records, number) => {
      if (number < 3) await whenLinks(ANNOUNCED, 2 * PAGE);
      await whenLinks(WRITTEN, (number - 1) * PAGE);
      return records.map(created);
    };
    await open(ends);
    const log = await run();
    assert.deepEqual([log.status, log.details.created], ['success', 3 * PAGE]);
    assert.equal(await links(WRITTEN), 3 * PAGE);
  });

  it('one with a record of the page that is sent waits for what becomes of it', async () => {
    const ends = new Ends(KEYED);
    ends.pages = [page(1), [{ id: '1.0', text: 'changed' }, ...page(2)]];
    const keys: (string | undefined)[] = [];
    ends.write = async (records) => {
      keys.push(records.find(({ data }) => data.id === '1.0')?.externalKey);
      return records.map(created);
    };
    await open(ends);
    assert.equal((await run()).status, 'success');
    assert.deepEqual(keys, [undefined, 'row-1.0']);
  });

  it('what was announced and is not sent is no open question', async () => {
    const ends = new Ends(KEYED);
    ends.pages = [page(1), page(2)];
    ends.write = async (records) => {
      await whenLinks(ANNOUNCED, 2 * PAGE);
      const error = new IntegrationError('config', 'PCP_TEST', 'There is no such place.');
      throw Object.assign(error, { results: records.map(() => undefined) });
    };
    await open(ends);
    assert.equal((await run()).details.error_code, 'PCP_TEST');
    assert.deepEqual([ends.sent.length, await links('pending_op IS NOT NULL')], [1, 0]);
  });

  it('one that is sent when the source breaks is committed', async () => {
    const ends = new Ends(KEYED);
    ends.pages = [page(1), page(2)];
    ends.breaks = new IntegrationError('config', 'PCP_TEST', 'The list is gone.');
    await open(ends);
    const log = await run();
    assert.deepEqual([log.details.error_code, log.records_processed], ['PCP_TEST', 2 * PAGE]);
    assert.equal(await links(WRITTEN), 2 * PAGE);
  });

  it('one that fails when the source breaks hides not why the read ended', async () => {
    const ends = new Ends(KEYED);
    ends.pages = [page(1)];
    ends.breaks = new IntegrationError('auth', 'PCP_TEST_SOURCE', 'The password is wrong.');
    ends.write = async () => {
      throw new IntegrationError('config', 'PCP_TEST_TARGET', 'There is no such place.');
    };
    await open(ends);
    assert.deepEqual([(await run()).details.error_code, ends.sent.length], ['PCP_TEST_SOURCE', 1]);
  });

  it('a name that is too long to be kept is not cut: nobody knows the record by it', async () => {
    const ends = new Ends(KEYED);
    ends.pages = [[{ id: '1' }]];
    const names: (string | undefined)[] = [];
    ends.write = async ([record]) => {
      names.push(record?.externalKey);
      return [{ outcome: 'created', externalKey: 'x'.repeat(501) }];
    };
    await open(ends);
    await run();
    ends.pages = [[{ id: '1', text: 'changed' }]];
    await run();
    assert.deepEqual(names, [undefined]);
    const [letter] = (await engine.sync.deadLetters({ state: 'open' })).items;
    assert.equal(letter?.code, 'PCP_TARGET_KEY_UNKNOWN');
  });

  it('a key that is too long to be kept is no name that the target gave', async () => {
    const ends = new Ends(KEYED);
    const id = 'x'.repeat(600);
    const names: (string | undefined)[] = [];
    ends.write = async ([record]) => {
      names.push(record?.externalKey);
      return [{ outcome: 'created' }];
    };
    await open(ends);
    for (const text of ['new', 'changed']) {
      ends.pages = [[{ id, text }]];
      await run();
    }
    assert.deepEqual(names, [undefined, undefined]);
  });

  it('none is sent behind one whose errors stop the run, and what was written stays known', async () => {
    for (const offers of [KEYED, BLIND]) {
      const ends = new Ends(offers);
      ends.pages = [page(1), page(2)];
      const refused: WriteResult = { outcome: 'failed', error: new IntegrationError('data', 'PCP_TEST', 'No.') };
      ends.write = async ([, ...others]) => [refused, ...others.map(created)];
      await open(ends, { on_error: 'stop' });
      assert.equal((await run()).details.error_code, 'PCP_STOPPED_ON_ERROR');
      assert.deepEqual([ends.sent.length, await links('pending_op IS NOT NULL')], [1, 0]);
      assert.equal(await links(WRITTEN), PAGE - 1);
      if (offers === BLIND) break;
      await engine.close();
      await remove();
    }
  });

  it('go one by one where nobody could find out about what was announced', async () => {
    const ends = new Ends(BLIND);
    ends.pages = [page(1), page(2)];
    const announced: number[] = [];
    ends.write = async (records) => {
      announced.push(await links(ANNOUNCED));
      return records.map(created);
    };
    await open(ends);
    assert.equal((await run()).status, 'success');
    assert.deepEqual(announced, [PAGE, PAGE]);
  });

  it('a write that was announced long before its run ended counts from that end', async () => {
    const ends = new Ends(FOUND, 3_600_000);
    ends.pages = [page(1)];
    await open(ends);
    const { database } = engine.store;
    await database.execute(
      `INSERT INTO integration_record_links
         (mapping_id, direction, source_key, pending_op, pending_key, pending_hash, pending_since, run_id, updated_at)
       VALUES (?, 'import', '["1.0"]', 'create', 'key', 'hash', 1, 1, 0)`,
      [mappingId],
    );
    await database.execute(
      `INSERT INTO integration_stream_locks (stream, fence, owner_run, owner_worker, lease_until, touched_at)
       VALUES (?, 1, NULL, NULL, ${database.epochMs}, 0)`,
      [`mapping:${mappingId}`],
    );
    const { job_id } = await engine.sync.start(connectionId, {});
    await engine.look();
    while (ends.asked === 0) await new Promise(setImmediate);
    await engine.sync.cancel(job_id);
    await engine.startWorker();
    assert.deepEqual([ends.asked, ends.sent], [1, []]);
  });
});
