import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { opcUaLibrary } from '../../../lib/protocols/opcua/library';
import { freePort } from '../server-process';
import type { Command, ServerOptions } from './server';

export interface Counts {
  sessions: number;
  subscriptions: number;
  monitoredItems: number;
}

/** Lets OpenSSL sign with dates and names of our own. */
const AUTHORITY = `
[ca]
default_ca = own
[own]
database = DIR/index.txt
new_certs_dir = DIR
rand_serial = yes
default_md = sha256
policy = policy
x509_extensions = extensions
unique_subject = no
[policy]
commonName = supplied
[req]
distinguished_name = subject
prompt = no
[subject]
CN = plant
[extensions]
basicConstraints = CA:FALSE
keyUsage = digitalSignature, nonRepudiation, keyEncipherment, dataEncipherment, keyCertSign
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
subjectAltName = NAMES
`;

/** The OPC UA server of a plant, in a process of its own that can be killed and started again. */
export class PlantServer {
  readonly directory = mkdtempSync(join(tmpdir(), 'pcp-opcua-server-'));
  port = 0;
  #child: ChildProcess | undefined;
  #calls = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #next = 0;

  get url(): string {
    return `opc.tcp://127.0.0.1:${this.port}`;
  }

  async start(options: Partial<ServerOptions> = {}): Promise<this> {
    if (this.port === 0) this.port = options.port ?? (await freePort());
    const child = fork(join(__dirname, 'server.js'), { stdio: process.env.PCP_TEST_LOG ? 'inherit' : 'ignore' });
    this.#child = child;
    child.on('message', ({ id, result, error }: { id: number; result?: unknown; error?: string }) => {
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (error === undefined) call?.resolve(result);
      else call?.reject(new Error(error));
    });
    child.on('exit', () => {
      for (const { reject } of this.#calls.values()) reject(new Error('The server ended.'));
      this.#calls.clear();
    });
    await this.#send({ start: { port: this.port, directory: this.directory, ...options } });
    return this;
  }

  ask<T = unknown>(command: Command): Promise<T> {
    return this.#send({ command }) as Promise<T>;
  }

  counts(): Promise<Counts> {
    return this.ask<Counts>({ do: 'counts' });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  /**
   * A certificate with the server's own key, as a mistake or an attacker would make it.
   * @param names as OpenSSL writes them ("URI:urn:...,DNS:...")
   */
  async makeCertificate(names: string, from = new Date(), days = 10): Promise<string> {
    const { CertificateManager } = opcUaLibrary();
    const manager = new CertificateManager({ rootFolder: join(this.directory, 'pki'), disableFileWatchers: true });
    await manager.initialize();
    await manager.dispose();
    const outputFile = join(this.directory, 'server.pem');
    const until = new Date(from.getTime() + days * 86_400_000);
    const time = (date: Date) => date.toISOString().replace(/[-:T]|\.\d+/g, '');
    const [key, config] = [manager.privateKey, join(this.directory, 'openssl.cnf')];
    writeFileSync(config, AUTHORITY.replaceAll('DIR', this.directory).replace('NAMES', names));
    writeFileSync(join(this.directory, 'index.txt'), '');
    const openssl = (...parameters: string[]) =>
      // node-opcua-crypto leaves OPENSSL_CONF behind as the text "undefined", which openssl takes for a file.
      execFileSync('openssl', parameters, { stdio: 'ignore', env: { ...process.env, OPENSSL_CONF: undefined } });
    const request = join(this.directory, 'server.csr');
    openssl('req', '-new', '-key', key, '-subj', '/CN=plant', '-config', config, '-out', request);
    const dates = ['-startdate', time(from), '-enddate', time(until)];
    openssl(
      'ca',
      '-batch',
      '-selfsign',
      '-keyfile',
      key,
      '-config',
      config,
      ...dates,
      '-in',
      request,
      '-out',
      outputFile,
    );
    return outputFile;
  }

  #send(message: { start: ServerOptions } | { command: Command }): Promise<unknown> {
    const id = ++this.#next;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#child?.send({ id, ...message });
    });
  }
}
