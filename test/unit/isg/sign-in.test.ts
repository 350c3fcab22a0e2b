import assert from 'node:assert/strict';
import { openHttp } from '../../../lib/protocols/http/open';
import { IsgSession } from '../../../lib/protocols/isg/session';
import { failureOf, signal, TestApi } from '../rest/server';

describe('isg: the cookie of a session', () => {
  it('is what the gateway gave, unless it would be more than one', async () => {
    const api = new TestApi();
    await api.start();
    let token: unknown = 'abc=';
    api.handler = ({ path }) => {
      if (path === '/login') return { body: { data: { accessToken: token, accessTokenName: 'EBS' } } };
      return { body: { OutputParameters: { X: '1' } } };
    };
    const client = openHttp({ baseUrl: api.url });
    const signIn = { username: 'u', password: 'p', timeoutMs: 5000 };
    const call = () => new IsgSession(client, { signIn, secrets: [] }).call('svc', 'M', {}, signal);
    assert.deepEqual(await call(), { X: '1' });
    assert.equal(api.asked.at(-1)?.headers.cookie, 'EBS=abc=');
    for (token of ['a; other=1', 'a, b', 'a b', 'a\r\nx: y', '', 7]) {
      assert.equal((await failureOf(call())).code, 'PCP_ISG_SIGN_IN', String(token));
    }
    await client.close();
    await api.stop();
  });
});
