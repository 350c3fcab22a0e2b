import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import { hasKey, keyText } from '../../../protocols/odata/address';
import type { Batching } from '../../../protocols/odata/batching';
import type { Entity } from '../../../protocols/odata/entity';
import { findEach, findMatches } from '../../../protocols/odata/find';
import { externalKey } from '../external-key';
import type { ODataEntity } from './entity';
import { selectionOf } from './read';

type Data = Record<string, unknown>;

/**
 * Finds the one entity that a record stands for: by our own key in it, by the key of its set, or by the fields that identify
 * the record.
 * @throws data PCP_ODATA_AMBIGUOUS when there are several
 */
export async function findEntity(
  entity: ODataEntity,
  record: Data,
  keyFields: readonly string[],
  sender: string,
  signal: AbortSignal,
): Promise<Entity | null> {
  return findPrepared(entity, preparedData(entity, record, sender), keyFields, signal);
}

/** The same as records are here. */
export async function findRecord(...question: Parameters<typeof findEntity>): Promise<Data | null> {
  const found = await findEntity(...question);
  return found && question[0].shape.fromService(found.data);
}

async function findPrepared(
  entity: ODataEntity,
  data: Data,
  keyFields: readonly string[],
  signal: AbortSignal,
): Promise<Entity | null> {
  const { service, set } = entity;
  const selection = selectionOf(entity, undefined);
  if (hasKey(set, data)) return service.entity(set, data, selection, signal);
  const fields = identifying(entity, data, keyFields);
  const values = Object.fromEntries(fields.map((field) => [field, data[field] ?? '']));
  return onlyOne(await findMatches(service, set, values, selection, signal), values);
}

/**
 * The same for many records, with few requests where one field identifies each.
 * @param records with our own key as the system keeps it
 * @returns in their order; an error where it is about one record
 */
export async function findEntities(
  entity: ODataEntity,
  batching: Batching,
  records: readonly Data[],
  keyFields: readonly string[],
  signal: AbortSignal,
): Promise<(Entity | null | IntegrationError)[]> {
  const { set, fixed = {} } = entity;
  const questions = records.map((record) => questionOf(entity, record, keyFields));
  const field = questions.find((question) => question !== undefined)?.field ?? '';
  const values = questions.flatMap((question) => (question?.field === field ? [question.value] : []));
  const isAddress = set.type.key.length === 1 && set.type.key[0] === field;
  const found = await findEach(batching, field, values, selectionOf(entity, undefined), signal, fixed).catch(
    (thrown) => {
      if (isAddress && isAboutLists(IntegrationError.from(thrown))) return [];
      throw thrown;
    },
  );
  const results: (Entity | null | IntegrationError)[] = [];
  for (const [index, question] of questions.entries()) {
    const entities = question?.field === field ? found.shift() : undefined;
    const there = async (): Promise<Entity | null> => {
      if (entities instanceof IntegrationError) {
        if (!isAddress || !isAboutLists(entities)) throw entities;
      } else if (entities !== undefined) return onlyOne(entities, { [field]: question?.value });
      return findPrepared(entity, records[index]!, keyFields, signal);
    };
    results.push(
      await there().catch((thrown: unknown) => {
        const error = IntegrationError.from(thrown);
        if (error.class !== 'data') throw error;
        return error;
      }),
    );
  }
  return results;
}

/** Services that give no lists, or do not follow conditions, may follow addresses: many of SAP's have nothing else. */
function isAboutLists({ class: errorClass, code }: IntegrationError): boolean {
  return ['data', 'config'].includes(errorClass) && !['PCP_ODATA_VALUE', 'PCP_HTTP_NOT_FOUND'].includes(code);
}

/** Undefined where it takes more than one field beside the fixed ones, or one that the service does not filter by. */
function questionOf(
  entity: ODataEntity,
  data: Data,
  keyFields: readonly string[],
): { field: string; value: unknown } | undefined {
  const { set, fixed = {} } = entity;
  const { type } = set;
  const names = hasKey(set, data) ? type.key : identifying(entity, data, keyFields);
  const [field, ...others] = names.filter((name) => !(name in fixed) || data[name] !== fixed[name]);
  if (field === undefined || others.length > 0 || type.properties.get(field)?.filterable !== true) return undefined;
  return { field, value: data[field] ?? '' };
}

/** The fields of a record as the service takes them, with our own key as it keeps it. */
export function preparedData({ preset, shape, fixed }: ODataEntity, record: Data, sender: string): Data {
  const own = shape.toService(record);
  const missing = Object.entries(fixed ?? {}).filter(([name]) => (own[name] ?? '') === '');
  const data = missing.length === 0 ? own : { ...own, ...Object.fromEntries(missing) };
  const setting = preset?.external_key;
  if (setting === undefined) return data;
  const { [setting.part ?? '']: part = '', ...fields } = data;
  const value = fields[setting.field];
  if (value === undefined || value === null || value === '') return fields;
  const whole = part === null || part === '' ? value : `${value}/${part}`;
  return { ...fields, [setting.field]: externalKey(whole, setting, sender) };
}

/** What a record is looked for by, as one text. @param data with our own key as the system keeps it */
export function identityOf(entity: ODataEntity, data: Data, keyFields: readonly string[]): string {
  const { set } = entity;
  if (hasKey(set, data)) return keyText(set, data);
  return JSON.stringify(identifying(entity, data, keyFields).map((field) => data[field] ?? ''));
}

function identifying(
  { preset, shape, fixed = {} }: ODataEntity,
  data: Data,
  keyFields: readonly string[],
): readonly string[] {
  const ownKey = preset?.external_key?.field;
  const fields = ownKey !== undefined && data[ownKey] !== undefined ? [ownKey] : shape.asked(keyFields);
  return [...new Set([...Object.keys(fixed), ...fields])];
}

function onlyOne(entities: readonly Entity[], values: Data): Entity | null {
  if (entities.length < 2) return entities[0] ?? null;
  const [field = ''] = Object.keys(values);
  const key = Object.entries(values).map(([name, value]) => `${name} "${String(value)}"`);
  throw new IntegrationError(
    'data',
    'PCP_ODATA_AMBIGUOUS',
    phrase`The system has more than one record with ${key.join(', ')}.`,
    {
      path: field,
      hint: 'Clear up the duplicates there, or let other fields identify the record.',
    },
  );
}
