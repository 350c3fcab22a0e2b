import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { IntegrationError } from '../model/errors';

/** Where the hub and Node-RED keep what no connection may touch. */
export interface ProtectedPlaces {
  /** Node-RED's user directory, and the hub's own when it is another: what is protected there is known by its name. */
  directories: readonly string[];
  /** Files that may be anywhere, and folders with all that is in them. */
  paths: readonly string[];
}

/**
 * Names directly in these directories: the hub's store, key, spool and streams with all that SQLite and the hub put beside them,
 * settings and other scripts, flows, credentials, sessions and package files, with Node-RED's copies of them.
 */
const PROTECTED_NAME = /^integrations\.(db|key|spool|streams|refused)|\.[cm]?js$|\.json(\.backup|\.\$\$\$)?$|^\.npmrc$/;
/** Folders there from which Node-RED loads code or flows, and the hub's with certificates and their keys. */
const PROTECTED_FOLDERS = new Set(['node_modules', 'nodes', 'lib', 'projects', 'integrations.pki']);
/** Those that are recognised under any name, through hard links and other mounts as well. */
const KNOWN_BY_IDENTITY = [
  'integrations.db',
  'integrations.db-wal',
  'integrations.db-shm',
  'integrations.key',
  'integrations.spool.db',
  'integrations.spool.db-wal',
  'integrations.spool.db-shm',
  'integrations.streams',
  'integrations.refused',
  'settings.js',
  'flows.json',
  'flows_cred.json',
  '.config.runtime.json',
  '.sessions.json',
];

/** What of the hub and of Node-RED no connection may touch, whoever configured it. */
export class ProtectedFiles {
  readonly #directories: string[];
  readonly #paths: string[];
  #names: Promise<{ directories: string[]; paths: string[] }> | undefined;

  constructor({ directories, paths }: ProtectedPlaces) {
    this.#directories = directories.map((directory) => resolve(directory));
    this.#paths = paths.map((path) => resolve(path));
  }

  /** @param path absolute, its folder resolved; the file itself need not exist */
  async hasPath(path: string): Promise<boolean> {
    // The processes' environment may hold the key.
    if (path.startsWith('/proc/')) return true;
    this.#names ??= this.#resolve();
    const { directories, paths } = await this.#names;
    if (paths.some((each) => path === each || path.startsWith(each + sep))) return true;
    for (const directory of directories) {
      const inside = relative(directory, path);
      if (inside === '' || isAbsolute(inside)) continue;
      const [first = '', ...rest] = inside.split(sep).map(plainName);
      if (first === '..') continue;
      if (PROTECTED_FOLDERS.has(first) || (rest.length === 0 && PROTECTED_NAME.test(first))) return true;
    }
    return false;
  }

  /** True when it is the same file as one of the hub's, whatever its name. */
  async hasFile({ dev, ino }: Pick<Stats, 'dev' | 'ino'>): Promise<boolean> {
    const inside = this.#directories.flatMap((directory) => KNOWN_BY_IDENTITY.map((name) => join(directory, name)));
    const known = await Promise.all([...inside, ...this.#paths].map((file) => stat(file).catch(absent)));
    return known.some((file) => file !== null && file.ino === ino && file.dev === dev);
  }

  async #resolve(): Promise<{ directories: string[]; paths: string[] }> {
    const named = async (paths: string[]) => (await Promise.all(paths.map(bothNames))).flat();
    return { directories: await named(this.#directories), paths: await named(this.#paths) };
  }
}

/** A SQLite file and all that SQLite puts beside it. */
export function sqliteFiles(storage: string): string[] {
  return ['', '-wal', '-shm', '-journal'].map((end) => storage + end);
}

/** @param name as the user gave it */
export function protectedFile(name: string, path?: string): IntegrationError {
  const message = `"${name.slice(0, 200)}" belongs to Node-RED or to the hub itself.`;
  return new IntegrationError('config', 'PCP_FILE_PROTECTED', message, {
    ...(path !== undefined && { path }),
    hint: "Connections cannot touch the hub's store and key, nor Node-RED's settings, flows and modules. Use a folder of its own.",
  });
}

/** As some file systems compare: without case, trailing dots and blanks, or the name of a stream. */
function plainName(name: string): string {
  if (name === '..') return name;
  return name
    .toLowerCase()
    .replace(/:.*$/, '')
    .replace(/[. ]+$/, '');
}

/** A path as it is given and with its links resolved: of the folder when the file is not there yet. */
async function bothNames(path: string): Promise<string[]> {
  const real = await realpath(path).catch(absent);
  const folder = await realpath(dirname(path)).catch(absent);
  const names = [path, real, folder === null ? null : join(folder, basename(path))];
  return names.filter((name) => name !== null);
}

/** Whatever cannot be seen is compared by its name alone. */
function absent(): null {
  return null;
}
