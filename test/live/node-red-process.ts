import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { apiContract } from '../support/api-contract';
import { freePort } from '../support/server-process';

export type NodeRedVersion = 'node-red' | 'node-red-4';

export type FlowNode = Record<string, unknown> & { id: string; type: string };

interface StartOptions {
  version?: NodeRedVersion;
  flows?: FlowNode[];
  /** Properties of settings.js, as JSON. */
  settings?: Record<string, unknown>;
  environment?: Record<string, string>;
  /** Continue in this user directory instead of a new one. */
  userDir?: string;
}

/** The build's output (dist, or where this test was compiled to) and the project around it. */
export const OUTPUT = dirname(dirname(__dirname));
const PROJECT = projectRoot(dirname(OUTPUT));

function projectRoot(folder: string): string {
  try {
    readFileSync(join(folder, 'package-lock.json'));
    return folder;
  } catch {
    return projectRoot(dirname(folder));
  }
}

export function exampleFlow(name: string): FlowNode[] {
  return JSON.parse(readFileSync(join(PROJECT, 'examples', `${name}.json`), 'utf8')) as FlowNode[];
}

/** A real Node-RED with this package in a user directory of its own, on a free port of this machine. */
export class NodeRed {
  output = '';
  private constructor(
    readonly userDir: string,
    readonly url: string,
    readonly process: ChildProcess,
  ) {}

  static async start(options: StartOptions = {}): Promise<NodeRed> {
    const userDir = options.userDir ?? mkdtempSync(join(tmpdir(), 'pcp-live-'));
    if (options.userDir === undefined) installPackage(userDir);
    const port = await freePort();
    const settings = {
      uiHost: '127.0.0.1',
      uiPort: port,
      flowFile: 'flows.json',
      credentialSecret: 'for tests',
      logging: { console: { level: 'info' } },
      editorTheme: { tours: false },
      telemetry: { enabled: false },
      ...options.settings,
    };
    writeFileSync(join(userDir, 'settings.js'), `module.exports = ${JSON.stringify(settings)};`);
    if (options.flows) writeFileSync(join(userDir, 'flows.json'), JSON.stringify(options.flows));
    const red = join(PROJECT, 'node_modules', options.version ?? 'node-red', 'red.js');
    const child = spawn(process.execPath, [red, '--userDir', userDir], {
      cwd: userDir,
      env: {
        ...process.env,
        LANG: 'en_US.UTF-8',
        NODE_RED_ENABLE_SAFE_MODE: 'false',
        // The API that the example of pcp-rest brings with it.
        PCP_EXAMPLES_REST: `http://127.0.0.1:${port}/pcp-example`,
        ...options.environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const nodeRed = new NodeRed(userDir, `http://127.0.0.1:${port}`, child);
    child.stdout.on('data', (chunk) => {
      nodeRed.output += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      nodeRed.output += String(chunk);
    });
    try {
      await nodeRed.printed(/Started flows|Fluxos iniciados/);
      // It listens apart from that, now and then a moment later, and says so with its address.
      await nodeRed.printed(new RegExp(`//127\\.0\\.0\\.1:${port}\\b`));
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
    return nodeRed;
  }

  /** Resolves when the log shows the pattern; rejects when Node-RED ends before. */
  printed(pattern: RegExp, from = 0): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (pattern.test(this.output.slice(from))) finish(resolve);
      };
      const ended = () => finish(() => reject(new Error(`Node-RED ended:\n${this.output}`)));
      const finish = (settle: () => void) => {
        this.process.stdout?.off('data', look);
        this.process.off('exit', ended);
        settle();
      };
      this.process.stdout?.on('data', look);
      this.process.once('exit', ended);
      if (this.process.exitCode !== null) ended();
      else look();
    });
  }

  /** An answer of the API must be one that its document promises. */
  async request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const response = await fetch(this.url + path, {
      method,
      // A server that stands still for some seconds closes what is idle before it looks at what came meanwhile.
      headers: { connection: 'close', ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw new Error(`${method} ${path}: no answer (exit ${this.process.exitCode})\n${this.output}`, { cause });
    });
    const place = /\/integrations(\/(?!ui\/|hooks\/).*)$/.exec(path)?.[1];
    if (place !== undefined) {
      const { status, headers: answered } = response;
      const answer = { status, headers: Object.fromEntries(answered), text: await response.clone().text() };
      (await apiContract()).check(method, place, answer);
    }
    return response;
  }

  async json<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const response = await this.request(method, path, body, { accept: 'application/json', ...headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}\n${this.output}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /** Deploys flows and waits until they have started. */
  async deploy(flows: FlowNode[], type: 'full' | 'flows' | 'nodes' = 'full', adminRoot = ''): Promise<void> {
    const from = this.output.length;
    await this.json('POST', `${adminRoot}/flows`, flows, { 'Node-RED-Deployment-Type': type });
    await this.printed(/Started (modified )?(flows|nodes)/, from);
  }

  /** Presses the button of an inject node. */
  async inject(id: string): Promise<void> {
    const response = await this.request('POST', `/inject/${id}`, {});
    if (!response.ok) throw new Error(`inject ${id}: ${response.status}`);
  }

  /** Ends Node-RED as a service manager does. @returns its exit code */
  async stop(): Promise<number | null> {
    if (this.process.exitCode !== null) return this.process.exitCode;
    const exit = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    const [code] = (await exit) as [number | null];
    return code;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.userDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** As npm would leave it, but with the compiled output linked, whatever its folder is called. */
function installPackage(userDir: string): void {
  const home = join(userDir, 'node_modules', '@pcp', 'node-red-integrations');
  mkdirSync(home, { recursive: true });
  const manifest = readFileSync(join(PROJECT, 'package.json'), 'utf8');
  writeFileSync(join(home, 'package.json'), manifest);
  symlinkSync(OUTPUT, join(home, 'dist'));
  symlinkSync(join(PROJECT, 'examples'), join(home, 'examples'));
  const dependencies = { '@pcp/node-red-integrations': (JSON.parse(manifest) as { version: string }).version };
  writeFileSync(join(userDir, 'package.json'), JSON.stringify({ name: 'live-test', version: '0.0.1', dependencies }));
}
