import assert from 'node:assert/strict';
import type {
  Capability,
  Connector,
  ConnectorEnvironment,
  SourceRecord,
  WriteRecord,
  WriteTarget,
} from '../../lib/connectors/contract';
import type { OpenConnection } from '../../lib/model/connection';
import { IntegrationError } from '../../lib/model/errors';
import { isDecimal } from '../../lib/model/formats';
import type { ConformanceCases, ConformanceSubject, IncrementalCase, ReadCase, WriteCase } from './cases';
import { describeDescriptor } from './descriptor-rules';
import { describeLive } from './live';
import { BATCH_SIZE, drain, reader, recordsOf } from './reading';

const TEST_LIMIT_MS = 10_000;
const quiet: ConnectorEnvironment = { log: () => undefined };

export function conformance(name: string, subject: ConformanceSubject): void {
  const suite = subject.available === false ? describe.skip : describe;
  suite(`conformance: ${name}`, () => {
    let cases: ConformanceCases;
    const opened: Connector[] = [];
    const environment = () => subject.environment?.() ?? quiet;
    const open = (connection: OpenConnection = cases.connection) => {
      const connector = subject.create(structuredClone(connection), environment());
      opened.push(connector);
      return connector;
    };

    before(async () => {
      cases = await subject.cases();
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((connector) => connector.close()));
    });
    after(async () => {
      await subject.release?.();
    });

    describeDescriptor(subject.descriptor, () => cases.connection);
    describeTest(
      () => cases,
      (connection) => open(connection),
    );
    const can = (capability: Capability): boolean => subject.descriptor.capabilities.includes(capability);
    const readCase = () => cases.read ?? missing('read');
    const writeCase = () => cases.write ?? missing('write');
    const liveCases = () => cases.live ?? missing('subscribe');
    const incrementalCase = () => cases.incremental ?? missing('incremental');
    if (can('describe')) describeDescribe(() => open());
    if (can('read')) describeRead(readCase, () => open());
    if (can('incremental')) describeIncremental(incrementalCase, () => open());
    if (can('arrival')) describeArrival(incrementalCase, () => open());
    if (can('write')) describeWrite(writeCase, () => open());
    if (can('subscribe')) describeLive(liveCases, subject, environment, open);

    it('offers the methods that its capabilities promise', () => {
      const connector = open();
      const methods = {
        read: connector.read,
        write: connector.openWriter,
        call: connector.call,
        subscribe: connector.subscribe,
        discover: connector.discover,
        describe: connector.describe,
        arrival: connector.present,
      };
      for (const [capability, method] of Object.entries(methods)) {
        const promised = (subject.descriptor.capabilities as string[]).includes(capability);
        assert.equal(typeof method === 'function', promised, `${capability}: promised and offered must agree`);
      }
    });

    it('closes twice without harm, used or not', async () => {
      const unused = open();
      await unused.close();
      await unused.close();
      const used = open();
      await used.test(new AbortController().signal);
      await used.close();
      await used.close();
    });
  });
}

function describeTest(cases: () => ConformanceCases, open: (connection: OpenConnection) => Connector): void {
  it('test: a working configuration passes every step', async () => {
    const report = await open(cases().connection).test(new AbortController().signal);
    assert.equal(report.ok, true, JSON.stringify(report));
    assert.ok(report.steps.length > 0, 'at least one step');
    assert.ok(report.steps.every((step) => step.ok && step.error === undefined));
    assert.ok(report.duration_ms >= 0);
  });

  it('test: each failing configuration names its failed step in time, with a hint and no secret', async function () {
    this.timeout(cases().failing.length * TEST_LIMIT_MS);
    for (const failing of cases().failing) {
      const report = await open(failing.connection).test(new AbortController().signal);
      const shown = `${failing.name}: ${JSON.stringify(report)}`;
      assert.equal(report.ok, false, shown);
      const last = report.steps.at(-1);
      assert.equal(last?.name, failing.step, shown);
      assert.ok(
        report.steps.slice(0, -1).every((step) => step.ok),
        shown,
      );
      assert.equal(last.ok, false, shown);
      assert.equal(last.error?.class, failing.class, shown);
      if (failing.code) assert.equal(last.error?.code, failing.code, shown);
      assert.ok(last.error?.message && last.error.hint, `message and hint: ${shown}`);
      for (const secret of Object.values(failing.connection.credentials)) {
        assert.ok(secret === '' || !shown.includes(secret), `${failing.name}: a secret is in the report`);
      }
    }
  });

  it('test: an aborted signal ends it', async () => {
    const report = await open(cases().connection)
      .test(AbortSignal.abort())
      .catch((thrown: unknown) => IntegrationError.from(thrown));
    if (report instanceof IntegrationError) assert.equal(report.class, 'cancelled');
    else assert.equal(report.ok, false);
  });
}

/** A capability that a descriptor promises has to be proved. */
function missing(capability: Capability): never {
  assert.fail(`There is no case for the capability ${capability}.`);
}

