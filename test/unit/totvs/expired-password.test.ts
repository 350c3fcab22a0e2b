import assert from 'node:assert/strict';
import { openHttp } from '../../../lib/protocols/http/open';
import { TotvsSession } from '../../../lib/protocols/totvs/session';
import { failureOf, signal, TestApi } from '../rest/server';

describe('totvs: a password that has to be changed', () => {
  it('signs nobody in, whatever comes with the answer', async () => {
    const api = new TestApi();
    await api.start();
    api.handler = () => ({ status: 202, body: { access_token: 'for the change of the password only' } });
    const client = openHttp({ baseUrl: api.url });
    const signIn = { path: '/token', credentialsIn: 'header' as const, username: 'u', password: 'p', timeoutMs: 5000 };
    const session = new TotvsSession(client, { signIn, headers: {}, secrets: [] });
    const error = await failureOf(session.ask({ target: '/orders', signal }));
    assert.deepEqual([error.class, error.code], ['auth', 'PCP_TOTVS_SIGN_IN']);
    assert.match(error.hint ?? '', /has to be changed/);
    assert.deepEqual(api.paths(), ['POST /token?grant_type=password']);
    await client.close();
    await api.stop();
  });
});
