import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AUTHORITY, OTHER, SERVER } from './certificates';
import { absent, findProgram, freePort, startServer } from './server-process';

const FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/bin'];

export const USER = { username: 'plant', password: 'mosquitto-plant-secret' };

/** A Mosquitto of the tests' own. */
export interface Broker {
  /** With user and password. */
  plain: number;
  /** With a certificate for localhost, erp.plant and 127.0.0.1, for everybody. */
  tls: number;
  /** With a certificate for other.plant. */
  otherName: number;
  /** Takes only who has a client certificate. */
  mutual: number;
  /** WebSocket with user and password. */
  ws: number;
  /** For everybody. */
  open: number;
  /** Ends it as a power cut would, or so that it saves its sessions. */
  stop(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Starts it again on the same ports. */
  start(): Promise<void>;
  release(): Promise<void>;
}

export function mosquittoAvailable(): boolean {
  return findProgram(['mosquitto'], FOLDERS) !== undefined || Boolean(process.env.CI);
}

interface MosquittoOptions {
  /** Over a restart; only the open port is there then. */
  keepsSessions?: boolean;
  /** Messages that it sends to a client of 3.1.1 before it waits for acknowledgements. */
  inflight?: number;
}

export async function mosquitto(context?: Mocha.Context, options: MosquittoOptions = {}): Promise<Broker> {
  const program = findProgram(['mosquitto'], FOLDERS);
  if (program === undefined) absent(context, 'Mosquitto', 'apt-get install mosquitto mosquitto-clients');
  const folder = mkdtempSync(join(tmpdir(), 'pcp-mosquitto-'));
  const file = (name: string, content: string) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const passwords = file('passwords', '');
  execFileSync('mosquitto_passwd', ['-b', passwords, USER.username, USER.password], { stdio: 'ignore' });
  const ports = await Promise.all(Array.from({ length: 6 }, freePort));
  const [plain, tls, otherName, mutual, ws, open] = ports as [number, number, number, number, number, number];
  const ca = file('ca.pem', AUTHORITY);
  const certificate = (name: string, { cert, key }: { cert: string; key: string }) => [
    `certfile ${file(`${name}.crt`, cert)}`,
    `keyfile ${file(`${name}.key`, key)}`,
  ];
  const access = file(
    'access',
    [
      'topic readwrite #',
      'topic deny secret/#',
      `user ${USER.username}`,
      'topic readwrite #',
      'topic deny secret/#',
    ].join('\n'),
  );
  const secured = ['allow_anonymous false', `password_file ${passwords}`];
  const listener = (port: number, ...lines: string[]) => [`listener ${port} 127.0.0.1`, `acl_file ${access}`, ...lines];
  const base = [
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    'max_queued_messages 0',
    ...(options.inflight === undefined ? [] : [`max_inflight_messages ${options.inflight}`]),
    'persistence true',
    `persistence_location ${folder}/`,
    'log_dest stderr',
    'log_type error',
  ];
  const listeners = [
    ...listener(plain, ...secured),
    ...listener(tls, 'allow_anonymous true', ...certificate('server', SERVER)),
    ...listener(otherName, 'allow_anonymous true', ...certificate('other', OTHER)),
    ...listener(
      mutual,
      'allow_anonymous true',
      `cafile ${ca}`,
      'require_certificate true',
      ...certificate('mutual', SERVER),
    ),
    ...listener(ws, ...secured, 'protocol websockets'),
    ...listener(open, 'allow_anonymous true'),
  ];
  // Mosquitto forgets with its listeners what the sessions of an earlier life may receive.
  const config = options.keepsSessions
    ? [...base, `listener ${open} 127.0.0.1`, 'allow_anonymous true']
    : ['per_listener_settings true', ...base, ...listeners];
  const path = file('mosquitto.conf', `${config.join('\n')}\n`);
  let child: ChildProcess | undefined;
  const broker: Broker = {
    plain,
    tls,
    otherName,
    mutual,
    ws,
    open,
    async start() {
      child = await startServer(program, ['-c', path], undefined, () => answers(open));
    },
    async stop(signal = 'SIGTERM') {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    },
    async release() {
      await broker.stop('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await broker.start();
  return broker;
}

async function answers(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}

/** Publishes with a client of other hands. */
export function publishBy(port: number, topic: string, payload: string, ...options: string[]): void {
  execFileSync('mosquitto_pub', ['-h', '127.0.0.1', '-p', String(port), '-t', topic, '-m', payload, ...options], {
    stdio: 'ignore',
  });
}
