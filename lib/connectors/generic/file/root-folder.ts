import { constants, type Dirent, type Stats } from 'node:fs';
import {
  access,
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  stat,
  unlink,
} from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { IntegrationError } from '../../../model/errors';
import { type ProtectedFiles, protectedFile } from '../../../security/protected-files';
import { errorCode, fileError } from './fs-errors';
import type { PathPattern, PatternSegment } from './glob';

const { O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;
/** Windows has no O_NOFOLLOW; there the check after opening decides. */
const O_NOFOLLOW = constants.O_NOFOLLOW ?? 0;
const LONGEST_PATH = 1024;
const MAX_LISTED = 100_000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const HOSTILE = /[\u0000-\u001f\u007f]/;

export interface FoundFile {
  /** Relative to the root, with "/" between the parts. */
  path: string;
  size: number;
  mtimeMs: number;
  /** The later of the times of content and of name or rights: how long the file has been as it is. */
  changedMs: number;
}

/**
 * The one folder that a connection may touch. Paths are relative, have no "..", and lead nowhere else through links: the
 * folder is resolved before and the file checked after it is opened, so a link swapped in between is noticed as well.
 */
export class RootFolder {
  readonly path: string;
  readonly #protected: ProtectedFiles | undefined;
  #real: Promise<string> | undefined;

  /** @param protectedFiles what is refused even below the root; listings leave it out */
  constructor(path: string, protectedFiles?: ProtectedFiles) {
    this.path = path;
    this.#protected = protectedFiles;
  }

  /** The resolved root. @throws config PCP_FOLDER_NOT_FOUND, permission PCP_FILE_PERMISSION */
  async resolve(): Promise<string> {
    this.#real ??= this.#resolve();
    this.#real.catch(() => {
      this.#real = undefined;
    });
    return this.#real;
  }

  /** @throws permission PCP_PATH_OUTSIDE_ROOT, config PCP_FILE_PROTECTED, PCP_FILE_NOT_FOUND or PCP_FILE_KIND */
  async openForReading(path: string): Promise<{ handle: FileHandle; stats: Stats }> {
    const full = await this.#locate(path);
    return this.#open(path, full, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  }

  /**
   * Opens for writing, creating missing folders.
   * @param mode "new" fails when the file exists, "existing" when it does not, "any" takes either
   */
  async openForWriting(path: string, mode: 'new' | 'existing' | 'any'): Promise<{ handle: FileHandle; stats: Stats }> {
    const full = await this.#locate(path, true);
    const create = mode === 'new' ? O_CREAT | O_EXCL : mode === 'any' ? O_CREAT : 0;
    return this.#open(path, full, O_RDWR | O_NOFOLLOW | create);
  }

  /** Renames inside the root, replacing what is there unless `keepExisting`. @returns the name it got */
  async move(from: string, to: string, { keepExisting }: { keepExisting: boolean }): Promise<string> {
    const source = await this.#locate(from);
    let name = to;
    let target = await this.#locate(name, true);
    if (keepExisting) {
      for (let attempt = 0; await exists(target); attempt++) {
        name = numberedName(to, attempt);
        target = await this.#locate(name, true);
      }
    }
    try {
      await rename(source, target);
    } catch (thrown) {
      throw fileError(thrown, from);
    }
    await syncFolder(dirname(target));
    return name;
  }

  /** Gives a file its former name again. A newer one that has the name by now has replaced it, as its writer meant it to. */
  async putBack(from: string, to: string): Promise<void> {
    const [source, target] = [await this.#locate(from), await this.#locate(to)];
    try {
      // Unlike a rename it replaces nothing.
      await link(source, target);
      await unlink(source);
    } catch (thrown) {
      if (errorCode(thrown) === 'EEXIST') return;
      // Some shares have no links.
      await rename(source, target);
    }
  }

  /** Whether files can be made in a folder, or in the one that it would be made in. @throws permission PCP_FILE_PERMISSION */
  async requireWritable(folder: string): Promise<void> {
    for (let path = folder; ; path = dirname(path)) {
      try {
        return await access(await realpath(await this.#locate(path)), constants.W_OK | constants.X_OK);
      } catch (thrown) {
        const error = fileError(thrown, path === '.' ? this.path : path);
        if (error.code !== 'PCP_FILE_NOT_FOUND' || path === '.') throw error;
      }
    }
  }

  /** Removes a file; one that is gone is no error. */
  async remove(path: string): Promise<void> {
    try {
      await unlink(await this.#locate(path));
    } catch (thrown) {
      const error = fileError(thrown, path);
      if (error.code !== 'PCP_FILE_NOT_FOUND') throw error;
    }
  }

  /** What is at the path: null when nothing is, a link's own entry when it is a link. */
  async stat(path: string): Promise<Stats | null> {
    try {
      return await lstat(await this.#locate(path));
    } catch (thrown) {
      const error = fileError(thrown, path);
      if (error.code === 'PCP_FILE_NOT_FOUND') return null;
      throw error;
    }
  }

  /** The absolute path that all names of a file share, also of one whose folder does not exist yet. */
  async identify(path: string): Promise<string> {
    try {
      return await this.#locate(path);
    } catch (thrown) {
      const error = fileError(thrown, path);
      if (error.code !== 'PCP_FILE_NOT_FOUND') throw error;
      return join(await this.resolve(), path);
    }
  }

  /**
   * Regular files that match, in order of their names (code points). Wildcards pass over links, names that start with a
   * dot or hold control characters, the folders named in `skipFolders`, and what is protected.
   */
  async list(pattern: PathPattern, skipFolders: ReadonlySet<string>, signal: AbortSignal): Promise<FoundFile[]> {
    const found = new Map<string, FoundFile>();
    for (const segments of pattern.alternatives) await this.#walk('', segments, skipFolders, found, signal);
    return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async #walk(
    folder: string,
    segments: PatternSegment[],
    skip: ReadonlySet<string>,
    found: Map<string, FoundFile>,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const [first, ...rest] = segments;
    if (first === undefined) return;
    if (first.kind === 'literal') {
      const path = folder === '' ? first.name : `${folder}/${first.name}`;
      if (rest.length > 0) await this.#walk(path, rest, skip, found, signal);
      else await this.#take(path, found);
      return;
    }
    if (first.kind === 'deep') await this.#walk(folder, rest, skip, found, signal);
    for (const entry of await this.#entries(folder)) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      const descends = entry.isDirectory() && !skip.has(entry.name);
      if (first.kind === 'deep') {
        if (descends) await this.#walk(path, segments, skip, found, signal);
      } else if (first.matches.test(entry.name)) {
        if (rest.length > 0 && descends) await this.#walk(path, rest, skip, found, signal);
        else if (rest.length === 0 && entry.isFile()) await this.#take(path, found);
      }
    }
  }

  async #entries(folder: string): Promise<Dirent[]> {
    try {
      const full = await realpath(await this.#locate(folder === '' ? '.' : folder));
      const shown: Dirent[] = [];
      for (const entry of await readdir(full, { withFileTypes: true })) {
        if (entry.name.startsWith('.') || HOSTILE.test(entry.name)) continue;
        if (!(await this.#protected?.hasPath(join(full, entry.name)))) shown.push(entry);
      }
      return shown;
    } catch (thrown) {
      const error = fileError(thrown, folder);
      if (error.code !== 'PCP_FILE_NOT_FOUND') throw error;
      const hint = 'Create it, or correct the path of the entity.';
      throw new IntegrationError('config', 'PCP_FOLDER_NOT_FOUND', `The folder "${folder}" does not exist.`, { hint });
    }
  }

  async #take(path: string, found: Map<string, FoundFile>): Promise<void> {
    const stats = await this.stat(path);
    if (stats === null) return;
    if (stats.isSymbolicLink()) throw escapes(path);
    if (!stats.isFile()) return;
    if (found.size >= MAX_LISTED) {
      const message = `More than ${MAX_LISTED} files match.`;
      throw new IntegrationError('config', 'PCP_FILE_TOO_MANY', message, { hint: 'Narrow the path of the entity.' });
    }
    const { size, mtimeMs, ctimeMs } = stats;
    found.set(path, { path, size, mtimeMs, changedMs: Math.max(mtimeMs, ctimeMs) });
  }

  async #resolve(): Promise<string> {
    try {
      const real = await realpath(this.path);
      if (!(await stat(real)).isDirectory()) throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
      if (await this.#protected?.hasPath(real)) throw protectedFile(this.path, '/config/root');
      return real;
    } catch (thrown) {
      const error = fileError(thrown, this.path, { path: '/config/root' });
      if (error.code !== 'PCP_FILE_NOT_FOUND') throw error;
      throw new IntegrationError('config', 'PCP_FOLDER_NOT_FOUND', `The root folder "${this.path}" does not exist.`, {
        path: '/config/root',
        hint: 'Create the folder or correct "root"; on a server, check that the share is mounted.',
      });
    }
  }

  /** The absolute path with its folder resolved and proved to be inside. */
  async #locate(path: string, createFolders = false): Promise<string> {
    assertRelative(path);
    const root = await this.resolve();
    const folder = dirname(path);
    if (createFolders) await this.#createFolders(root, folder);
    let real: string;
    try {
      real = await realpath(join(root, folder));
    } catch (thrown) {
      throw fileError(thrown, path);
    }
    if (!isInside(root, real)) throw escapes(path);
    const full = join(real, basename(path));
    if (await this.#protected?.hasPath(full)) throw protectedFile(path);
    return full;
  }

  async #createFolders(root: string, folder: string): Promise<void> {
    let current = root;
    for (const part of folder.split('/').filter((name) => name !== '' && name !== '.')) {
      current = join(current, part);
      if (await this.#protected?.hasPath(current)) throw protectedFile(folder);
      try {
        await mkdir(current);
      } catch (thrown) {
        if (errorCode(thrown) !== 'EEXIST') throw fileError(thrown, folder);
      }
      const real = await realpath(current);
      if (!isInside(root, real)) throw escapes(folder);
      current = real;
    }
  }

  async #open(path: string, full: string, flags: number): Promise<{ handle: FileHandle; stats: Stats }> {
    let handle: FileHandle;
    try {
      handle = await open(full, flags, 0o666);
    } catch (thrown) {
      throw fileError(thrown, path);
    }
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) {
        const hint = 'Only regular files are read and written.';
        throw new IntegrationError('config', 'PCP_FILE_KIND', `"${path}" is not a regular file.`, { hint });
      }
      const real = await realpath(full);
      const now = await lstat(real);
      const isSame = now.ino === stats.ino && now.dev === stats.dev;
      if (!isSame || !isInside(await this.resolve(), real)) throw escapes(path);
      if ((await this.#protected?.hasPath(real)) || (await this.#protected?.hasFile(stats))) throw protectedFile(path);
      return { handle, stats };
    } catch (thrown) {
      await handle.close();
      throw fileError(thrown, path);
    }
  }
}

/** @throws permission PCP_PATH_OUTSIDE_ROOT for absolute paths, "..", NUL and control characters */
export function assertRelative(path: string): void {
  const parts = path.split(sep === '\\' ? /[\\/]/ : '/');
  const isHostile = HOSTILE.test(path) || path.length > LONGEST_PATH;
  if (path === '' || isHostile || isAbsolute(path) || parts.includes('..')) throw escapes(path);
}

function escapes(path: string): IntegrationError {
  return new IntegrationError(
    'permission',
    'PCP_PATH_OUTSIDE_ROOT',
    `"${path.slice(0, 200)}" leads out of the root folder or through a link.`,
    { hint: 'Use a path relative to "root", without ".." and without symbolic links.' },
  );
}

function isInside(root: string, path: string): boolean {
  const from = relative(root, path);
  return from === '' || (!isAbsolute(from) && from.split(sep)[0] !== '..');
}

/** A rename survives a power cut only when its folder is synced; file systems that cannot do it say so. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, O_RDONLY).catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

async function exists(full: string): Promise<boolean> {
  return lstat(full).then(
    () => true,
    (thrown: unknown) => errorCode(thrown) !== 'ENOENT',
  );
}

/** "orders.csv" that is taken becomes "orders-20261124T100501123.csv". */
function numberedName(path: string, attempt: number): string {
  const name = basename(path);
  const dot = name.indexOf('.', 1);
  const stamp = new Date().toISOString().replace(/[-:.Z]/g, '') + (attempt === 0 ? '' : `-${attempt}`);
  const renamed = dot === -1 ? `${name}-${stamp}` : `${name.slice(0, dot)}-${stamp}${name.slice(dot)}`;
  return join(dirname(path), renamed);
}
