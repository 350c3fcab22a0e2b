import assert from 'node:assert/strict';
import { IntegrationError } from '../../../lib/model/errors';
import { type Asked, failureOf, openWriter, record, signal, withApi } from './server';

const CREATE = { path: '/orders', id: '/id' };
const bodyOf = ({ body }: Asked) => JSON.parse(body) as Record<string, unknown>;

describe('generic.rest: writing when the other side fails', () => {
  const context = withApi();
  const writerOf = (entity: Record<string, unknown>, config: Record<string, unknown> = {}) =>
    openWriter(context.open({ orders: entity }, config));
  const records = ['1', '2', '3', '4', '5', '6'].map((number) => record({ number }));

  it('a create whose answer is lost is unknown, the others are written', async () => {
    context.api.handler = (asked) => (bodyOf(asked).number === '2' ? { cut: true } : { status: 201, body: { id: 1 } });
    const results = await (await writerOf({ create: CREATE }, { max_concurrency: 1 })).write(records, signal);
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['created', 'unknown', 'created', 'created', 'created', 'created'],
    );
    assert.ok('error' in results[1]! && results[1].error.class === 'transient');
  });

  it('an outage stops the batch, and the error tells what became of its records', async () => {
    context.api.handler = (asked) =>
      Number(bodyOf(asked).number) < 2 ? { status: 201, body: { id: 1 } } : { status: 500 };
    const failure = await failureOf(
      (await writerOf({ create: CREATE }, { max_concurrency: 1 })).write(records, signal),
    );
    assert.equal(failure.class, 'transient');
    const results = failure.results as ({ outcome: string } | undefined)[];
    assert.deepEqual(
      results.map((result) => result?.outcome),
      ['created', 'unknown', 'unknown', undefined, undefined, undefined],
    );
    assert.equal(context.api.asked.length, 3);
  });

  it('what can be repeated whatever it says is not unknown: it is tried again by the engine', async () => {
    context.api.handler = () => ({ cut: true });
    const writer = await writerOf({ update: { path: '/orders/{number}' } }, { max_concurrency: 1 });
    const failure = await failureOf(writer.write(records, signal));
    assert.equal(failure.class, 'transient');
    assert.deepEqual(failure.results, new Array(6).fill(undefined));
  });

  it('what can be repeated only as it was, under its idempotency key, is unknown', async () => {
    context.api.handler = () => ({ cut: true });
    const writer = await writerOf({ create: CREATE, idempotency_header: 'Idempotency-Key' });
    const [result] = await writer.write([record({ number: '1' }, { idempotencyKey: 'k' })], signal);
    assert.equal(result?.outcome, 'unknown');
  });

  it('a web page that calls itself JSON says nothing about the record', async () => {
    const headers = { 'content-type': 'application/json' };
    context.api.handler = () => ({ status: 200, headers, body: '<!DOCTYPE html><html><body>Sign in</body></html>' });
    const [result] = await (await writerOf({ create: { path: '/orders' } })).write([record({ number: '1' })], signal);
    assert.ok(result?.outcome === 'unknown' && result.error.code === 'PCP_HTTP_NOT_JSON');
  });

  it('one lost answer does not keep the others from being written', async () => {
    context.api.handler = (asked) => (bodyOf(asked).number === '2' ? { cut: true } : { status: 200 });
    const writer = await writerOf({ update: { path: '/orders/{number}' } }, { max_concurrency: 1 });
    const failure = await failureOf(writer.write(records, signal));
    assert.equal(failure.class, 'transient');
    assert.deepEqual(
      (failure.results as ({ outcome: string } | undefined)[]).map((result) => result?.outcome),
      ['updated', undefined, 'updated', 'updated', 'updated', 'updated'],
    );
  });

  it('a change that depends on a version cannot be repeated: it is unknown', async () => {
    context.api.handler = () => ({ cut: true });
    const writer = await writerOf({ update: { path: '/orders/{id}' }, etag: true });
    const [result] = await writer.write([record({ number: '1' }, { externalKey: '9', version: '"1"' })], signal);
    assert.equal(result?.outcome, 'unknown');
  });

  it('what became of a write is asked again, when nobody answers', async () => {
    context.api.handler = () => ({ cut: true });
    const writer = await writerOf({ create: CREATE, lookup: { path: '/orders?n={number}' } });
    assert.equal((await failureOf(writer.resolve!(records, signal))).class, 'transient');
  });

  it('what an update by key finds by itself counts as absent, and is waited for: no request tells more', async () => {
    const writer = await writerOf({ create: CREATE, update: { path: '/orders/{number}' } });
    const resolutions = await writer.resolve!(records, signal);
    assert.ok(resolutions.every(({ state }) => state === 'absent'));
    assert.equal(context.api.asked.length, 0);
  });

  it('what became of a write is told in terms of the record, digit by digit', async () => {
    const held = { id: 7, number: '1', quantity: 10.5, code: 123, long: '0.1000000000000000055' };
    context.api.handler = () => ({ body: [held] });
    const writer = await writerOf({ create: CREATE, lookup: { path: '/orders?n={number}' } });
    const sent = { number: '1', quantity: '10.50', code: '000123', long: '0.1000000000000000056', note: 'not shown' };
    const [resolution] = await writer.resolve!([record(sent)], signal);
    assert.deepEqual(resolution, { state: 'found', externalKey: '7', data: { ...held, quantity: '10.50' } });
  });

  it('a refused sign-in, a pause and an abort end the batch', async () => {
    const cases = [
      [{ status: 401, body: {} }, 'auth'],
      [{ status: 429, body: {}, headers: { 'retry-after': '7' } }, 'rate_limit'],
      [{ status: 404, body: {} }, 'config'],
      [{ status: 403, body: {} }, 'permission'],
    ] as const;
    for (const [answer, errorClass] of cases) {
      context.api.handler = () => answer;
      const failure = await failureOf(
        (await writerOf({ create: CREATE }, { max_concurrency: 1 })).write(records, signal),
      );
      assert.equal(failure.class, errorClass);
      if (errorClass === 'rate_limit') assert.equal(failure.retryAfterMs, 7000);
    }
    const aborted = await failureOf((await writerOf({ create: CREATE })).write(records, AbortSignal.abort()));
    assert.equal(aborted.class, 'cancelled');
  });

  it('one record that is not allowed fails alone', async () => {
    context.api.handler = (asked) =>
      bodyOf(asked).number === '3' ? { status: 403 } : { status: 201, body: { id: 1 } };
    const results = await (await writerOf({ create: CREATE })).write(records, signal);
    assert.equal(results.filter(({ outcome }) => outcome === 'created').length, 5);
    assert.ok(results[2]?.outcome === 'failed' && results[2].error.class === 'permission');
  });

  it('a run that may have lost its hold sends nothing more, not even what was looked up already', async () => {
    let isHeld = true;
    context.api.handler = (asked) => {
      isHeld = false;
      return asked.method === 'GET' ? { body: [] } : { status: 201, body: { id: 1 } };
    };
    for (const [entity, sent] of [
      [{ create: CREATE }, ['POST']],
      [{ create: CREATE, lookup: { path: '/orders?number={number}' } }, ['GET']],
    ] as const) {
      isHeld = true;
      context.api.asked.length = 0;
      const target = { entity: 'orders', keyFields: ['number'], fields: [], resume: null, runId: 1, mappingId: 1 };
      const assertSafeToWrite = () => {
        if (!isHeld) throw new IntegrationError('transient', 'PCP_LEASE_ENDING', 'Too late.');
      };
      const connector = context.open({ orders: entity }, { max_concurrency: 1 });
      const writer = await connector.openWriter!({ ...target, assertSafeToWrite }, signal);
      const failure = await failureOf(writer.write(records, signal));
      assert.equal(failure.code, 'PCP_LEASE_ENDING');
      assert.deepEqual(
        context.api.asked.map(({ method }) => method),
        sent,
      );
    }
  });
});
