import assert from 'node:assert/strict';
import type { Connector } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/erp/protheus/connector';
import { protheusPlant } from '../../support/protheus/plant';
import type { ProtheusServer } from '../../support/protheus/server';
import { failureOf, readAll, signal } from '../rest/server';

describe('signing in to TOTVS', function () {
  this.timeout(180_000);
  let plant: ProtheusServer;
  const opened: Connector[] = [];

  beforeEach(async () => {
    plant = await protheusPlant();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((connector) => connector.close()));
    await plant.stop();
  });

  function open(config: Record<string, unknown> = {}, password?: string): Connector {
    const connector = create(plant.connection(config, password), { log: () => undefined });
    opened.push(connector);
    return connector;
  }

  it('sends the password in headers, once, and the company with everything', async () => {
    const connector = open();
    await Promise.all([1, 2, 3].map(() => readAll(connector, { entity: 'production_order' })));
    assert.deepEqual(plant.signIns, ['password']);
    const [token] = plant.asked;
    assert.equal(token?.url, '/rest/api/oauth2/v1/token?grant_type=password');
    assert.deepEqual([token?.headers.username, token?.headers.password], ['pcp', plant.password]);
    for (const { headers } of plant.asked) assert.equal(headers.tenantid, 'T1,D MG 01');
    const other = open({ credentials_in: 'query' });
    await readAll(other, { entity: 'production_order' });
    assert.match(plant.asked.findLast(({ url }) => url.includes('/token'))?.url ?? '', /username=pcp&password=canary/);
  });

  it('renews the token by the refresh token, and by the password where that is over, too', async () => {
    const connector = open();
    await readAll(connector, { entity: 'production_order' });
    plant.expire();
    await readAll(connector, { entity: 'production_order' });
    assert.deepEqual(plant.signIns, ['password', 'refresh_token']);
    plant.expire(true);
    assert.equal((await readAll(connector, { entity: 'production_order' })).records.length, 23);
    assert.deepEqual(plant.signIns.slice(2), ['refresh_token', 'password']);
  });

  it('says of a wrong password what to look at, and never the password', async () => {
    const failure = await failureOf(readAll(open({}, 'canary-wrong'), { entity: 'production_order' }));
    assert.deepEqual([failure.class, failure.code], ['auth', 'PCP_TOTVS_SIGN_IN']);
    assert.doesNotMatch(JSON.stringify(failure.toJSON()), /canary/);
  });

  it('tries a refused sign-in no second time until somebody tests it, since that locks users out', async () => {
    const connector = open({}, 'canary-wrong');
    for (let n = 0; n < 3; n++) {
      const failure = await failureOf(readAll(connector, { entity: 'production_order' }));
      assert.equal(failure.code, 'PCP_TOTVS_SIGN_IN');
    }
    assert.deepEqual(plant.signIns, ['password']);
    await connector.test(signal);
    assert.equal(plant.signIns.length, 2);
  });

  it('misses the password before anything is asked', async () => {
    const failure = await failureOf(readAll(open({}, ''), { entity: 'production_order' }));
    assert.deepEqual([failure.code, failure.path], ['PCP_SETTING_MISSING', '/credentials/password']);
    assert.deepEqual(plant.asked, []);
  });

  it('names company and branch where the server does not open them, whatever was asked', async () => {
    for (const tenant_id of ['T1, D MG 01', '']) {
      const connector = open({ tenant_id });
      const read = await failureOf(readAll(connector, { entity: 'production_order' }));
      assert.deepEqual([read.class, read.code, read.path], ['config', 'PCP_TOTVS_TENANT', '/config/tenant_id']);
      assert.match(read.message, /: TenantId inválido \(detalhe\)$/);
      const report = await connector.test(signal);
      assert.equal(report.steps.at(-1)?.error?.code, 'PCP_TOTVS_TENANT');
    }
  });

  it('signs in as is usual for the product, as the form of the connection says it', async () => {
    const connector = open({ product: 'datasul', authentication: 'usual' });
    await failureOf(readAll(connector, { entity: 'machine' }));
    assert.deepEqual(plant.signIns, []);
    assert.match(String(plant.asked.at(-1)?.headers.authorization), /^Basic /);
    const token = open({ product: 'datasul', authentication: 'totvs' });
    await failureOf(readAll(token, { entity: 'machine' }));
    assert.deepEqual(plant.signIns, ['password']);
  });
});
