import assert from 'node:assert/strict';
import { constants, verify, X509Certificate } from 'node:crypto';
import type { OAuth2Server } from 'oauth2-mock-server' with { 'resolution-mode': 'import' };
import { type OAuth2, type SignIns, TokenSource, type Tokens } from '../../../lib/protocols/http/auth/oauth2';
import type { HttpClient, HttpOptions } from '../../../lib/protocols/http/client';
import { APPLICATION, CLIENT } from '../../support/certificates';
import { HostileServer } from '../../support/hostile-server';
import { clients, failure, live } from './support';

describe('http: authentication', () => {
  const { open } = clients();
  let api: HostileServer;
  /** Tokens that the API takes; undefined = any. */
  let accepted: Set<string> | undefined;
  /** Answers a request to /held. */
  let release: (status: number) => void;

  before(async () => {
    api = await HostileServer.start({
      '/': (request, response) => {
        const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
        const ok = accepted === undefined || accepted.has(token);
        response.writeHead(ok ? 200 : 401).end(ok ? 'ok' : '{"message":"who are you"}');
      },
      '/held': (_request, response) => {
        release = (status) => response.writeHead(status).end();
      },
      '/moved': (_request, response) => response.writeHead(302, { location: '/?page=2' }).end(),
    });
  });
  beforeEach(() => {
    accepted = undefined;
    api.seen.length = 0;
  });
  after(() => api.stop());

  const get = async (client: HttpClient, target = '/') => (await client.request({ target, signal: live })).text();
  const sent = async (authentication: HttpOptions['authentication'], target = '/') => {
    await get(open({ baseUrl: api.origin, ...(authentication && { authentication }) }), target);
    return api.seen.at(-1)!;
  };

  it('sends nothing, a user, a token or a key in a header, also after a redirect', async () => {
    assert.equal((await sent(undefined)).headers.authorization, undefined);
    assert.equal((await sent({ type: 'none' })).headers.authorization, undefined);
    for (const target of ['/', '/moved']) {
      const basic = await sent({ type: 'basic', username: 'joão', password: 'ç:x' }, target);
      assert.equal(basic.headers.authorization, `Basic ${Buffer.from('joão:ç:x').toString('base64')}`);
      assert.equal((await sent({ type: 'bearer', token: 't' }, target)).headers.authorization, 'Bearer t');
      assert.equal(
        (await sent({ type: 'api_key', name: 'X-Key', in: 'header', key: 'k' }, target)).headers['x-key'],
        'k',
      );
    }
  });

  it('sends a key in the query without changing the rest of it, and shows it to nobody', async () => {
    const authentication = { type: 'api_key', name: 'key', in: 'query', key: 'a b&c' } as const;
    assert.equal((await sent(authentication)).url, '/?key=a+b%26c');
    assert.equal((await sent(authentication, '/?a=1%202&key=old&$filter=x')).url, '/?a=1%202&$filter=x&key=a+b%26c');
    assert.equal((await sent(authentication, '/moved')).url, '/?page=2&key=a+b%26c');
    const response = await open({ baseUrl: api.origin, authentication }).request({ target: '/?a=1', signal: live });
    await response.text();
    assert.equal(response.url.search, '?a=1');
  });

  describe('OAuth2', () => {
    let provider: OAuth2Server;
    let forms: Record<string, unknown>[];
    let heads: (string | undefined)[];
    let answer: (response: { body: Record<string, unknown> | ''; statusCode: number }) => void;

    before(async () => {
      const { OAuth2Server: Provider } = await import('oauth2-mock-server');
      provider = new Provider();
      await provider.issuer.keys.generate('ES256');
      await provider.start(0, '127.0.0.1');
      provider.service.on('beforeResponse', (response, request) => {
        forms.push({ ...request.body });
        heads.push(request.headers.authorization);
        answer(response);
      });
    });
    beforeEach(() => {
      forms = [];
      heads = [];
      answer = ({ body }) => {
        if (typeof body === 'object') body.access_token = `token-${forms.length}`;
      };
    });
    after(() => provider.stop());

    const settings = (given: Partial<OAuth2> = {}): OAuth2 => ({
      type: 'oauth2',
      tokenUrl: `http://127.0.0.1:${provider.address().port}/token`,
      grant: 'client_credentials',
      clientId: 'plant:1',
      clientSecret: 'canary secret/+',
      ...given,
    });
    const connect = (given: Partial<OAuth2> = {}, options: Partial<HttpOptions> = {}) =>
      open({ baseUrl: api.origin, authentication: settings(given), ...options });

    it('asks with the grant, the scope and the client in the header or in the form', async () => {
      await get(connect({ scope: 'orders', parameters: { aud: 'erp' } }));
      assert.deepEqual(forms[0], { aud: 'erp', grant_type: 'client_credentials', scope: 'orders' });
      assert.equal(heads[0], `Basic ${Buffer.from('plant%3A1:canary+secret%2F%2B').toString('base64')}`);
      await get(connect({ clientAuthentication: 'post' }));
      const client = { client_id: 'plant:1', client_secret: 'canary secret/+' };
      assert.deepEqual(forms[1], { grant_type: 'client_credentials', ...client });
      assert.equal(heads[1], undefined);
      await get(connect({ grant: 'password', username: 'u', password: 'p' }));
      assert.deepEqual(forms[2], { grant_type: 'password', username: 'u', password: 'p' });
      await get(connect({ grant: 'refresh_token', refreshToken: 'r' }));
      assert.deepEqual(forms[3], { grant_type: 'refresh_token', refresh_token: 'r' });
      assert.equal(api.seen.at(-1)?.headers.authorization, 'Bearer token-4');
    });

    it('shows a certificate in place of the secret, with a signature that holds for some minutes and no other server', async () => {
      const clientCertificate = { certificate: APPLICATION.cert, privateKey: APPLICATION.key };
      await get(connect({ clientCertificate }));
      const { client_assertion: assertion, ...form } = forms[0]!;
      assert.deepEqual(form, {
        grant_type: 'client_credentials',
        client_id: 'plant:1',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      });
      assert.equal(heads[0], undefined);
      const [head = '', body = '', signature = ''] = String(assertion).split('.');
      const shown = new X509Certificate(APPLICATION.cert);
      const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
      const content = Buffer.from(`${head}.${body}`);
      assert.ok(verify('sha256', content, { key: shown.publicKey, ...pss }, Buffer.from(signature, 'base64url')));
      const [{ alg, 'x5t#S256': thumbprint }, claims] = [head, body].map((part) =>
        JSON.parse(Buffer.from(part, 'base64url').toString()),
      );
      assert.equal(alg, 'PS256');
      assert.equal(
        Buffer.from(thumbprint, 'base64url').toString('hex'),
        shown.fingerprint256.replaceAll(':', '').toLowerCase(),
      );
      assert.deepEqual([claims.aud, claims.iss, claims.sub], [settings().tokenUrl, 'plant:1', 'plant:1']);
      assert.equal(claims.exp - claims.iat, 600);
      await get(connect({ clientCertificate }));
      assert.notEqual(forms[1]!.client_assertion, assertion);
    });

    it('says what is wrong with a certificate before it asks anybody', async () => {
      const { cert: certificate, key: privateKey } = APPLICATION;
      for (const [wrong, what] of [
        [{ certificate, privateKey: CLIENT.key }, /no RSA key/],
        [{ certificate: CLIENT.cert, privateKey }, /does not belong/],
        [{ certificate: 'x', privateKey }, /cannot be used/],
      ] as const) {
        const error = await failure(get(connect({ clientCertificate: wrong })));
        assert.deepEqual([error.class, error.code], ['config', 'PCP_TLS_CERTIFICATE']);
        assert.match(error.message, what);
      }
      assert.equal(forms.length, 0);
    });

    it('takes a real signed token', async () => {
      answer = () => undefined;
      await get(connect());
      assert.match(api.seen[0]?.headers.authorization ?? '', /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
    });

    it('keeps a token until it expires, and asks once however many requests wait for it', async () => {
      const client = connect({}, { maxConcurrency: 1 });
      await Promise.all(Array.from({ length: 10 }, () => get(client)));
      await get(client);
      assert.equal(forms.length, 1);
      answer = ({ body }) => Object.assign(body, { access_token: 'short', expires_in: 0 });
      const forgetful = connect();
      await get(forgetful);
      await get(forgetful);
      assert.equal(forms.length, 3);
    });

    it('renews a refused token once, for all requests that were refused, and then takes the answer', async () => {
      const client = connect();
      await get(client);
      accepted = new Set(['token-2']);
      assert.deepEqual(await Promise.all([get(client), get(client), get(client)]), ['ok', 'ok', 'ok']);
      assert.equal(forms.length, 2);
      accepted = new Set();
      const response = await client.request({ target: '/', method: 'POST', body: 'x', signal: live });
      const error = await response.failure();
      assert.deepEqual([error.class, error.code], ['auth', 'PCP_HTTP_UNAUTHORIZED']);
      assert.equal(forms.length, 3);
      assert.deepEqual(
        api.seen.slice(-2).map(({ method, body }) => method + body),
        ['POSTx', 'POSTx'],
      );
    });

    it('keeps the new token when the old one is refused late', async () => {
      const client = connect();
      const late = client.request({ target: '/held', signal: live });
      while (api.seen.length === 0) await new Promise(setImmediate);
      accepted = new Set(['token-2']);
      assert.equal(await get(client), 'ok');
      release(401);
      while (api.seen.length < 4) await new Promise(setImmediate);
      release(200);
      assert.equal((await late).status, 200);
      assert.equal(api.seen.at(-1)?.headers.authorization, 'Bearer token-2');
      assert.equal(forms.length, 2);
    });

    it('keeps the tokens before the access token is used', async () => {
      const saved: (string | undefined)[] = [];
      let kept: Tokens | undefined;
      answer = ({ body }) => Object.assign(body, { refresh_token: `refresh-${forms.length}`, expires_in: 0 });
      const signIns: SignIns = {
        async renewed(_signIn, renew) {
          kept = await renew(kept);
          await new Promise(setImmediate);
          assert.equal(api.seen.length, saved.length, 'a request went out first');
          saved.push(kept.refreshToken);
          return kept;
        },
      };
      const client = connect({ grant: 'refresh_token', refreshToken: 'refresh-0' }, { signIns });
      await get(client);
      await get(client);
      assert.deepEqual(saved, ['refresh-1', 'refresh-2']);
      assert.deepEqual(
        forms.map((form) => form.refresh_token),
        ['refresh-0', 'refresh-1'],
      );
    });

    it('takes over what somebody else has renewed', async () => {
      const kept: Tokens = { accessToken: 'of another', expiresAt: null, refreshToken: 'refresh-5' };
      const signIns: SignIns = { renewed: (_signIn, renew) => renew(kept) };
      const client = connect({ grant: 'refresh_token', refreshToken: 'refresh-0' }, { signIns });
      await get(client);
      assert.equal(api.seen.at(-1)?.headers.authorization, 'Bearer of another');
      assert.equal(forms.length, 0);
      accepted = new Set(['token-1']);
      assert.equal(await get(client), 'ok');
      assert.equal(forms[0]?.refresh_token, 'refresh-5');
    });

    it('renews by what is kept, whatever it renewed itself before', async () => {
      answer = ({ body }) => Object.assign(body, { refresh_token: 'ours', expires_in: 0 });
      let kept: Tokens | undefined;
      const signIns: SignIns = { renewed: async (_signIn, renew) => (kept = await renew(kept)) };
      const client = connect({ grant: 'refresh_token', refreshToken: 'refresh-0' }, { signIns });
      await get(client);
      kept = { accessToken: 'of another', expiresAt: 0, refreshToken: 'theirs' };
      await get(client);
      assert.equal(forms.at(-1)?.refresh_token, 'theirs');
    });

    it('uses no access token when the tokens cannot be kept, and loses neither', async () => {
      let isFull = true;
      answer = ({ body }) => Object.assign(body, { access_token: `token-${forms.length}`, refresh_token: 'refresh-1' });
      const signIns: SignIns = {
        async renewed(_signIn, renew) {
          const tokens = await renew(undefined);
          if (isFull) throw new Error('disk full');
          return tokens;
        },
      };
      const client = connect({ grant: 'refresh_token', refreshToken: 'refresh-0' }, { signIns });
      await assert.rejects(get(client), /disk full/);
      assert.equal(api.seen.length, 0);
      isFull = false;
      await get(client);
      assert.equal(forms.length, 1);
      assert.equal(api.seen.at(-1)?.headers.authorization, 'Bearer token-1');
    });

    it('tries a refused sign-in no second time', async () => {
      for (const error of ['invalid_grant', 'invalid_client', 'access_denied']) {
        answer = (response) => {
          response.statusCode = error === 'invalid_client' ? 401 : 400;
          response.body = { error, error_description: 'bad canary secret/+' };
        };
        const client = connect();
        const before = forms.length;
        for (let attempt = 0; attempt < 3; attempt++) {
          const refused = await failure(get(client));
          assert.deepEqual([refused.class, refused.code], ['auth', 'PCP_OAUTH_REFUSED'], error);
          assert.doesNotMatch(JSON.stringify(refused), /canary/);
        }
        assert.equal(forms.length - before, 1);
      }
      assert.equal(api.seen.length, 0);
    });

    it('tries a refused sign-in again when a test asks for it and after ten minutes, and renews a token in time', async () => {
      const grant = answer;
      const refuse = (response: Parameters<typeof answer>[0]) => {
        Object.assign(response, { statusCode: 400, body: { error: 'invalid_grant' } });
      };
      answer = refuse;
      const client = connect();
      await failure(get(client));
      answer = grant;
      await failure(get(client));
      await client.probe(live);
      assert.equal(await get(client), 'ok');

      answer = refuse;
      let now = 0;
      const source = new TokenSource(settings(), undefined, () => now);
      const endpoint = open({ baseUrl: settings().tokenUrl });
      const token = () =>
        source.token((headers, body) => endpoint.request({ target: '', method: 'POST', headers, body, signal: live }));
      await failure(token());
      answer = grant;
      now = 600_000 - 1;
      await failure(token());
      now = 600_000;
      assert.equal(await token(), `token-${forms.length}`);
      // Half a minute before the hour of its life is over it is renewed.
      const asked = forms.length;
      now += 3_570_000 - 1;
      await token();
      assert.equal(forms.length, asked);
      now += 1;
      await token();
      assert.equal(forms.length, asked + 1);
    });

    it('tells wrong settings, a busy server and a wrong address apart', async () => {
      answer = (response) => Object.assign(response, { statusCode: 400, body: { error: 'invalid_scope' } });
      assert.deepEqual(await outcome(connect()), ['config', 'PCP_OAUTH_REFUSED']);
      answer = (response) => Object.assign(response, { statusCode: 503, body: {} });
      assert.deepEqual(await outcome(connect()), ['transient', 'PCP_HTTP_SERVER_ERROR']);
      answer = (response) => Object.assign(response, { body: { id_token: 'x' } });
      assert.deepEqual(await outcome(connect()), ['config', 'PCP_OAUTH_ANSWER']);
      assert.deepEqual(await outcome(connect({ tokenUrl: `${api.origin}/` })), ['config', 'PCP_OAUTH_ANSWER']);
      assert.deepEqual(await outcome(connect({ tokenUrl: `${api.origin}/none` })), ['config', 'PCP_HTTP_NOT_FOUND']);
      assert.deepEqual(await outcome(connect({ tokenUrl: `${api.origin}/moved` })), ['config', 'PCP_HTTP_MOVED']);
      assert.deepEqual(await outcome(connect({ tokenUrl: 'http://127.0.0.1:1/' })), [
        'transient',
        'PCP_CONNECT_REFUSED',
      ]);
      assert.deepEqual(await outcome(connect({ tokenUrl: 'http://169.254.169.254/' })), [
        'config',
        'PCP_ADDRESS_REFUSED',
      ]);
    });

    it('lets one request give up while the others wait for the token', async () => {
      const client = connect();
      const impatient = new AbortController();
      const given = failure(client.request({ target: '/', signal: impatient.signal }));
      const patient = get(client);
      impatient.abort();
      assert.equal((await given).class, 'cancelled');
      assert.equal(await patient, 'ok');
      assert.equal(forms.length, 1);
    });

    it('keeps the token of a connection however often it is opened', async () => {
      for (let time = 0; time < 3; time++) {
        const client = connect({}, { connectionId: 4713 });
        await get(client);
        await client.close();
      }
      assert.equal(forms.length, 1);
      await get(connect({ clientSecret: 'another' }, { connectionId: 4713 }));
      assert.equal(forms.length, 2);
    });

    it('gets a token for the others when the client that asked for it is closed', async () => {
      const connection = { connectionId: 4714 };
      const asking = connect({}, connection);
      const given = failure(get(asking));
      const others = [connect({}, connection), connect({}, connection)].map((client) => get(client));
      await asking.close();
      assert.equal((await given).class, 'cancelled');
      assert.deepEqual(await Promise.all(others), ['ok', 'ok']);
    });

    async function outcome(client: HttpClient): Promise<[string, string]> {
      const error = await failure(get(client));
      return [error.class, error.code];
    }
  });
});
