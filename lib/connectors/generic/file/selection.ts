import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectorEnvironment } from '../../contract';
import { fileError } from './fs-errors';
import type { FoundFile, RootFolder } from './root-folder';
import type { FileEntity, FileSettings } from './settings';

/** Names that senders use while they write. */
const UNFINISHED_NAME = /\.(tmp|temp|part|partial|filepart|crdownload|swp|lock)$|~$|(^|\/)~[^/]*$/i;

/** Files of an entity in the order they are read: by path, so that names with a date or number keep their sequence. */
export async function matchingFiles(
  root: RootFolder,
  entity: FileEntity,
  settings: FileSettings,
  signal: AbortSignal,
): Promise<FoundFile[]> {
  const skip = new Set([settings.done_folder, settings.error_folder]);
  const found = await root.list(entity.pattern, skip, signal);
  return found.filter((file) => !UNFINISHED_NAME.test(file.path));
}

/**
 * The matching files that nobody is writing any more. A file that changed within the settle time is looked at again after
 * it; if it still changes it is left for the next run.
 * @throws config PCP_FILE_NOT_FOUND for a single named file that is not there, unless reading takes the file away
 */
export async function settledFiles(
  root: RootFolder,
  entity: FileEntity,
  settings: FileSettings,
  environment: ConnectorEnvironment,
  signal: AbortSignal,
): Promise<FoundFile[]> {
  const files = await matchingFiles(root, entity, settings, signal);
  if (files.length === 0 && entity.pattern.isLiteral && entity.afterRead === 'keep') {
    throw fileError(Object.assign(new Error(), { code: 'ENOENT' }), entity.path);
  }
  const settleMs = settings.settle_seconds * 1000;
  const now = Date.now();
  const isFresh = (file: FoundFile) => settleMs > 0 && now - file.changedMs < settleMs;
  if (!files.some(isFresh)) return files;
  await delay(settleMs, undefined, { signal });
  const settled: FoundFile[] = [];
  for (const file of files) {
    if (!isFresh(file)) settled.push(file);
    else if (await isUnchanged(root, file)) settled.push(file);
    else environment.log('info', `"${file.path}" is still being written; it is read in the next run.`);
  }
  return settled;
}

/** The same text for the same files; null where there are none. What changed within the settle time does not count yet. */
export async function namePresent(
  root: RootFolder,
  entity: FileEntity,
  settings: FileSettings,
  signal: AbortSignal,
): Promise<string | null> {
  const settledBefore = Date.now() - settings.settle_seconds * 1000;
  const settled = (await matchingFiles(root, entity, settings, signal)).filter(
    (file) => file.changedMs <= settledBefore,
  );
  if (settled.length === 0) return null;
  const names = settled.map(({ path, size, mtimeMs }) => [path, size, mtimeMs]);
  return createHash('sha256').update(JSON.stringify(names)).digest('base64url');
}

/** True while the file is the one that was found: same size and time. */
export async function isUnchanged(
  root: RootFolder,
  file: Pick<FoundFile, 'path' | 'size' | 'mtimeMs'>,
): Promise<boolean> {
  const stats = await root.stat(file.path);
  return stats !== null && stats.size === file.size && stats.mtimeMs === file.mtimeMs;
}
