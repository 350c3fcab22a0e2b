import { createHash } from 'node:crypto';
import { IntegrationError } from '../../../model/errors';
import type { Cursor } from '../../../model/sync';
import type { FoundFile } from './root-folder';
import type { FileIdentity } from './text-source';

/** A file read in part: `record` of its records are committed. */
export interface PartialFile extends FileIdentity {
  record: number;
}

/**
 * Which files are done, as 8 characters each, and how far the file in hand was read. A file that is gone is forgotten, so
 * the cursor grows with the files that stay in the folder, not with time.
 */
export interface FileCursor extends Cursor {
  kind: 'file';
  seen: string;
  partial: PartialFile | null;
}

const DIGEST_LENGTH = 8;
const MAX_REMEMBERED = 20_000;

type Remembered = Pick<FoundFile, 'path' | 'size' | 'mtimeMs'>;

/** The files that this and earlier passes have finished. */
export class SeenFiles {
  readonly #digests = new Set<string>();

  /** @param present only what is still there is remembered on */
  constructor(cursor: FileCursor | null, present: readonly Remembered[]) {
    const remembered = new Set<string>();
    const text = cursor?.seen ?? '';
    for (let at = 0; at < text.length; at += DIGEST_LENGTH) remembered.add(text.slice(at, at + DIGEST_LENGTH));
    for (const file of present) {
      const digest = digestOf(file);
      if (remembered.has(digest)) this.#digests.add(digest);
    }
  }

  has(file: Remembered): boolean {
    return this.#digests.has(digestOf(file));
  }

  /** @throws config PCP_FILE_TOO_MANY */
  add(file: Remembered): void {
    this.#digests.add(digestOf(file));
    if (this.#digests.size <= MAX_REMEMBERED) return;
    throw new IntegrationError(
      'config',
      'PCP_FILE_TOO_MANY',
      `More than ${MAX_REMEMBERED} files would be remembered.`,
      {
        hint: 'Set after_read to "move" or "delete", or take old files away.',
      },
    );
  }

  /** The file has been moved or deleted. */
  forget(file: Remembered): void {
    this.#digests.delete(digestOf(file));
  }

  cursor(partial: PartialFile | null): FileCursor {
    return { v: 1, kind: 'file', seen: [...this.#digests].join(''), partial };
  }
}

/** @throws config PCP_CURSOR_UNKNOWN when another kind of connector made it */
export function asFileCursor(cursor: Cursor | null): FileCursor | null {
  if (cursor === null) return null;
  if (cursor.kind === 'file' && typeof cursor.seen === 'string') return cursor as FileCursor;
  throw new IntegrationError(
    'config',
    'PCP_CURSOR_UNKNOWN',
    `The checkpoint is of kind "${cursor.kind}", not "file".`,
    {
      hint: 'Start a full read: the mapping was made for another kind of source.',
    },
  );
}

export function isSameFile(partial: PartialFile, identity: FileIdentity): boolean {
  return (
    partial.path === identity.path &&
    partial.size === identity.size &&
    partial.mtimeMs === identity.mtimeMs &&
    partial.head === identity.head
  );
}

function digestOf({ path, size, mtimeMs }: Remembered): string {
  return createHash('sha256').update(`${path}\0${size}\0${mtimeMs}`).digest('base64url').slice(0, DIGEST_LENGTH);
}
