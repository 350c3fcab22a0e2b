import assert from 'node:assert/strict';
import { readHttpOptions } from '../../../lib/protocols/http/settings';
import { readSettings } from '../../../lib/settings';

const read = (config: Record<string, unknown>, credentials: Record<string, string> = {}) =>
  readHttpOptions({
    id: 1,
    name: 'erp',
    connector_type: 'generic.rest',
    config: { base_url: 'https://erp.plant', ...config },
    credentials,
  });

describe('http: settings', () => {
  it('needs a base URL only', () => {
    assert.deepEqual(read({}), {
      baseUrl: 'https://erp.plant',
      connectionId: 1,
      authentication: { type: 'none' },
      tls: {},
      timeouts: { total: 20_000 },
    });
  });

  it('shares nothing for values that were never saved', () => {
    const connection = { name: '', connector_type: 'generic.rest', config: { base_url: 'https://erp.plant' } };
    assert.equal(readHttpOptions({ id: 0, ...connection, credentials: {} }).connectionId, undefined);
  });

  it('reads every authentication', () => {
    const authentication = (config: Record<string, unknown>, credentials: Record<string, string>) =>
      read(config, credentials).authentication;
    assert.deepEqual(authentication({ authentication: 'basic', username: 'u' }, { password: 'p' }), {
      type: 'basic',
      username: 'u',
      password: 'p',
    });
    assert.deepEqual(authentication({ authentication: 'bearer' }, { token: 't' }), { type: 'bearer', token: 't' });
    assert.deepEqual(authentication({ authentication: 'api_key' }, { api_key: 'k' }), {
      type: 'api_key',
      name: 'X-API-Key',
      in: 'header',
      key: 'k',
    });
    const oauth2 = { authentication: 'oauth2', token_url: 'https://id.plant', client_id: 'c' };
    const common = { type: 'oauth2', tokenUrl: 'https://id.plant', clientId: 'c' };
    assert.deepEqual(authentication({ ...oauth2, scope: 's', client_auth: 'post' }, { client_secret: 'x' }), {
      ...common,
      grant: 'client_credentials',
      clientAuthentication: 'post',
      clientSecret: 'x',
      scope: 's',
    });
    assert.deepEqual(authentication({ ...oauth2, grant: 'password', username: 'u' }, { password: 'p' }), {
      ...common,
      grant: 'password',
      clientAuthentication: 'basic',
      username: 'u',
      password: 'p',
    });
    assert.deepEqual(authentication({ ...oauth2, grant: 'refresh_token' }, { refresh_token: 'r' }), {
      ...common,
      grant: 'refresh_token',
      clientAuthentication: 'basic',
      refreshToken: 'r',
    });
  });

  it('reads TLS, proxy, headers and limits', () => {
    const tls = { tls_ca: 'CA', tls_servername: 'erp.plant' };
    const secrets = { certificate: 'C', private_key: 'K', passphrase: 'P' };
    assert.deepEqual(read({ authentication: 'mtls', ...tls }, secrets).tls, {
      ca: 'CA',
      servername: 'erp.plant',
      certificate: 'C',
      privateKey: 'K',
      passphrase: 'P',
    });
    assert.deepEqual(read(tls, secrets).tls, { ca: 'CA', servername: 'erp.plant' });
    assert.equal(
      read({ proxy_url: 'http://u@proxy.plant:3128' }, { proxy_password: 'p@ss' }).proxy,
      'http://u:p%40ss@proxy.plant:3128/',
    );
    assert.equal(
      read({ proxy_url: 'http://u@proxy.plant:3128' }, { proxy_password: '100%25' }).proxy,
      'http://u:100%2525@proxy.plant:3128/',
    );
    const { headers, requestsPerSecond, maxConcurrency, timeouts } = read({
      headers: { 'X-Tenant': '1' },
      requests_per_second: 2,
      max_concurrency: 3,
      timeout_ms: 500,
    });
    assert.deepEqual(
      [headers, requestsPerSecond, maxConcurrency, timeouts],
      [{ 'X-Tenant': '1' }, 2, 3, { total: 500 }],
    );
  });

  it('names what is missing or wrong', () => {
    const fails = (config: Record<string, unknown>, code: string, path: string) =>
      assert.throws(() => read(config), { class: 'config', code, path });
    fails({ base_url: ' ' }, 'PCP_SETTING_MISSING', '/config/base_url');
    fails({ authentication: 'basic' }, 'PCP_SETTING_MISSING', '/config/username');
    fails({ authentication: 'bearer' }, 'PCP_SETTING_MISSING', '/credentials/token');
    fails({ authentication: 'mtls' }, 'PCP_SETTING_MISSING', '/credentials/certificate');
    fails({ authentication: 'kerberos' }, 'PCP_SETTING_INVALID', '/config/authentication');
    fails(
      { authentication: 'oauth2', token_url: 'x', client_id: 'c', grant: 'implicit' },
      'PCP_SETTING_INVALID',
      '/config/grant',
    );
    fails({ requests_per_second: 0 }, 'PCP_SETTING_INVALID', '/config/requests_per_second');
    fails({ timeout_ms: '10' }, 'PCP_SETTING_INVALID', '/config/timeout_ms');
    fails({ headers: { a: 1 } }, 'PCP_SETTING_INVALID', '/config/headers');
    fails({ base_url: 7 }, 'PCP_SETTING_INVALID', '/config/base_url');
  });

  it('reads the targets that the administrator allows, and refuses what is none', () => {
    const targets = (value: unknown, environment: NodeJS.ProcessEnv = {}) =>
      readSettings({ integrations: { network: { allowedTargets: value } } }, '/tmp', environment).network
        .allowedTargets;
    const environment = { INTEGRATIONS_NETWORK_ALLOWED_TARGETS: 'mes.plant:8080, 10.1.0.0/16' };
    assert.deepEqual(targets(undefined), []);
    assert.deepEqual(targets(['10.0.0.0/8']), ['10.0.0.0/8']);
    assert.deepEqual(targets(['10.0.0.0/8'], environment), ['mes.plant:8080', '10.1.0.0/16']);
    for (const wrong of ['10.0.0.0/8', [7], ['10.0.0.0/99'], ['http://mes.plant']]) {
      assert.throws(() => targets(wrong), { code: 'PCP_SETTING_INVALID', path: 'network.allowedTargets' });
    }
  });
});
