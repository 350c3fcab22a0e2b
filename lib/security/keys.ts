import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { IntegrationError } from '../model/errors';

export interface VaultKey {
  /** Names the key beside what it sealed; says nothing about it. */
  id: string;
  key: Uint8Array;
}

export interface KeySource {
  /** Value of INTEGRATIONS_KEY: one key, or the current and then earlier ones, separated by commas. */
  environment?: string | undefined;
  /** Where the key file lives when the environment gives none. */
  directory: string;
}

export const KEY_FILE = 'integrations.key';
const KEY_BYTES = 32;

/**
 * The current key first, then the earlier ones that still open what they sealed. Without a key in the environment the
 * key file is read, one key a line; it is made, with mode 0600, when there is none.
 * @throws config PCP_KEY_INVALID, PCP_KEY_FILE_MODE
 */
export function loadKeys(source: KeySource): VaultKey[] {
  if (source.environment !== undefined && source.environment.trim() !== '') {
    return source.environment.split(',').map((text) => parseKey(text, 'INTEGRATIONS_KEY'));
  }
  const path = join(source.directory, KEY_FILE);
  const text = readKeyFile(path) ?? createKeyFile(source.directory, path);
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length === 0) throw invalidKey(path, 'it is empty');
  return lines.map((line) => parseKey(line, path));
}

/** @param where named in the error, the value never is */
export function parseKey(text: string, where: string): VaultKey {
  const trimmed = text.trim();
  const encoding = /^[0-9a-f]{64}$/i.test(trimmed) ? 'hex' : 'base64';
  if (encoding === 'base64' && !/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) {
    throw invalidKey(where, 'it is neither 64 hexadecimal digits nor base64 of 32 bytes');
  }
  const key = Buffer.from(trimmed, encoding);
  if (key.length !== KEY_BYTES) throw invalidKey(where, `it has ${key.length} bytes instead of ${KEY_BYTES}`);
  return { id: createHash('sha256').update('pcp-key-id\0').update(key).digest('hex').slice(0, 12), key };
}

function invalidKey(where: string, why: string): IntegrationError {
  return new IntegrationError('config', 'PCP_KEY_INVALID', `The key in ${where} cannot be used: ${why}.`, {
    hint: 'Make one with: openssl rand -base64 32',
  });
}

function readKeyFile(path: string): string | null {
  let mode: number;
  try {
    const status = statSync(path);
    if (!status.isFile()) throw invalidKey(path, 'it is not a regular file');
    mode = status.mode & 0o777;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new IntegrationError(
      'config',
      'PCP_KEY_FILE_MODE',
      `The key file ${path} can be read by others (mode ${mode.toString(8).padStart(4, '0')}).`,
      { hint: `Run: chmod 600 ${path}, and change the credentials if others may have read it.` },
    );
  }
  return readFileSync(path, 'utf8');
}

/** Two processes may start at once: the file appears whole or not at all, and the one that comes second takes the first one's. */
function createKeyFile(directory: string, path: string): string {
  mkdirSync(directory, { recursive: true });
  const text = `${randomBytes(KEY_BYTES).toString('base64')}\n`;
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  const file = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    linkSync(temporary, path);
    syncDirectory(directory);
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return readFileSync(path, 'utf8');
  } finally {
    unlinkSync(temporary);
  }
}

/** A key that a power cut takes away would take every credential with it. Windows knows no such call. */
function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
