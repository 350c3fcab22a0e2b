import assert from 'node:assert/strict';
import { statusError } from '../../../lib/protocols/http/errors';
import { HostileServer } from '../../support/hostile-server';
import { clients, live } from './support';

const error = (status: number, body = '', headers: Record<string, string> = {}) =>
  statusError({
    method: 'POST',
    url: new URL('https://erp.plant/api/orders?token=canary-query'),
    status,
    headers,
    body,
    secrets: ['canary-secret'],
  });

describe('http: answers that are failures', () => {
  it('classes them by their status and says whether a write may have happened', () => {
    const wanted: [number, string, string, boolean][] = [
      [301, 'config', 'PCP_HTTP_MOVED', false],
      [400, 'data', 'PCP_HTTP_REJECTED', false],
      [401, 'auth', 'PCP_HTTP_UNAUTHORIZED', false],
      [403, 'permission', 'PCP_HTTP_FORBIDDEN', false],
      [404, 'config', 'PCP_HTTP_NOT_FOUND', false],
      [405, 'config', 'PCP_HTTP_METHOD', false],
      [407, 'config', 'PCP_PROXY_REFUSED', false],
      [408, 'transient', 'PCP_HTTP_SERVER_ERROR', true],
      [409, 'conflict', 'PCP_HTTP_CONFLICT', false],
      [410, 'config', 'PCP_HTTP_NOT_FOUND', false],
      [412, 'conflict', 'PCP_HTTP_CONFLICT', false],
      [413, 'data', 'PCP_HTTP_REJECTED', false],
      [415, 'config', 'PCP_HTTP_FORMAT', false],
      [418, 'data', 'PCP_HTTP_REJECTED', false],
      [422, 'data', 'PCP_HTTP_REJECTED', false],
      [429, 'rate_limit', 'PCP_HTTP_BUSY', false],
      [500, 'transient', 'PCP_HTTP_SERVER_ERROR', true],
      [501, 'config', 'PCP_HTTP_METHOD', false],
      [502, 'transient', 'PCP_HTTP_SERVER_ERROR', true],
      [503, 'transient', 'PCP_HTTP_SERVER_ERROR', true],
      [504, 'transient', 'PCP_HTTP_SERVER_ERROR', true],
      [599, 'transient', 'PCP_HTTP_SERVER_ERROR', true],
    ];
    for (const [status, errorClass, code, outcomeUnknown] of wanted) {
      const found = error(status);
      assert.deepEqual([found.class, found.code, found.outcomeUnknown], [errorClass, code, outcomeUnknown]);
      assert.ok(found.hint);
    }
  });

  it('passes on what the server said, wherever it said it', () => {
    const said: [string, string][] = [
      ['{"message":"no such material"}', 'no such material'],
      ['{"error":{"code":"X","message":{"lang":"pt","value":"Material não existe"}}}', 'Material não existe'],
      ['{"error":"invalid_grant","error_description":"locked"}', 'locked'],
      ['{"title":"Bad","detail":"quantity is missing"}', 'quantity is missing'],
      ['{"errors":[{"message":"first"},{"message":"second"}]}', 'first'],
      ['{"errorCode":400,"errorMessage":"from Protheus"}', 'from Protheus'],
      ['"just a text"', 'just a text'],
      ['plain\r\nwords\u001b[31m', 'plain words [31m'],
    ];
    for (const [body, words] of said)
      assert.equal(error(400, body).message, `POST https://erp.plant/api/orders answered 400: ${words}`);
    for (const body of ['', '<html>500</html>', '{}', '[]', 'null', '{"message":""}']) {
      assert.equal(error(400, body).message, 'POST https://erp.plant/api/orders answered 400', body);
    }
  });

  it('is short and holds no secret, even if the server sends one back', () => {
    const { message } = error(
      400,
      `{"message":"bad key canary-secret, Authorization: Bearer abcdefghijk ${'x'.repeat(5000)}"}`,
    );
    assert.doesNotMatch(message, /canary|abcdefghijk/);
    assert.ok(message.length < 400);
    const cut = error(400, JSON.stringify({ message: `${'x'.repeat(293)}canary-secret` }));
    assert.doesNotMatch(cut.message, /canary/);
  });

  it('keeps what was sent in secret out of every error', async () => {
    const server = await HostileServer.start({
      '/echo': (request, response) =>
        response.writeHead(400).end(JSON.stringify({ message: `${request.url} ${JSON.stringify(request.headers)}` })),
      '/reset': (_request, response) => response.socket?.resetAndDestroy(),
      '/cut': (_request, response) => response.socket?.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx'),
    });
    const { open } = instances;
    for (const authentication of [
      { type: 'basic', username: 'u', password: 'canary-1' },
      { type: 'bearer', token: 'canary-2' },
      { type: 'api_key', name: 'X-Key', in: 'header', key: 'canary-3' },
      { type: 'api_key', name: 'key', in: 'query', key: 'canary-4 &' },
    ] as const) {
      const client = open({ baseUrl: server.origin, authentication });
      const errors = [await (await client.request({ target: '/echo?a=canary-5', signal: live })).failure()];
      for (const target of ['/reset?a=canary-5', '/cut?a=canary-5']) {
        const work = client.request({ target, signal: live }).then((response) => response.text());
        errors.push(
          await work.then(
            () => assert.fail(),
            (thrown) => thrown,
          ),
        );
      }
      const text = errors.map((each) => JSON.stringify(each) + each.message).join();
      assert.doesNotMatch(text, /canary-[1-4]/);
      assert.doesNotMatch(text, new RegExp(Buffer.from('u:canary-1').toString('base64').slice(0, 12)));
    }
    await server.stop();
  });

  const instances = clients();
});
