import assert from 'node:assert/strict';
import { GatewaySession } from '../../../lib/connectors/erp/sap/session';
import type { HttpClient } from '../../../lib/protocols/http/client';
import { openHttp } from '../../../lib/protocols/http/open';
import { type Answer, type Asked, failureOf, signal, TestApi } from '../rest/server';

const SERVICE = '/svc';
const COOKIES = 'SAP_SESSIONID_TST_100=one; path=/; secure, sap-usercontext=sap-client=100; path=/, lb=a; path=/';

/** A session with a gateway that answers as the test says. */
describe('sap session', () => {
  const api = new TestApi();
  let client: HttpClient;

  before(() => api.start());
  after(() => api.stop());
  beforeEach(() => {
    api.asked.length = 0;
    client = openHttp({ baseUrl: api.url, timeouts: { total: 5000 } });
  });
  afterEach(() => client.close());

  const open = (csrf: 'auto' | 'get' = 'auto') =>
    new GatewaySession(client, { csrf, parameters: {}, timeoutMs: 5000, secrets: [] });
  const change = async (session: GatewaySession, service = SERVICE): Promise<number> => {
    const response = await session.of(service).request({ method: 'POST', target: `${service}/Orders`, signal });
    response.discard();
    return response.status;
  };
  const asked = (method: string) => api.asked.filter((each) => each.method === method);

  /** Gives tokens one after the other, and takes the last one only, with all cookies. */
  function gateway(cookies = COOKIES): { expire(): void } {
    let token = 0;
    let cookie = '';
    api.handler = ({ method, headers }: Asked): Answer => {
      if (headers['x-csrf-token'] === 'Fetch') {
        cookie = `one-${++token}`;
        return { headers: { 'x-csrf-token': `T${token}`, 'set-cookie': cookies.replace('=one', `=${cookie}`) } };
      }
      if (method === 'GET') return {};
      const isKnown = headers['x-csrf-token'] === `T${token}` && (headers.cookie ?? '').includes(`=${cookie}`);
      return isKnown ? { status: 201 } : { status: 403, headers: { 'x-csrf-token': 'required' } };
    };
    return {
      expire: () => {
        cookie = 'none';
        token += 100;
      },
    };
  }

  it('fetches one token anew for all changes that were refused at the same time', async () => {
    const { expire } = gateway();
    const session = open();
    assert.equal(await change(session), 201);
    expire();
    const statuses = await Promise.all(Array.from({ length: 8 }, () => change(session)));
    assert.deepEqual(statuses, Array(8).fill(201));
    assert.equal(asked('HEAD').length, 2);
    assert.deepEqual(
      asked('POST').at(-1)?.headers.cookie,
      'SAP_SESSIONID_TST_100=one-102; sap-usercontext=sap-client=100; lb=a',
    );
  });

  it('sends a change that is refused again once only', async () => {
    api.handler = ({ method }) =>
      method === 'HEAD'
        ? { headers: { 'x-csrf-token': 'T' } }
        : { status: 403, headers: { 'x-csrf-token': 'Required' }, body: 'CSRF token validation failed' };
    assert.equal(await change(open()), 403);
    assert.deepEqual([asked('HEAD').length, asked('POST').length], [2, 2]);
  });

  it('takes a right that is missing for no token that is over', async () => {
    api.handler = ({ method }) => (method === 'HEAD' ? { headers: { 'x-csrf-token': 'T' } } : { status: 403 });
    assert.equal(await change(open()), 403);
    assert.deepEqual([asked('HEAD').length, asked('POST').length], [1, 1]);
  });

  it('keeps cookies that change, and drops those that are taken back', async () => {
    gateway();
    const session = open();
    await change(session);
    const { handler } = api;
    api.handler = () => ({
      headers: {
        'set-cookie': 'lb=b; path=/, sap-usercontext=; expires=Thu, 01-Jan-1970 00:00:00 GMT, MYSAPSSO2=x%3d; path=/',
      },
    });
    (await session.of(SERVICE).request({ target: `${SERVICE}/Orders`, signal })).discard();
    api.handler = handler;
    assert.equal(await change(session), 201);
    assert.equal(asked('POST').at(-1)?.headers.cookie, 'SAP_SESSIONID_TST_100=one-1; lb=b; MYSAPSSO2=x%3d');
  });

  it('asks no second time with a password that was refused', async () => {
    api.handler = () => ({ status: 401, body: 'Logon failed' });
    assert.equal((await failureOf(change(open()))).class, 'auth');
    assert.deepEqual([asked('HEAD').length, asked('GET').length, asked('POST').length], [1, 0, 0]);
  });

  it('takes a token that comes with an answer that is no success', async () => {
    api.handler = ({ method, headers }) => {
      if (method === 'POST') return { status: headers['x-csrf-token'] === 'T' ? 201 : 403 };
      return method === 'HEAD' ? { status: 405 } : { status: 404, headers: { 'x-csrf-token': 'T' } };
    };
    assert.equal(await change(open()), 201);
    assert.equal(await change(open('get')), 201);
  });
});
