import assert from 'node:assert/strict';
import { record, signal, withApi } from './server';

const ORDERS = { create: { path: '/orders', id: '/id' }, update: { path: '/orders/{id}' } };
const BY_KEY = { create: { path: '/orders' }, update: { path: '/orders/{number}' } };

describe('generic.rest: what is said before anything is written', () => {
  const context = withApi();

  it('describes the request that it would send, without secrets', async () => {
    context.api.handler = ({ query }) => ({ body: query.get('n') === '2' ? [{ id: 7, number: '2' }] : [] });
    const entity = { ...ORDERS, lookup: { path: '/orders?n={number}' }, idempotency_header: 'Idempotency-Key' };
    const config = { authentication: 'bearer' };
    const connector = context.open({ orders: entity }, config, { token: 'canary-4711' });
    const target = { entity: 'orders', keyFields: ['number'] };
    const [created, updated] = [
      await connector.describeWrite!(target, record({ number: '1' }, { idempotencyKey: 'k' }), signal),
      await connector.describeWrite!(target, record({ number: '2', note: 'new' }), signal),
    ];
    assert.deepEqual(created, {
      current: null,
      request: {
        method: 'POST',
        url: `${context.api.url}/orders`,
        headers: { 'content-type': 'application/json', 'Idempotency-Key': 'k' },
        body: '{"number":"1"}',
      },
      unchanged: false,
    });
    assert.deepEqual([updated?.request?.method, updated?.request?.url], ['PUT', `${context.api.url}/orders/7`]);
    assert.deepEqual(updated?.current, { id: 7, number: '2' });
    assert.deepEqual(context.api.paths(), ['GET /orders?n=1', 'GET /orders?n=2']);
    assert.ok(!JSON.stringify([created, updated]).includes('canary'));
  });

  it('promises what the settings of the entity allow', () => {
    const lookup = { path: '/orders?n={number}' };
    const promises = [
      [{ create: ORDERS.create }, false, false, 'none'],
      [ORDERS, false, false, 'none'],
      [{ update: BY_KEY.update }, true, false, 'none'],
      [BY_KEY, false, false, 'strong'],
      [{ update: BY_KEY.update, bulk: { path: '/b' } }, false, false, 'strong'],
      [{ ...BY_KEY, update: { ...BY_KEY.update, method: 'POST' } }, false, false, 'none'],
      [{ ...ORDERS, lookup }, false, false, 'strong'],
      [{ ...BY_KEY, lookup }, false, false, 'strong'],
      [{ ...ORDERS, lookup: { ...lookup, consistency: 'eventual' } }, false, false, 'eventual'],
      [{ ...ORDERS, idempotency_header: 'K' }, false, true, 'none'],
      [{ bulk: { path: '/b', upsert: true } }, true, false, 'none'],
    ] as const;
    for (const [entity, upsertByKey, idempotencyKey, found] of promises) {
      const guarantee = context.open({ orders: entity }).guarantee!('orders');
      assert.deepEqual(
        [guarantee.upsertByKey, guarantee.idempotencyKey, guarantee.lookup],
        [upsertByKey, idempotencyKey, found],
        JSON.stringify(entity),
      );
    }
  });
});
