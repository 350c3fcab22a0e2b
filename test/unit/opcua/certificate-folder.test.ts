import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CertificateFolder } from '../../../lib/protocols/opcua/certificate-folder';

const DAY = 86_400_000;

describe('the folder of OPC UA certificates', () => {
  let directory: string;
  let folder: CertificateFolder;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'pcp-pki-'));
    folder = new CertificateFolder(directory);
    for (const place of ['own/certs', 'trusted/certs', 'rejected'])
      mkdirSync(join(directory, place), { recursive: true });
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const add = (file: string, days: number, uri: string) => {
    const names = ['-subj', '/CN=plant', '-addext', `subjectAltName=URI:${uri}`, '-days', `${days}`];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null'];
    execFileSync('openssl', ['req', '-x509', ...key, ...names, '-out', join(directory, file)], {
      stdio: 'ignore',
      env: { ...process.env, OPENSSL_CONF: undefined },
    });
  };

  it('tells which have to be renewed, soonest first: 30 days before they end, and after', async () => {
    add('own/certs/certificate.pem', 40, 'urn:hub');
    add('trusted/certs/press.pem', 20, 'urn:press');
    add('trusted/certs/oven.pem', 25, 'urn:oven');
    add('rejected/stranger.pem', 5, 'urn:stranger');
    const uris = async (now?: number) => (await folder.expiring(now)).map(({ application_uri: uri }) => uri);
    assert.deepEqual(await uris(), ['urn:press', 'urn:oven']);
    assert.deepEqual(await uris(Date.now() + 11 * DAY), ['urn:press', 'urn:oven', 'urn:hub']);
    assert.deepEqual(await uris(Date.now() + 400 * DAY), ['urn:press', 'urn:oven', 'urn:hub']);
    add('trusted/certs/press-new.pem', 300, 'urn:press');
    assert.deepEqual(await uris(), ['urn:oven']);
    const used = (await folder.inUse()).map(({ application_uri: uri }) => uri);
    assert.deepEqual(used, ['urn:oven', 'urn:hub', 'urn:press']);
  });

  it('leaves out what is no certificate, whatever it is called', async () => {
    add('trusted/certs/press.pem', 300, 'urn:press');
    writeFileSync(join(directory, 'trusted/certs/notes.pem'), 'to be asked for at the maker');
    assert.deepEqual(
      (await folder.list()).map(({ application_uri: uri }) => uri),
      ['urn:press'],
    );
  });
});
