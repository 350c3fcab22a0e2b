import assert from 'node:assert/strict';
import { descriptor } from '../../../lib/connectors/generic/rest/descriptor';
import { failureOf, signal, withApi } from './server';

describe('generic.rest: calling', () => {
  const context = withApi();
  const call = (parameters: Record<string, unknown>, config: Record<string, unknown> = {}) =>
    context.open({}, config).call!('request', parameters, signal);

  it('sends one request with path, method, query and body, and gives the answer exactly', async () => {
    const headers = { 'content-type': 'application/json' };
    context.api.handler = () => ({ status: 201, headers, body: '{"id":1234567890123456789}' });
    const answer = await call({
      method: 'post',
      path: '/orders/1/release?x=1',
      query: { plant: '1 0', n: [2, 3], none: [] },
      body: { a: '€' },
    });
    // What the help of the node says.
    assert.deepEqual(Object.keys(answer), ['payload', ...Object.keys(descriptor.call?.outputs ?? {})]);
    assert.deepEqual([answer.payload, answer.statusCode], [{ id: '1234567890123456789' }, 201]);
    assert.deepEqual(context.api.paths(), ['POST /orders/1/release?x=1&plant=1+0&n=2&n=3']);
    assert.equal(context.api.asked[0]?.body, '{"a":"€"}');
  });

  it('sends headers of the message, but those of the transport', async () => {
    context.api.handler = () => ({ body: 'done' });
    const request_headers = { 'If-Match': '"7"', 'Content-Type': 'text/xml', 'X-N': 7 };
    await call({ method: 'PUT', path: '/a', body: '<a/>', request_headers });
    const { headers } = context.api.asked[0]!;
    assert.deepEqual([headers['if-match'], headers['content-type'], headers['x-n']], ['"7"', 'text/xml', '7']);
    for (const refused of [{ Host: 'a' }, { 'content-length': 1 }, { 'Proxy-Authorization': 'x' }, ['a'], { a: {} }]) {
      const failure = await failureOf(call({ path: '/a', request_headers: refused }));
      assert.deepEqual([failure.code, failure.path], ['PCP_CALL_PARAMETER', 'request_headers']);
    }
    assert.equal(context.api.asked.length, 1);
  });

  it('takes the payload for the body of a method that has one', async () => {
    context.api.handler = () => ({ body: 'done' });
    assert.equal((await call({ path: '/a', payload: { no: 1 } })).payload, 'done');
    await call({ method: 'PUT', path: '/a', payload: 'text' });
    await call({ method: 'PUT', path: '/a', payload: Buffer.from('bytes'), body: '' });
    assert.deepEqual(
      context.api.asked.map(({ body }) => body),
      ['', 'text', ''],
    );
  });

  it('gives what is no text as its bytes', async () => {
    const label = Buffer.from([0x25, 0x50, 0x44, 0x46, 0xff, 0x00, 0xfe]);
    for (const [type, payload] of [
      ['application/pdf', label],
      ['application/octet-stream', label],
      ['application/zpl; charset=utf-8', '^XA^XZ'],
      ['text/plain', '^XA^XZ'],
    ] as const) {
      context.api.handler = () => ({ headers: { 'content-type': type }, body: payload });
      assert.deepEqual((await call({ path: '/label' })).payload, payload);
    }
  });

  it('stays on the host of the connection', async () => {
    const outside = [
      '@127.0.0.1:1/x',
      '//127.0.0.1:1/x',
      'http://127.0.0.1:1/x',
      '/\\127.0.0.1:1/x',
      '/../../x',
      '.evil.com',
      '\t/x',
    ];
    for (const path of outside) await call({ path }).catch(() => undefined);
    for (const { headers } of context.api.asked) assert.equal(`http://${headers.host}/api`, context.api.url);
    assert.equal((await failureOf(call({ path: 'http://127.0.0.1:1/x' }))).code, 'PCP_CALL_PARAMETER');
  });

  it('refuses what is no request', async () => {
    for (const parameters of [{ method: 'TRACE' }, { path: 7 }, { query: 'a=b' }, { query: { a: {} } }]) {
      const failure = await failureOf(call(parameters));
      assert.deepEqual([failure.class, failure.code], ['config', 'PCP_CALL_PARAMETER'], JSON.stringify(parameters));
    }
    assert.equal((await failureOf(context.open({}).call!('other', {}, signal))).code, 'PCP_OPERATION_UNKNOWN');
    assert.equal(context.api.asked.length, 0);
  });

  it('gives the refusal of the API as an error of its class', async () => {
    context.api.handler = () => ({ status: 422, body: { message: 'order is closed' } });
    const failure = await failureOf(call({ method: 'POST', path: '/orders/1/release' }));
    assert.deepEqual([failure.class, failure.code], ['data', 'PCP_REST_REQUEST_REFUSED']);
    assert.match(failure.message, /order is closed/);
  });
});
