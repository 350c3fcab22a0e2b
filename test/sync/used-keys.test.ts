import assert from 'node:assert/strict';
import type { Hub } from '../../lib/model/services';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { type Answer, type Asked, TestApi } from '../unit/rest/server';

/** A request that is in work is believed for twice as long. */
const SHORT_MS = 300;
const NUMBERS = ['1', '2', '3'];

/** What an API answers about an idempotency key that it has seen: draft-ietf-httpapi-idempotency-key-header, 2.7. */
describe('exports under idempotency keys', () => {
  let api: TestApi;
  let hub: Hub;
  let remove: () => Promise<void>;
  let connectionId: number;
  let config: Record<string, unknown>;

  beforeEach(async () => {
    api = new TestApi();
    await api.start();
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
    const orders = { create: { path: '/orders', id: '/id' }, idempotency_header: 'Idempotency-Key' };
    config = { base_url: api.url, entities: { orders } };
    ({ id: connectionId } = await hub.connections.create({ name: 'api', connector_type: 'generic.rest', config }));
    await hub.mappings.create({
      connection_id: connectionId,
      name: 'materials',
      entity_type: 'material',
      direction: 'export',
      source_entity: 'orders',
      target_entity: 'material',
      field_mappings: [{ source: 'number', target: 'material' }],
      options: { max_error_ratio: 1 },
    });
    for (const material of NUMBERS) await hub.records.create('material', { material, description: '' });
  });
  afterEach(async () => {
    await hub?.close();
    await remove?.();
    await api.stop();
  });

  const isSecond = ({ body }: Asked) => (JSON.parse(body) as { number: string }).number === '2';
  /** @param second answers the requests about one record, the first of which is never answered */
  const answer = (second: (again: number) => Answer): void => {
    let times = 0;
    api.handler = (asked) => {
      if (!isSecond(asked)) return { status: 201, body: { id: JSON.parse(asked.body).number } };
      return times++ === 0 ? { cut: true } : second(times - 1);
    };
  };
  const keys = () => new Set(api.asked.filter(isSecond).map(({ headers }) => headers['idempotency-key']));
  const run = async () => {
    const { status, logs } = await runToEnd(hub, connectionId);
    const { items } = await hub.sync.deadLetters({});
    return {
      status,
      created: logs[0]?.details.created,
      letters: items.map(({ error_class, code }) => [error_class, code]),
    };
  };

  it('ask again while the first request is in work, and take its answer', async () => {
    answer((again) => (again < 3 ? { status: 409 } : { status: 201, body: { id: 'late' } }));
    assert.deepEqual(await run(), { status: 'success', created: 3, letters: [] });
    assert.equal(keys().size, 1);
  });

  it('that stays in work leave one question to a person, and go on with the others', async () => {
    await hub.connections.update(connectionId, {
      name: 'api',
      connector_type: 'generic.rest',
      config: { ...config, timeout_ms: SHORT_MS },
    });
    answer(() => ({ status: 409, body: { title: 'A request is outstanding for this Idempotency-Key' } }));
    const { created, letters } = await run();
    assert.deepEqual({ created, letters }, { created: 2, letters: [['unknown_outcome', 'PCP_UNKNOWN_OUTCOME']] });
    const asked = api.asked.length;
    await run();
    assert.equal(api.asked.length, asked, 'nothing sends it again by itself');
    assert.equal(keys().size, 1);
  });

  it('that had other contents are a question as well', async () => {
    answer(() => ({ status: 422, body: { title: 'Idempotency-Key is already used' } }));
    const { created, letters } = await run();
    assert.deepEqual({ created, letters }, { created: 2, letters: [['unknown_outcome', 'PCP_REST_KEY_REUSED']] });
    assert.equal(keys().size, 1);
  });

  it('that nobody sent before are refused by a 409 as any other record', async () => {
    api.handler = (asked) =>
      isSecond(asked)
        ? { status: 409, body: { message: 'the order is in progress' } }
        : { status: 201, body: { id: '1' } };
    const { letters } = await run();
    assert.deepEqual(letters, [['conflict', 'PCP_REST_REFUSED']]);
    assert.equal(api.asked.length, 3);
  });
});
