import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DEMO_SERVICE } from './definitions';
import { writeDropFolder } from './files';
import { demoFlows } from './flows';
import { writeLegacyErp } from './legacy-erp';
import { generatePlant } from './plant';
import { writePlantService } from './plant-service';

/**
 * Makes the demo's Node-RED user directory, or leaves it as it is when it was completed before.
 * @returns true when it was made now
 */
export function prepareUserDirectory(directory: string, projectRoot: string, port: number): boolean {
  const complete = path.join(directory, '.complete');
  const isNew = !existsSync(complete);
  if (isNew) {
    // Whatever is there was left by a start that died half-way.
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    const plant = generatePlant();
    writeDropFolder(path.join(directory, 'drop'), plant);
    writeLegacyErp(path.join(directory, 'legacy-erp.db'), plant);
    writeFileSync(path.join(directory, 'flows.json'), `${JSON.stringify(demoFlows(directory), null, 2)}\n`);
    const { data, token } = plantServiceFiles(directory);
    writePlantService(data, plant.serviceOrders);
    const [secret, serviceToken] = [randomBytes(24).toString('hex'), randomBytes(24).toString('hex')];
    writeFileSync(path.join(directory, 'secret'), secret, { mode: 0o600 });
    writeFileSync(token, serviceToken, { mode: 0o600 });
    const credentials = encrypted({ [DEMO_SERVICE]: { token: serviceToken } }, secret);
    writeFileSync(path.join(directory, 'flows_cred.json'), JSON.stringify(credentials), { mode: 0o600 });
  }
  mkdirSync(path.join(directory, 'examples'), { recursive: true });
  writeFileSync(path.join(directory, 'settings.js'), settings(directory, port), { mode: 0o600 });
  linkPackage(directory, projectRoot);
  if (isNew) writeFileSync(complete, '');
  return isNew;
}

/** Where the plant service keeps its data, and the token that it wants. */
export function plantServiceFiles(directory: string): { data: string; token: string } {
  return { data: path.join(directory, 'plant-service.db'), token: path.join(directory, 'plant-service.token') };
}

/** Credentials of flows as Node-RED keeps them. */
function encrypted(credentials: object, secret: string): { $: string } {
  const vector = randomBytes(16);
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(secret).digest(), vector);
  const text = cipher.update(JSON.stringify(credentials), 'utf8', 'base64') + cipher.final('base64');
  return { $: vector.toString('hex') + text };
}

/** Local only, nothing that calls out, no sign-in: a demo on one's own machine. */
function settings(directory: string, port: number): string {
  const values = {
    uiHost: '127.0.0.1',
    uiPort: port,
    flowFile: 'flows.json',
    flowFilePretty: true,
    credentialSecret: readFileSync(path.join(directory, 'secret'), 'utf8'),
    telemetry: { enabled: false, updateNotification: false },
    editorTheme: { projects: { enabled: false }, tours: false, palette: { allowInstall: false } },
    logging: { console: { level: 'warn', metrics: false, audit: false } },
  };
  return `module.exports = ${JSON.stringify(values, null, 2)};\n`;
}

/** As `npm install` of the package in the user directory would have it. */
function linkPackage(directory: string, projectRoot: string): void {
  const scope = path.join(directory, 'node_modules', '@pcp');
  const link = path.join(scope, 'node-red-integrations');
  mkdirSync(scope, { recursive: true });
  if (existsSync(link)) unlinkSync(link);
  symlinkSync(projectRoot, link, 'junction');
}
