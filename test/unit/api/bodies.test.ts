import assert from 'node:assert/strict';
import { MAX_BODY_BYTES } from '../../../lib/api/body';
import { startApi, type TestApi } from './api-server';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const RECORDS = '/integrations/entities/production_order/records';

describe('API: hostile bodies and addresses', () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(() => api.close());

  const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
    api.send('POST', RECORDS, { headers: { ...JSON_TYPE, ...headers }, body });

  it('refuses text that is no JSON, without repeating it', async () => {
    for (const text of ['{', '{"password": "canary"', 'null,', "{'a':1}", 'NaN', '\u0000', '{"a":01}', '[1,]']) {
      const reply = await post(text);
      assert.equal(reply.status, 400, text);
      assert.equal(reply.body.code, 'PCP_JSON_INVALID');
      assert.ok(!reply.text.includes('canary'));
    }
    assert.equal((await post('')).status, 400);
  });

  it('refuses bytes that are no UTF-8', async () => {
    for (const bytes of [
      [0xff, 0xfe],
      [0xc3, 0x28],
      [0xed, 0xa0, 0x80],
      [0xf5, 0x80, 0x80, 0x80],
    ]) {
      const reply = await post(Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')]));
      assert.equal(reply.status, 400);
    }
    const utf16 = await post(Buffer.from('{"a":1}', 'utf16le'));
    assert.equal(utf16.status, 400);
  });

  it('takes a body of 1 MiB and none that is larger', async () => {
    const fits = JSON.stringify({ plant: '1', order_number: '1', status: 'a'.repeat(MAX_BODY_BYTES - 50) });
    assert.ok(fits.length <= MAX_BODY_BYTES);
    assert.equal((await post(fits)).status, 201);
    const large = await post(Buffer.alloc(MAX_BODY_BYTES + 1, 0x20));
    assert.equal(large.status, 413);
    assert.equal(large.headers.connection, 'close');
  });

  it('stops reading a body without end, however it is sent', async () => {
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
    const head = `POST ${RECORDS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
    const chunked = await api.raw(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(40)}`);
    assert.match(chunked, /^HTTP\/1\.1 413 /);
    const promised = await api.raw(`${head}Content-Length: 99999999999\r\n\r\n{`);
    assert.match(promised, /^HTTP\/1\.1 413 /);
    assert.equal((await api.call('GET', '/health')).status, 200);
  });

  it('refuses compressed bodies, which may be bombs', async () => {
    const reply = await post('{}', { 'Content-Encoding': 'gzip' });
    assert.equal(reply.status, 415);
  });

  it('refuses names that reach into prototypes', async () => {
    const bodies = [
      '{"plant":"1","order_number":"2","__proto__":{"polluted":true}}',
      '{"plant":"1","order_number":"2","x":[{"__proto__":1}]}',
      '{"plant":"1","order_number":"2","constructor":{"prototype":{"polluted":true}}}',
    ];
    for (const body of bodies) {
      const reply = await post(body);
      assert.equal(reply.status, 422, body);
      assert.match(reply.body.errors?.[0]?.pointer ?? '', /__proto__|constructor/);
    }
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
    assert.equal((await post('{"plant":"1","order_number":"2","constructor":"a word"}')).status, 201);
  });

  it('refuses nesting without end and integers that would change', async () => {
    const deep = `{"plant":${'['.repeat(70)}${']'.repeat(70)}}`;
    assert.equal((await post(deep)).status, 422);
    assert.equal((await post('['.repeat(400_000) + ']'.repeat(400_000))).status, 422);
    const large = await post('{"plant":"1","order_number":9007199254740993}');
    assert.equal(large.status, 422);
    assert.equal(large.body.errors?.[0]?.pointer, '/order_number');
  });

  it('refuses text that is no text', async () => {
    const half = await post('{"plant":"1","order_number":"a\\ud800b"}');
    assert.equal(half.status, 422);
    assert.equal(half.body.errors?.[0]?.pointer, '/order_number');
    assert.equal((await post('{"plant":"1","order_number":"\\ud83d\\ude00"}')).status, 201);
  });

  it('needs an object where it wants one', async () => {
    for (const body of ['[]', '"x"', '1', 'null', 'true', '{}']) assert.equal((await post(body)).status, 422, body);
  });

  it('finds nothing under tricky paths', async () => {
    const paths = [
      '/../flows',
      '/connections/..',
      '/connections/%2e%2e',
      '/connections/.',
      '//connections',
      '/Connections',
    ];
    const ids = [
      '0',
      '-1',
      '1.0',
      '1e3',
      '01',
      '%31%00',
      '99999999999999999999',
      '1;x',
      '1%2F..',
      'constructor',
      '%F0%9F',
    ];
    for (const path of [
      ...paths,
      '/connections/',
      '',
      '/',
      '/%',
      '/connections/%zz',
      ...ids.map((id) => `/connections/${id}`),
    ]) {
      const reply = await api.send('GET', `/integrations${path}`);
      assert.equal(reply.status, 404, path);
      assert.equal(reply.headers['content-type'], 'application/problem+json');
    }
    assert.equal(api.calls.length, 0);
  });

  it('leaves to others what is not its own', async () => {
    for (const path of ['/', '/flows', '/integrationsx', '/integration', '/x/integrations']) {
      assert.equal((await api.send('GET', path)).status, 418, path);
    }
  });

  it('puts nothing into headers that came in as text', async () => {
    const sent = { plant: 'a\r\nSet-Cookie: x=1', order_number: 'ü,/?#%' };
    const reply = await post(JSON.stringify(sent));
    assert.equal(reply.status, 201);
    assert.equal(reply.headers['set-cookie'], undefined);
    const location = String(reply.headers.location);
    assert.equal(location, `${RECORDS}/a%0D%0ASet-Cookie%3A%20x%3D1,%C3%BC%2C%2F%3F%23%25`);
    const read = await api.send('GET', location);
    assert.deepEqual(read.body, sent);
  });

  it('refuses queries that it does not know, and repeats of those it knows', async () => {
    const wrong = [
      'limit=0',
      'limit=1001',
      'limit=x',
      'limit=1&limit=2',
      'limit=',
      'foo=1',
      '__proto__=1',
      'constructor=1',
    ];
    for (const query of [...wrong, 'is_active=1', 'managed_by=me', 'cursor=']) {
      const reply = await api.call('GET', `/connections?${query}`);
      assert.equal(reply.status, 400, query);
      assert.equal(reply.body.errors?.[0]?.parameter, query.split('=')[0]);
    }
    assert.equal((await api.call('POST', '/connections?dry=1', {})).status, 400);
  });

  it('says which methods a path has', async () => {
    const put = await api.call('PUT', '/connections', {});
    assert.equal(put.status, 405);
    assert.equal(put.headers.allow, 'GET, HEAD, OPTIONS, POST');
    assert.equal((await api.call('PATCH', '/connections/1', {})).status, 405);
    assert.equal((await api.send('GET', '/integrations/connections/test')).status, 405);
    const options = await api.call('OPTIONS', '/connections/1/test');
    assert.equal(options.status, 204);
    assert.equal(options.headers.allow, 'GET, OPTIONS, POST');
    assert.equal((await api.send('HEAD', '/integrations/connections/1/test')).status, 405);
  });

  it('answers HEAD as GET without a body', async () => {
    const get = await api.send('GET', '/integrations/health');
    const head = await api.send('HEAD', '/integrations/health');
    assert.equal(head.status, 200);
    assert.equal(head.headers['content-length'], get.headers['content-length']);
    assert.equal(head.text, '');
  });
});
