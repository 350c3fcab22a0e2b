import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NodeRed } from '../../demo/node-red';
import { freePort } from '../../test/support/server-process';
import type { FlowContext } from '../peers/flow-database';

const PROJECT_ROOT = path.join(__dirname, '..', '..', '..');

export interface BenchNodeRedOptions {
  flows: object[];
  /** Installs the package in the user directory. */
  withPackage: boolean;
  /** Of PostgreSQL; absent = SQLite in the user directory. */
  storeUrl?: string;
  /** Others, by name, and where they are. */
  packages?: Record<string, string>;
  /** Argument of `flowContext`, when the flows need it. */
  target?: { postgres: string } | { sqlite: string } | null;
}

/** A Node-RED of its own, in a directory that goes with it. */
export class BenchNodeRed {
  private constructor(
    readonly base: string,
    readonly directory: string,
    /** From the start of the process to the first answer of its admin API, in seconds. */
    readonly startSeconds: number,
    private readonly nodeRed: NodeRed,
  ) {}

  static async start(options: BenchNodeRedOptions): Promise<BenchNodeRed> {
    const directory = mkdtempSync(path.join(tmpdir(), 'pcp-bench-nr-'));
    const port = await freePort();
    const context = path.join(PROJECT_ROOT, 'dist', 'bench', 'peers', 'flow-database.js');
    writeFileSync(path.join(directory, 'flows.json'), JSON.stringify(options.flows));
    writeFileSync(
      path.join(directory, 'settings.js'),
      `module.exports = {
        uiHost: '127.0.0.1', uiPort: ${port}, flowFile: 'flows.json', credentialSecret: 'bench',
        telemetry: { enabled: false, updateNotification: false }, logging: { console: { level: 'error' } },
        integrations: { storeUrl: ${JSON.stringify(options.storeUrl)} },
        ${options.target === undefined ? '' : `functionGlobalContext: { bench: require(${JSON.stringify(context)}).flowContext(${JSON.stringify(options.target)}) },`}
      };`,
    );
    if (options.withPackage) {
      mkdirSync(path.join(directory, 'node_modules', '@pcp'), { recursive: true });
      symlinkSync(PROJECT_ROOT, path.join(directory, 'node_modules', '@pcp', 'node-red-integrations'), 'junction');
    }
    for (const [name, folder] of Object.entries(options.packages ?? {})) {
      mkdirSync(path.join(directory, 'node_modules'), { recursive: true });
      symlinkSync(folder, path.join(directory, 'node_modules', name), 'junction');
    }
    const started = performance.now();
    const nodeRed = new NodeRed(PROJECT_ROOT, directory);
    const base = `http://127.0.0.1:${port}`;
    while (!(await fetch(`${base}/flows/state`).catch(() => null))) {
      if (!nodeRed.running) throw new Error('Node-RED ended while it was starting.');
      await delay(10);
    }
    const startSeconds = (performance.now() - started) / 1000;
    // The routes of http-in nodes come with the flows, a moment later.
    while (options.target !== undefined && !(await fetch(`${base}/bench/state`)).ok) await delay(20);
    return new BenchNodeRed(base, directory, startSeconds, nodeRed);
  }

  get pid(): number {
    return this.nodeRed.pid as number;
  }

  /** Flows with the secrets of their nodes. */
  async deploy(flows: object[]): Promise<void> {
    const headers = { 'content-type': 'application/json', 'Node-RED-Deployment-Type': 'full' };
    const response = await fetch(`${this.base}/flows`, { method: 'POST', headers, body: JSON.stringify(flows) });
    if (!response.ok) throw new Error(`POST /flows: ${response.status} ${await response.text()}`);
  }

  state(): Promise<ReturnType<FlowContext['state']>> {
    return this.get('/bench/state');
  }

  async get<T>(url: string): Promise<T> {
    const response = await fetch(this.base + url);
    if (!response.ok) throw new Error(`GET ${url}: ${response.status}`);
    return (await response.json()) as T;
  }

  async stop(): Promise<void> {
    await this.nodeRed.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