function describeDescribe(open: () => Connector): void {
  it('describe: an unknown entity is a config error', async () => {
    const thrown = await failureOf(open().describe!('no_such_entity_4711', new AbortController().signal));
    assert.equal(thrown.class, 'config', thrown.message);
    assert.equal(thrown.code, 'PCP_ENTITY_UNKNOWN');
    assert.match(thrown.message, /no_such_entity_4711/);
  });
}

function describeRead(needed: () => ReadCase, open: () => Connector): void {
  it('discover and describe agree with what is read', async () => {
    const { entity, key, records } = needed();
    const connector = open();
    assert.ok(connector.describe, 'what is read can be described');
    const signal = new AbortController().signal;
    const entities = await connector.discover?.(signal);
    if (entities) {
      const info = entities.find((candidate) => candidate.name === entity);
      assert.ok(info, `${entity} is discovered among ${entities.map((each) => each.name).join(', ')}`);
      assert.equal(info.readable, true);
      assert.deepEqual((await connector.describe(entity, signal)).info, info);
    }
    const { schema } = await connector.describe(entity, signal);
    const described = Object.keys(schema.properties ?? {});
    for (const field of [...key, ...Object.keys(records[0] ?? {})]) assert.ok(described.includes(field), field);
  });

  it('read: gives every record once, in batches no larger than asked', async () => {
    const read = needed();
    assert.ok(read.records.length >= 10, 'the case needs at least 10 records');
    const batches = await drain(open(), read.entity, null);
    for (const batch of batches) {
      assert.ok(batch.records.length <= BATCH_SIZE);
      assert.equal(batch.cursorAfter.v, 1);
      assert.deepEqual(JSON.parse(JSON.stringify(batch.cursorAfter)), batch.cursorAfter, 'cursors are plain JSON');
      if (batch.positions) assert.ok(batch.records.every((_, index) => batch.positions?.(index)));
    }
    assertSameRecords(recordsOf(batches), read.records, read);
  });

  it('read: a new connection resumes exactly after any batch', async () => {
    const read = needed();
    const batches = await drain(open(), read.entity, null);
    for (let done = 1; done <= batches.length; done++) {
      const head = recordsOf(batches.slice(0, done));
      const tail = recordsOf(await drain(open(), read.entity, reparsed(batches[done - 1]!.cursorAfter)));
      const complete = done === batches.length;
      // After the last batch the next pass begins: a cursor without a change field may then start over.
      if (complete && tail.length === read.records.length) assertSameRecords(tail, read.records, read);
      else assertSameRecords([...head, ...tail], read.records, read);
    }
  });

  it('lookup: gives a record as read does, by the key that describe names, and null for what is not there', async () => {
    const { entity } = needed();
    const connector = open();
    // Files cannot be asked for single records, so there is nothing to be right or wrong.
    if (!connector.lookup || !connector.describe) return;
    const { signal } = new AbortController();
    const { key: keyFields } = (await connector.describe(entity, signal)).info;
    const read = recordsOf(await drain(connector, entity, null));
    const keyFrom = (record: SourceRecord) => Object.fromEntries(keyFields.map((field) => [field, record[field]]));
    const found = await connector.lookup({ entity, keyFields }, read.map(keyFrom), signal);
    assert.deepEqual(
      found.map((record) => ({ ...record })),
      read.map((record) => ({ ...record })),
    );
    const texts = keyFields.filter((field) => typeof read[0]![field] === 'string');
    if (texts.length === 0) return;
    // One that a column of numbers may hold, too.
    const isNumber = isDecimal(String(read[0]![texts[0]!]));
    const absent = { ...keyFrom(read[0]!), [texts[0]!]: isNumber ? '471100' : 'no such key 4711' };
    assert.deepEqual(await connector.lookup({ entity, keyFields }, [absent], signal), [null]);
  });

  it('read: honours an aborted signal, before and between batches', async () => {
    const { entity } = needed();
    const before = await failureOf(drain(open(), entity, null, undefined, AbortSignal.abort()));
    assert.equal(before.class, 'cancelled', before.message);
    const abort = new AbortController();
    const iterator = reader(open(), entity, null, undefined, abort.signal)[Symbol.asyncIterator]();
    assert.equal((await iterator.next()).done, false);
    abort.abort();
    const between = await failureOf(iterator.next());
    assert.equal(between.class, 'cancelled', between.message);
  });

  it('read: leaving early releases the source, and a second read starts afresh', async () => {
    const read = needed();
    const connector = open();
    for await (const batch of reader(connector, read.entity, null)) {
      assert.ok(batch.records.length > 0);
      break;
    }
    assertSameRecords(recordsOf(await drain(connector, read.entity, null)), read.records, read);
  });
}

