import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { inEachLanguage } from '../../../locales/catalogue';
import { IntegrationError } from '../../../model/errors';
import { listed, type Phrase, phrase } from '../../../model/phrase';
import type { TestDetail, TestReport, TestStep, TestStepName } from '../../contract';
import type { LocalizedText } from '../../descriptor';
import { fileError } from './fs-errors';
import type { RootFolder } from './root-folder';
import { sampleRecords } from './sample';
import { matchingFiles } from './selection';
import { type FileEntity, type FileSettings, resolveEntity } from './settings';
import { hasPlaceholders } from './templates';

/** Leaves time for the answer within the ten seconds that a test may take, even when a share hangs. */
const LIMIT_MS = 8000;

/** connect: the root is a folder. authorise: it can be read and, where files leave or arrive, written. read: a first record each. */
export async function testFolder(root: RootFolder, settings: FileSettings, signal: AbortSignal): Promise<TestReport> {
  const started = performance.now();
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), LIMIT_MS);
  const limited = AbortSignal.any([signal, deadline.signal]);
  const steps: TestStep[] = [];
  const work: [TestStepName, () => Promise<TestDetail>][] = [
    ['connect', async () => root.resolve()],
    ['authorise', () => checkRights(root, settings)],
    ['read', () => readFirst(root, settings, limited)],
  ];
  try {
    for (const [name, step] of work) {
      try {
        signal.throwIfAborted();
        steps.push({ name, ok: true, detail: await within(step(), limited, settings.root) });
      } catch (thrown) {
        const error = fileError(thrown, settings.root);
        const hinted = error.hint
          ? error
          : new IntegrationError(error.class, error.code, error.said, { hint: 'Try again.' });
        steps.push({ name, ok: false, error: hinted.toJSON() });
        break;
      }
    }
  } finally {
    clearTimeout(timer);
  }
  const ok = steps.every((step) => step.ok);
  return { ok, steps, duration_ms: Math.round(performance.now() - started) };
}

async function checkRights(root: RootFolder, settings: FileSettings): Promise<LocalizedText> {
  const folder = await root.resolve();
  try {
    await access(folder, constants.R_OK | constants.X_OK);
  } catch (thrown) {
    throw fileError(thrown, settings.root, { path: '/config/root' });
  }
  const folders = new Set<string>();
  for (const name of Object.keys(settings.entities)) {
    for (const each of await changedFolders(root, resolveEntity(name, settings), settings)) folders.add(each);
  }
  for (const each of folders) await root.requireWritable(each);
  return folders.size > 0
    ? { 'en-US': 'read and write', 'pt-BR': 'leitura e gravação' }
    : { 'en-US': 'read', 'pt-BR': 'leitura' };
}

/** Folders that files leave when they were read, and those that an export brings files to. */
async function changedFolders(root: RootFolder, entity: FileEntity, settings: FileSettings): Promise<string[]> {
  const folders: string[] = [];
  if (settings.entities[entity.name]?.write !== undefined && entity.write.path !== null) {
    const parts = entity.write.path.split('/').slice(0, -1);
    const fixed = parts.findIndex(hasPlaceholders);
    folders.push(parts.slice(0, fixed === -1 ? undefined : fixed).join('/') || '.');
  }
  if (isExportOnly(entity, settings)) return folders;
  const { done_folder: done, error_folder: error } = settings;
  const leave = [...(entity.afterRead === 'move' ? [done] : []), ...(entity.afterError === 'move' ? [error] : [])];
  if (leave.length === 0 && entity.afterRead === 'keep') return folders;
  for (const folder of fixedFolders(entity)) {
    // What is not there is told by the reading.
    if ((await root.stat(folder)) !== null) folders.push(folder, ...leave.map((name) => `${folder}/${name}`));
  }
  return folders;
}

/** Which folders wildcards stand for is not known as long as they are empty. */
function fixedFolders({ pattern }: FileEntity): string[] {
  return pattern.alternatives.flatMap((segments) => {
    const names = segments.slice(0, -1).map((segment) => (segment.kind === 'literal' ? segment.name : null));
    return names.includes(null) ? [] : [names.join('/') || '.'];
  });
}

async function readFirst(root: RootFolder, settings: FileSettings, signal: AbortSignal): Promise<LocalizedText> {
  const found: Phrase[] = [];
  const broken: IntegrationError[] = [];
  for (const name of Object.keys(settings.entities)) {
    const entity = resolveEntity(name, settings);
    if (isExportOnly(entity, settings)) continue;
    const files = await matchingFiles(root, entity, settings, signal);
    const fault = files[0] && (await sampleRecords(root, entity, settings, files[0], 1, signal)).fault;
    if (fault) broken.push(ofEntity(name, fault));
    else if (files.length === 1) found.push(phrase`${name}: 1 file matches`);
    else found.push(phrase`${name}: ${files.length} files match`);
  }
  // What is in a file need not be what is wrong with the connection, as long as others can be read.
  if (found.length === 0 && broken[0] !== undefined) throw broken[0];
  const told = [...found, ...broken.map(({ said }) => said)];
  if (told.length > 0) return inEachLanguage(listed(told, ', '));
  return inEachLanguage(
    Object.keys(settings.entities).length > 0
      ? phrase`nothing is read; files are only written`
      : phrase`no files are configured; paths under the root can be used directly`,
  );
}

function ofEntity(name: string, { class: errorClass, code, said, hint }: IntegrationError): IntegrationError {
  return new IntegrationError(errorClass, code, phrase`"${name}" cannot be read: ${said}`, {
    ...(hint !== undefined && { hint }),
  });
}

/** Its folder is made by the first export. */
function isExportOnly(entity: FileEntity, settings: FileSettings): boolean {
  return settings.entities[entity.name]?.write !== undefined && entity.write.path === entity.path;
}

async function within<T>(work: Promise<T>, signal: AbortSignal, what: string): Promise<T> {
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      const hint = 'A network share may hang; check that it is mounted and answers.';
      reject(new IntegrationError('transient', 'PCP_TIMEOUT', `"${what}" did not answer in time.`, { hint }));
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
