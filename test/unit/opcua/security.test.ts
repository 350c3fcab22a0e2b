import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { KnownCertificate } from '../../../lib/model/certificate';
import { CertificateFolder, PKI_FOLDER } from '../../../lib/protocols/opcua/certificate-folder';
import { Connections, never, Received } from '../../support/opcua/connections';
import { PlantServer } from '../../support/opcua/plant-server';

const DAY = 86_400_000;
const USER = { security_policy: 'best', authentication: 'username', username: 'pcp' };

describe('OPC UA: trust and sign-in', () => {
  const server = new PlantServer();
  let connections: Connections;

  before(async () => {
    await server.start();
  });
  beforeEach(() => {
    connections = new Connections();
  });
  afterEach(() => connections.remove());
  after(() => server.stop());

  const failedStep = async (config: Record<string, unknown>, credentials: Record<string, string> = {}) => {
    const { ok, steps } = await connections.open(server.url, config, credentials).test(never());
    assert.equal(ok, false, JSON.stringify(steps));
    return steps.at(-1);
  };

  it('refuses an unknown server, and lets it in once a person trusts its thumbprint', async () => {
    const connector = connections.open(server.url, { security_policy: 'best' });
    const first = (await connector.test(never())).steps.at(-1);
    assert.deepEqual([first?.name, first?.error?.code], ['tls', 'PCP_OPCUA_UNTRUSTED']);
    const list = async () => (await connector.call?.('list_certificates', {}, never()))?.payload as KnownCertificate[];
    const rejected = (await list()).filter(({ state }) => state === 'rejected');
    assert.deepEqual(
      rejected.map(({ thumbprint }) => thumbprint),
      [first?.error?.value],
    );
    assert.deepEqual((await server.counts()).sessions, 0);
    await connector.call?.('trust_certificate', { thumbprint: rejected[0]?.thumbprint.toUpperCase() }, never());
    assert.deepEqual((await list()).map(({ state }) => state).sort(), ['own', 'trusted']);
    assert.equal(connections.retries, 1);
    const report = await connector.test(never());
    assert.equal(report.ok, true, JSON.stringify(report));
    assert.equal(report.steps.find(({ name }) => name === 'tls')?.detail, 'Aes256_Sha256_RsaPss SignAndEncrypt');
  });

  it('refuses a server again whose certificate is not trusted any more', async () => {
    const connector = await connections.openTrusted(server.url, { security_policy: 'best' });
    const folder = new CertificateFolder(join(connections.directory, PKI_FOLDER));
    const [trusted] = (await folder.list()).filter(({ state }) => state === 'trusted');
    const thumbprint = trusted?.thumbprint.replaceAll(/(..)(?=.)/g, '$1:') ?? '';
    assert.equal((await folder.reject(thumbprint)).state, 'rejected');
    assert.equal((await connector.test(never())).steps.at(-1)?.error?.code, 'PCP_OPCUA_UNTRUSTED');
    const [own] = (await folder.list()).filter(({ state }) => state === 'own');
    await assert.rejects(folder.reject(own?.thumbprint ?? ''), { code: 'PCP_OPCUA_THUMBPRINT' });
  });

  it('says beforehand that the certificate of a server ends', async () => {
    const other = new PlantServer();
    try {
      const names = 'URI:urn:plant.example:server,DNS:localhost';
      await other.start({ certificateFile: await other.makeCertificate(names, new Date(Date.now() - DAY), 29) });
      const connector = await connections.openTrusted(other.url);
      const { steps } = await connector.test(never());
      const day = new Date(Date.now() + 28 * DAY).toISOString().slice(0, 10);
      assert.deepEqual(
        steps.filter(({ name }) => name === 'tls').map(({ detail }) => detail),
        [
          'Aes256_Sha256_RsaPss SignAndEncrypt',
          {
            'en-US': `the server's certificate ends on ${day}`,
            'pt-BR': `o certificado do servidor termina em ${day}`,
          },
        ],
      );
      const folder = new CertificateFolder(join(connections.directory, PKI_FOLDER));
      assert.deepEqual(
        (await folder.expiring()).map(({ state }) => state),
        ['trusted'],
      );
    } finally {
      await other.stop();
    }
  });

  it('keeps its private key to itself', async () => {
    await connections.open(server.url).test(never());
    const folder = join(connections.directory, 'integrations.pki', 'own', 'private');
    assert.equal(statSync(join(folder, 'private_key.pem')).mode & 0o777, 0o600);
    assert.equal(statSync(folder).mode & 0o077, 0);
  });

  it('trusts only what was seen', async () => {
    const connector = connections.open(server.url);
    const trusting = connector.call?.(
      'trust_certificate',
      { thumbprint: '00'.repeat(20) },
      never(),
    ) as Promise<unknown>;
    await assert.rejects(trusting, { code: 'PCP_OPCUA_THUMBPRINT' });
  });

  for (const policy of ['Basic256Sha256', 'Aes128_Sha256_RsaOaep', 'Aes256_Sha256_RsaPss']) {
    for (const mode of ['Sign', 'SignAndEncrypt']) {
      it(`speaks ${policy} with ${mode}`, async () => {
        const connector = await connections.openTrusted(
          server.url,
          { ...USER, security_policy: policy, security_mode: mode },
          { password: 'right-4711' },
        );
        const { ok, steps } = await connector.test(never());
        assert.equal(ok, true, JSON.stringify(steps));
        assert.equal(steps.find(({ name }) => name === 'tls')?.detail, `${policy} ${mode}`);
      });
    }
  }

  it('signs in with a certificate of the user', async () => {
    const person = new PlantServer();
    const certificate = await person.makeCertificate('URI:urn:plant.example:operator');
    const key = join(person.directory, 'pki', 'own', 'private', 'private_key.pem');
    const connector = await connections.openTrusted(
      server.url,
      { authentication: 'certificate' },
      { certificate: readFileSync(certificate, 'utf8'), private_key: readFileSync(key, 'utf8') },
    );
    await person.stop();
    const report = await connector.test(never());
    assert.equal(report.ok, true, JSON.stringify(report));
  });

  it('names what is wrong: password, policy, what was not chosen', async () => {
    await connections.openTrusted(server.url);
    const wrong = await failedStep(USER, { password: 'wrong' });
    assert.deepEqual(
      [wrong?.name, wrong?.error?.class, wrong?.error?.code],
      ['authenticate', 'auth', 'PCP_OPCUA_SIGN_IN'],
    );
    const open = await failedStep({ authentication: undefined });
    assert.deepEqual([open?.error?.code, open?.error?.path], ['PCP_SETTING_MISSING', '/config/authentication']);
    const garbled = await failedStep({ authentication: 'certificate' }, { certificate: 'x', private_key: 'y' });
    assert.deepEqual([garbled?.error?.code, garbled?.error?.path], ['PCP_SETTING_INVALID', '/credentials/certificate']);
  });

  it('never falls back to no security by itself', async () => {
    const bare = new PlantServer();
    await bare.start({ policies: ['None'] });
    try {
      const { steps } = await connections.open(bare.url, { security_policy: 'best' }).test(never());
      assert.equal(steps.at(-1)?.error?.code, 'PCP_OPCUA_ENDPOINT');
      assert.match(steps.at(-1)?.error?.hint ?? '', /It offers: None/);
    } finally {
      await bare.stop();
    }
  });

  it('refuses a server that comes back with another certificate, while it is watched', async () => {
    const other = new PlantServer();
    await other.start();
    try {
      const connector = await connections.openTrusted(other.url);
      const received = new Received(
        (signal) => connector.subscribe?.({ items: [{ tag: 'i=2258' }] }, signal) ?? assert.fail(),
      );
      await received.until(({ values }) => values.length > 0);
      await other.kill();
      rmSync(other.directory, { recursive: true, force: true });
      await other.start();
      assert.equal((await received.end())?.code, 'PCP_OPCUA_UNTRUSTED');
      assert.equal((await other.counts()).sessions, 0);
    } finally {
      await other.stop();
    }
  });

  it('does not try a password again that the server has come to refuse', async () => {
    const other = new PlantServer();
    await other.start();
    try {
      const connector = await connections.openTrusted(other.url, USER, { password: 'right-4711' });
      const received = new Received(
        (signal) => connector.subscribe?.({ items: [{ tag: 'i=2258' }] }, signal) ?? assert.fail(),
      );
      await received.until(({ values }) => values.length > 0);
      await other.kill();
      await other.start({ password: 'changed' });
      assert.equal((await received.end())?.code, 'PCP_OPCUA_SIGN_IN');
    } finally {
      await other.stop();
    }
  });

  const OWN = 'URI:urn:plant.example:server';
  const days = (count: number) => new Date(Date.now() + count * 86_400_000);
  for (const [what, names, from, code, why, config] of [
    ['expired', `${OWN},DNS:localhost`, days(-40), 'EXPIRED', /expired on 20\d\d-/, {}],
    ['is not valid yet', `${OWN},DNS:localhost`, days(3), 'EARLY', /is not valid before 20\d\d-/, {}],
    [
      'is for another application',
      'URI:urn:other,DNS:localhost',
      days(-1),
      'URI',
      /is for urn:other, but the server is urn:plant.example:server/,
      {},
    ],
    [
      'is for another host',
      `${OWN},DNS:plc-7,IP:10.1.2.3`,
      days(-1),
      'HOST',
      /is for plc-7, 10.1.2.3, but the server is reached by 127.0.0.1/,
      {},
    ],
    [
      'is for another host than the one chosen',
      `${OWN},DNS:localhost`,
      days(-1),
      'HOST',
      /is reached by plc-7/,
      { certificate_host: 'plc-7' },
    ],
  ] as const) {
    it(`refuses a certificate that ${what}, before and after its thumbprint was trusted`, async () => {
      const other = new PlantServer();
      await other.start({ certificateFile: await other.makeCertificate(names, from) });
      try {
        const connector = connections.open(other.url, { security_policy: 'best', ...config });
        const first = (await connector.test(never())).steps.at(-1);
        assert.deepEqual([first?.name, first?.error?.code], ['tls', 'PCP_OPCUA_UNTRUSTED']);
        assert.match(first?.error?.message ?? '', why);
        await connector.call?.('trust_certificate', { thumbprint: first?.error?.value }, never());
        const step = (await connector.test(never())).steps.at(-1);
        assert.deepEqual(
          [step?.name, step?.error?.code],
          ['tls', `PCP_OPCUA_CERTIFICATE_${code}`],
          JSON.stringify(step),
        );
        assert.match(step?.error?.message ?? '', why);
        assert.equal(step?.error?.value, first?.error?.value);
        assert.equal((await other.counts()).sessions, 0);
      } finally {
        await other.stop();
      }
    });
  }

  for (const [what, names, config] of [
    ['for the host that the connection says', `${OWN},DNS:plc-7`, { certificate_host: 'plc-7' }],
    ['for the address that it is reached by', `${OWN},IP:127.0.0.1`, {}],
    ['with that address where a name belongs', `${OWN},DNS:127.0.0.1`, {}],
    ['that names neither host nor application', 'email:plant@example.com', {}],
  ] as const) {
    it(`lets a trusted server in whose certificate is one ${what}`, async () => {
      const other = new PlantServer();
      await other.start({ certificateFile: await other.makeCertificate(names) });
      try {
        const connector = await connections.openTrusted(other.url, config);
        const report = await connector.test(never());
        assert.equal(report.ok, true, JSON.stringify(report));
      } finally {
        await other.stop();
      }
    });
  }
});