function describeIncremental(needed: () => IncrementalCase, open: () => Connector): void {
  it('read: incremental reads give what changed since the last pass', async () => {
    const incremental = needed();
    const { entity, key, cursorField } = incremental;
    const first = await drain(open(), entity, null, cursorField);
    const known = new Set(recordsOf(first).map((record) => keyOf(record, key)));
    const cursor = first.at(-1)?.cursorAfter;
    assert.ok(cursor, 'the entity of the incremental case holds records');
    const changed = await incremental.change();
    const second = await drain(open(), entity, reparsed(cursor), cursorField);
    const seen = recordsOf(second).map((record) => keyOf(record, key));
    for (const expected of changed) assert.ok(seen.includes(expected), `${expected} changed and was not read`);
    for (const repeated of seen) assert.ok(changed.includes(repeated) || known.has(repeated), `unknown ${repeated}`);
    if (incremental.exact !== false) assert.deepEqual(seen.sort(), [...changed].sort());
  });
}

function describeArrival(needed: () => IncrementalCase, open: () => Connector): void {
  it('present: names what is there, and by another name what has arrived since', async () => {
    const { entity, change } = needed();
    const { signal } = new AbortController();
    const before = await open().present!(entity, signal);
    assert.equal(await open().present!(entity, signal), before);
    await change();
    const after = await open().present!(entity, signal);
    assert.ok(after !== null && after !== before, String(after));
  });
}

function describeWrite(given: () => WriteCase, open: () => Connector): void {
  const needed = async (): Promise<WriteCase> => {
    const write = given();
    await write.reset();
    return write;
  };
  const signal = new AbortController().signal;
  const openWriter = (connector: Connector, write: WriteCase, resume: WriteTarget['resume'], runId: number) => {
    assert.ok(connector.openWriter, 'the connector writes');
    return connector.openWriter({ ...write.target, resume, runId, mappingId: 1 }, signal);
  };
  const half = (write: WriteCase) => Math.ceil(write.records.length / 2);
  const compare = async (write: WriteCase) => {
    const like = { key: write.target.keyFields };
    assertSameRecords(await write.readBack(), write.records, like);
  };

  it('write: what is written is read back, one result per record', async () => {
    const write = await needed();
    const writer = await openWriter(open(), write, null, 1);
    for (const part of [write.records.slice(0, half(write)), write.records.slice(half(write))]) {
      const results = await writer.write(
        part.map((data) => writeRecord(data, write.target.keyFields)),
        signal,
      );
      assert.equal(results.length, part.length);
      for (const result of results) assert.ok(result.outcome !== 'failed', JSON.stringify(result));
      const state = await writer.state?.();
      if (state) assert.deepEqual(JSON.parse(JSON.stringify(state)), state, 'writer states are plain JSON');
    }
    await writer.finish();
    await compare(write);
  });

  it('write: an interrupted run continues from its last state without loss or double', async () => {
    const write = await needed();
    const records = write.records.map((data) => writeRecord(data, write.target.keyFields));
    const first = await openWriter(open(), write, null, 2);
    await first.write(records.slice(0, half(write)), signal);
    const state = await first.state?.();
    // Written after the last commit: a crash here makes the engine write these again.
    if (first.state) await first.write(records.slice(half(write)), signal);
    await first.abandon(true);
    const second = await openWriter(open(), write, state ? reparsed(state) : null, 2);
    await second.write(state ? records.slice(half(write)) : records, signal);
    await second.state?.();
    await second.finish();
    await compare(write);
  });

  it('write: honours an aborted signal', async () => {
    const write = await needed();
    const writer = await openWriter(open(), write, null, 3);
    const records = write.records.map((data) => writeRecord(data, write.target.keyFields));
    const thrown = await failureOf(writer.write(records, AbortSignal.abort()));
    assert.equal(thrown.class, 'cancelled', thrown.message);
    await writer.abandon(false);
    await writer.abandon(false);
  });
}

async function failureOf(work: Promise<unknown>): Promise<IntegrationError> {
  return work.then(
    () => assert.fail('expected a failure'),
    (thrown: unknown) => IntegrationError.from(thrown),
  );
}

const keyOf = (record: SourceRecord, key: string[]): string => key.map((field) => String(record[field])).join('|');
const reparsed = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function writeRecord(data: SourceRecord, keyFields: string[]): WriteRecord {
  const key = JSON.stringify(keyFields.map((field) => data[field]));
  return { data, key, sourceKey: key, hash: JSON.stringify(data) };
}

function assertSameRecords(
  actual: SourceRecord[],
  expected: SourceRecord[],
  { key, normalise }: { key: string[]; normalise?: ReadCase['normalise'] },
): void {
  const fields = Object.keys(expected[0] ?? {});
  const comparable = (records: SourceRecord[], change: (record: SourceRecord) => SourceRecord) =>
    records
      .map(change)
      .map((record) => Object.fromEntries(fields.map((field) => [field, record[field]])))
      .sort((a, b) => (keyOf(a, key) < keyOf(b, key) ? -1 : 1));
  assert.deepEqual(
    comparable(actual, normalise ?? ((record) => record)),
    comparable(expected, (record) => record),
  );
}
