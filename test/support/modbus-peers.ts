import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { absent, findProgram, freePort, startServer } from './server-process';

/** Modbus servers from other hands, each a process of its own on a free port or a pair of pseudo terminals. */

export interface ModbusPeer {
  port: number;
  stop(): Promise<void>;
  /** Comes back at the same port, with its first values. */
  restart(): Promise<void>;
}

const SOURCES = join(__dirname, '..', '..', '..', 'test', 'support');
const INSTALL = 'apt-get install libmodbus-dev gcc socat python3-pymodbus python3-serial python3-serial-asyncio';

let folder: string | undefined;
const running = new Set<ChildProcess>();

export function peersAvailable(): boolean {
  return Boolean(process.env.CI) || existsSync('/usr/include/modbus/modbus.h');
}

/** libmodbus by TCP: it answers to every unit id. */
export async function libmodbusTcp(context?: Mocha.Context): Promise<ModbusPeer> {
  const program = compiled(context);
  return peer((port) => startServer(program, ['tcp', String(port)], undefined, () => dial(port)));
}

export interface SerialPeer {
  path: string;
  stop(): Promise<void>;
}

/** libmodbus as unit 17 at one end of a pair of pseudo terminals; `path` is the other end. */
export async function libmodbusRtu(context?: Mocha.Context): Promise<SerialPeer> {
  const program = compiled(context);
  const socat = findProgram(['socat'], []);
  if (socat === undefined) absent(context, 'socat', INSTALL);
  const ends = ['client', 'server'].map((name) => join(temporary(), `${name}-${process.hrtime.bigint()}`)) as [
    string,
    string,
  ];
  const pair = await startServer(
    socat,
    ends.map((end) => `pty,raw,echo=0,link=${end}`),
    undefined,
    async () => {
      if (!ends.every((end) => existsSync(end))) throw new Error('no terminals yet');
    },
  );
  running.add(pair);
  const server = spawn(program, ['rtu', ends[1], '17'], { stdio: 'ignore' });
  running.add(server);
  return {
    path: ends[0],
    async stop() {
      await ended(server);
      await ended(pair);
    },
  };
}

/** pymodbus: units 1 and 2 answer, all others stay silent. */
export async function pymodbus(kind: 'tcp' | 'rtu_over_tcp', context?: Mocha.Context): Promise<ModbusPeer> {
  const python = '/usr/bin/python3';
  try {
    execFileSync(python, ['-c', 'import pymodbus.server'], { stdio: 'ignore' });
  } catch {
    absent(context, 'python3-pymodbus', INSTALL);
  }
  const script = join(SOURCES, 'pymodbus-server.py');
  return peer((port) => startServer(python, [script, kind, String(port)], undefined, () => dial(port)));
}

async function peer(start: (port: number) => Promise<ChildProcess>): Promise<ModbusPeer> {
  const port = await freePort();
  let child = await start(port);
  running.add(child);
  return {
    port,
    stop: () => ended(child),
    async restart() {
      child = await start(port);
      running.add(child);
    },
  };
}

function compiled(context?: Mocha.Context): string {
  if (!existsSync('/usr/include/modbus/modbus.h')) absent(context, 'libmodbus', INSTALL);
  const program = join(temporary(), 'libmodbus-server');
  if (!existsSync(program)) {
    const source = join(SOURCES, 'libmodbus-server.c');
    execFileSync('gcc', ['-O1', '-o', program, source, '-I/usr/include/modbus', '-lmodbus']);
  }
  return program;
}

function temporary(): string {
  folder ??= mkdtempSync(join(tmpdir(), 'pcp-modbus-'));
  return folder;
}

function dial(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}

async function ended(child: ChildProcess): Promise<void> {
  running.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exit;
}

if (typeof after === 'function') {
  after('stop Modbus servers', async () => {
    await Promise.all([...running].map(ended));
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });
}
