import { basename, dirname, join } from 'node:path/posix';
import { localise } from '../../../locales/catalogue';
import type { IntegrationError } from '../../../model/errors';
import type { FoundFile, RootFolder } from './root-folder';
import { isUnchanged } from './selection';
import type { FileEntity, FileSettings } from './settings';

type ReadFile = Pick<FoundFile, 'path' | 'size' | 'mtimeMs'>;

/** Does with a file that was read what the entity says. One that changed meanwhile is left for the next run. */
export async function disposeOfReadFile(
  root: RootFolder,
  file: ReadFile,
  { afterRead }: FileEntity,
  settings: FileSettings,
): Promise<void> {
  if (afterRead === 'keep') return;
  if (afterRead === 'move') await moveReadFile(root, file, beside(file.path, settings.done_folder));
  else {
    const moved = await moveReadFile(root, file, beside(file.path, '.', '.read-'));
    if (moved !== null) await root.remove(moved);
  }
}

/** Puts a broken file aside, with the reason as JSON beside it. One that changed meanwhile is left for the next run. */
export async function quarantineFile(
  root: RootFolder,
  file: ReadFile,
  settings: FileSettings,
  error: IntegrationError,
  recordsBefore: number,
): Promise<void> {
  const { path } = file;
  const moved = await moveReadFile(root, file, beside(path, settings.error_folder));
  if (moved === null) return;
  const { title, message, hint } = localise(error.toJSON(), 'pt-BR');
  const reason = {
    file: path,
    moved_at: new Date().toISOString(),
    code: error.code,
    message: error.message,
    hint: error.hint ?? null,
    records_read_before_the_error: recordsBefore,
    translations: { 'pt-BR': { title, message, hint } },
  };
  const { handle } = await root.openForWriting(`${moved}.reason.json`, 'any');
  try {
    await handle.truncate(0);
    await handle.writeFile(`${JSON.stringify(reason, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Whoever writes the files may give one the name of another at any moment, also between a look at it and its move: what was
 * moved is looked at once more, and goes back when it is not what was read.
 * @returns the name it got; null when another file has its name
 */
async function moveReadFile(root: RootFolder, file: ReadFile, to: string): Promise<string | null> {
  if (!(await isUnchanged(root, file))) return null;
  const moved = await root.move(file.path, to, { keepExisting: true });
  if (await isUnchanged(root, { ...file, path: moved })) return moved;
  await root.putBack(moved, file.path);
  return null;
}

function beside(path: string, folder: string, prefix = ''): string {
  return join(dirname(path), folder, `${prefix}${basename(path)}`);
}
