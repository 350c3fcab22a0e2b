import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { accessSync, chownSync, constants, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { isPortFree } from '../../demo/node-red';

/** A database server of the tests' own: a process on a free port of this machine, with its data in a temporary directory. */

/**
 * A port that nothing listens on, outside the ranges that systems give to outgoing connections (32768 and up): whoever
 * asks such a port again and again until a server is there can be connected to itself, and the server finds it taken.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 32_000);
    if (await isPortFree(port)) return port;
  }
}

/** The first of these programs in PATH or in the folders where distributions hide servers. */
export function findProgram(names: string[], folders: string[]): string | undefined {
  const places = [
    ...folders
      .flatMap((pattern) => globSync(pattern))
      .sort()
      .reverse(),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  return places.flatMap((place) => names.map((name) => join(place, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Database servers refuse to run as root: then they run as the distribution's user for them. */
export function serverUser(name: string): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

export function dataDirectory(prefix: string, user: { uid: number; gid: number } | undefined): string {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  if (user) chownSync(directory, user.uid, user.gid);
  return directory;
}

/** A self-signed certificate for another name than the one the server is reached by. */
export function makeCertificate(directory: string, name: string, user: { uid: number; gid: number } | undefined) {
  const key = join(directory, 'server.key');
  const certificate = join(directory, 'server.crt');
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate, ...subject],
    // node-opcua-crypto leaves OPENSSL_CONF behind as the text "undefined", which openssl takes for a file.
    { stdio: 'ignore', env: { ...process.env, OPENSSL_CONF: undefined } },
  );
  if (user) for (const file of [key, certificate]) chownSync(file, user.uid, user.gid);
  return { key, certificate };
}

/** Starts a server and waits until `ready` succeeds. The process ends with this one at the latest. */
export async function startServer(
  program: string,
  parameters: string[],
  user: { uid: number; gid: number } | undefined,
  ready: () => Promise<unknown>,
): Promise<ChildProcess> {
  const child = spawn(program, parameters, { ...user, stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr?.on('data', (chunk) => {
    output = (output + chunk).slice(-4000);
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  const deadline = Date.now() + 150_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}: ${output}`);
    try {
      await ready();
      return child;
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`${program} did not become ready: ${output}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** @param signal the one that makes this server shut down at once */
export async function stopServer(child: ChildProcess, directory: string, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }
  rmSync(directory, { recursive: true, force: true });
}

/** Without the program: an error on a build server, a skipped test with a reason elsewhere. */
export function absent(context: Mocha.Context | undefined, what: string, install: string): never {
  const message = `${what} is not installed: ${install}`;
  if (process.env.CI || context === undefined) throw new Error(message);
  console.warn(`      ${message}`);
  return context.skip();
}
