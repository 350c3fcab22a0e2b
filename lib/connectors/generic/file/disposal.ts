import { basename, dirname, join } from 'node:path/posix';
import { localise } from '../../../locales/catalogue';
import type { IntegrationError } from '../../../model/errors';
import type { FoundFile, RootFolder } from './root-folder';
import { isUnchanged } from './selection';
import type { FileEntity, FileSettings } from './settings';

/** Does with a file that was read what the entity says. One that changed meanwhile is left for the next run. */
export async function disposeOfReadFile(
  root: RootFolder,
  file: Pick<FoundFile, 'path' | 'size' | 'mtimeMs'>,
  entity: FileEntity,
  settings: FileSettings,
): Promise<void> {
  if (entity.afterRead === 'keep' || !(await isUnchanged(root, file))) return;
  if (entity.afterRead === 'delete') await root.remove(file.path);
  else await root.move(file.path, beside(file.path, settings.done_folder), { keepExisting: true });
}

/** Puts a broken file aside, with the reason as JSON beside it. */
export async function quarantineFile(
  root: RootFolder,
  path: string,
  settings: FileSettings,
  error: IntegrationError,
  recordsBefore: number,
): Promise<void> {
  if ((await root.stat(path)) === null) return;
  const moved = await root.move(path, beside(path, settings.error_folder), { keepExisting: true });
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

function beside(path: string, folder: string): string {
  return join(dirname(path), folder, basename(path));
}
