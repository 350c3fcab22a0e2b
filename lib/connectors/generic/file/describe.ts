import type { EntityInfo, JsonSchema } from '../../../model/entity';
import type { EntityDescription } from '../../contract';
import { propertiesOf } from '../../sample-schema';
import { fileError } from './fs-errors';
import { hasWildcards, parsePattern } from './glob';
import type { RootFolder } from './root-folder';
import { sampleRecords } from './sample';
import { matchingFiles } from './selection';
import { type FileEntity, type FileSettings, isKnownFile, resolveEntity } from './settings';

const SAMPLE_RECORDS = 50;
const MAX_LOOSE_FILES = 500;

/** The configured entities, then the files directly under the root that none of them covers. */
export async function discoverEntities(
  root: RootFolder,
  settings: FileSettings,
  signal: AbortSignal,
): Promise<EntityInfo[]> {
  const infos: EntityInfo[] = [];
  const covered = new Set<string>();
  for (const name of Object.keys(settings.entities)) {
    const entity = resolveEntity(name, settings);
    infos.push(entityInfo(entity));
    for (const file of await existingFiles(root, entity, settings, signal)) covered.add(file.path);
  }
  const loose = await root.list(parsePattern('*'), new Set(), signal);
  for (const { path } of loose.filter((file) => isKnownFile(file.path) && !covered.has(file.path))) {
    if (infos.length >= MAX_LOOSE_FILES) break;
    if (!hasWildcards(path)) infos.push(entityInfo(resolveEntity(path, settings)));
  }
  return infos;
}

/**
 * Fields as the first records of the newest file show them. Faults in the content do not matter here: reading reports
 * them.
 * @throws config PCP_FILE_NOT_FOUND for a path without an entry in "entities" that matches nothing
 */
export async function describeEntity(
  root: RootFolder,
  entity: FileEntity,
  settings: FileSettings,
  signal: AbortSignal,
): Promise<EntityDescription> {
  const files = await existingFiles(root, entity, settings, signal);
  const isConfigured = Object.hasOwn(settings.entities, entity.name);
  if (files.length === 0 && !isConfigured && entity.pattern.isLiteral) {
    throw fileError(Object.assign(new Error(), { code: 'ENOENT' }), entity.path);
  }
  const newest = files.reduce<(typeof files)[number] | undefined>(
    (best, file) => (best === undefined || file.mtimeMs > best.mtimeMs ? file : best),
    undefined,
  );
  const sample = newest && (await sampleRecords(root, entity, settings, newest, SAMPLE_RECORDS, signal));
  const properties: Record<string, JsonSchema> = {};
  for (const name of entity.csv.columns ?? []) properties[name] = { type: 'string' };
  Object.assign(properties, propertiesOf(sample?.records ?? []));
  const schema: JsonSchema = {
    type: 'object',
    properties,
    ...(sample?.fault && { 'x-sample-fault': sample.fault.toJSON() }),
  };
  return { info: entityInfo(entity), schema };
}

function entityInfo(entity: FileEntity): EntityInfo {
  const isNamed = entity.name !== entity.path;
  return {
    name: entity.name,
    ...(isNamed && { label: `${entity.name} (${entity.path})` }),
    kind: 'file',
    key: [],
    readable: true,
    writable: entity.write.path !== null,
  };
}

/** An entity whose folder does not exist yet has no files; that is for `test` and `read` to report. */
async function existingFiles(root: RootFolder, entity: FileEntity, settings: FileSettings, signal: AbortSignal) {
  await root.resolve();
  try {
    return await matchingFiles(root, entity, settings, signal);
  } catch (thrown) {
    const error = fileError(thrown, entity.path);
    if (error.code === 'PCP_FOLDER_NOT_FOUND') return [];
    throw error;
  }
}
