import { type ErrorClass, type ErrorDetails, IntegrationError } from '../../../model/errors';
import { phrase, type Said } from '../../../model/phrase';

const KNOWN: Record<string, { errorClass: ErrorClass; code: string; what: Said; hint: string }> = {
  ENOENT: {
    errorClass: 'config',
    code: 'PCP_FILE_NOT_FOUND',
    what: phrase`does not exist`,
    hint: 'Check the path; it is case-sensitive and counts from the root folder.',
  },
  ENOTDIR: {
    errorClass: 'config',
    code: 'PCP_FOLDER_NOT_FOUND',
    what: phrase`is not a folder`,
    hint: 'Check the path: a file stands where a folder was expected.',
  },
  EACCES: {
    errorClass: 'permission',
    code: 'PCP_FILE_PERMISSION',
    what: phrase`is not accessible`,
    hint: 'Give the user that runs Node-RED the right to read (and, for moves and exports, write) this folder.',
  },
  ENOSPC: {
    errorClass: 'transient',
    code: 'PCP_DISK_FULL',
    what: phrase`cannot grow: the disk is full`,
    hint: 'Free some space; the run continues from its last commit.',
  },
  ELOOP: {
    errorClass: 'permission',
    code: 'PCP_PATH_OUTSIDE_ROOT',
    what: phrase`is a symbolic link`,
    hint: 'Links are not followed; put the file itself under the root folder.',
  },
};
KNOWN.EPERM = KNOWN.EACCES!;
KNOWN.EROFS = KNOWN.EACCES!;
KNOWN.EDQUOT = KNOWN.ENOSPC!;

const TRANSIENT = new Set([
  'EIO',
  'EBUSY',
  'EAGAIN',
  'EMFILE',
  'ENFILE',
  'ESTALE',
  'ETIMEDOUT',
  'EHOSTDOWN',
  'ENOTCONN',
]);

/** Turns an error of node:fs about `name` (relative to the root) into a typed one; others pass through. */
export function fileError(thrown: unknown, name: string, details: Pick<ErrorDetails, 'path'> = {}): IntegrationError {
  const code = errorCode(thrown);
  if (thrown instanceof IntegrationError || code === undefined || code === 'ABORT_ERR')
    return IntegrationError.from(thrown);
  const known = KNOWN[code];
  if (known) {
    const message = phrase`"${name}" ${known.what}.`;
    return new IntegrationError(known.errorClass, known.code, message, { ...details, hint: known.hint, cause: thrown });
  }
  const errorClass = TRANSIENT.has(code) ? 'transient' : 'config';
  return new IntegrationError(errorClass, 'PCP_FILE_FAILED', phrase`"${name}" failed with ${code}.`, {
    ...details,
    hint: 'See the code of the operating system; a network share may be gone.',
    cause: thrown,
  });
}

export function errorCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}
