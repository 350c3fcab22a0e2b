import { IntegrationError } from '../../../../model/errors';
import { phrase } from '../../../../model/phrase';
import type { Json } from '../../../../protocols/totvs/answer';
import { NO_ROUTE, NOT_FOUND } from '../../../../protocols/totvs/fault';
import { tableOf } from '../../../../protocols/totvs/field';
import { getResource, type Line, listResources, PK, type Resource } from '../../../../protocols/totvs/fw-model';
import type { Catalogue } from '../catalogue';
import { ambiguous, otherRecord } from '../lookup-failures';
import type { Model } from './model';
import { fieldNames } from './record';

/**
 * The one record that a model holds for a key; null when there is none. Models show all branches that the user may see, so
 * that what is of another one than the connection's is none, unless the key names the branch.
 * @throws data PCP_PROTHEUS_AMBIGUOUS, PCP_TOTVS_VALUE; config PCP_PROTHEUS_OTHER_RECORD; what the session throws
 */
export async function findResource(
  { session, settings }: Catalogue,
  model: Model,
  data: Json,
  keyFields: readonly string[],
  signal: AbortSignal,
): Promise<Resource | null> {
  if (keyFields.includes(PK)) return findByKey(session, model, String(data[PK] ?? ''), signal);
  const key = Object.fromEntries(keyFields.map((name) => [name, data[name] ?? null]));
  if (Object.values(key).every((value) => (value ?? '') === '')) throw keyless(model, keyFields);
  await model.fields.learn(keyFields, signal);
  const conditions = keyFields.map((field) => ({ field, operator: '=' as const, value: key[field] ?? '' }));
  const find = async (more: readonly { field: string; operator: 'in'; value: string[] }[] = []) => {
    const query = { types: model.fields.types(keyFields), conditions: [...conditions, ...more], start: 1, count: 2 };
    const { resources } = await listResources(session, model.path, query, signal);
    await model.fields.learn(
      resources.flatMap(({ main }) => fieldNames(main)),
      signal,
    );
    // A class of the model's own may pay no heed to the condition.
    if (resources.some(({ main }) => model.writer.changed(key, lineOf(main)) !== null)) {
      throw otherRecord(model, keyFields);
    }
    return resources;
  };
  const found = await find();
  const branch = branchField(found, keyFields);
  if (branch === undefined || settings.branch === '') return theOne(model, found, keyFields);
  const places = placesOf(settings.branch);
  const isHere = ({ main }: Resource) => places.includes(String(lineOf(main).fields[branch] ?? '').trimEnd());
  const all = found.length < 2 ? found : await find([{ field: branch, operator: 'in', value: places }]);
  return theOne(model, all.filter(isHere), keyFields);
}

async function findByKey(
  session: Catalogue['session'],
  model: Model,
  pk: string,
  signal: AbortSignal,
): Promise<Resource | null> {
  if (pk === '') throw keyless(model, [PK]);
  try {
    const resource = await getResource(session, model.path, pk, signal);
    if (resource.pk !== pk) throw otherRecord(model, [PK]);
    await model.fields.learn(fieldNames(resource.main), signal);
    return resource;
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown;
    // A model that is not published has no records, either.
    await listResources(session, model.path, { types: {}, conditions: [], start: 1, count: 1 }, signal);
    return null;
  }
}

/** Whether a record that was asked for by its key is not there: models have no one way to say it. */
export function isGone(thrown: unknown): boolean {
  const { code, message } = IntegrationError.from(thrown);
  return code === NOT_FOUND || code === NO_ROUTE || (code === 'PCP_TOTVS_REFUSED' && /invalid record/i.test(message));
}

export function lineOf({ lines }: Resource['main']): Line {
  return lines[0] ?? { number: 0, fields: {}, parts: [] };
}

function theOne(model: Model, found: readonly Resource[], keyFields: readonly string[]): Resource | null {
  if (found.length > 1) throw ambiguous(model, keyFields);
  return found[0] ?? null;
}

/** The field that tells the branch of a record, unless it is part of the key. */
function branchField([found]: readonly Resource[], keyFields: readonly string[]): string | undefined {
  const fields = Object.keys(found === undefined ? {} : lineOf(found.main).fields);
  const branch = fields.find((name) => name.endsWith('_FILIAL') && tableOf(name) === tableOf(keyFields[0] ?? ''));
  return branch !== undefined && keyFields.includes(branch) ? undefined : branch;
}

/** A branch, and what it shares with others: company, unit, and what all of them share, which is written blank. */
function placesOf(branch: string): string[] {
  const parts = Array.from({ length: branch.length + 1 }, (_, length) => branch.slice(0, length).trimEnd());
  return [...new Set(parts)];
}

function keyless({ name }: Model, keyFields: readonly string[]): IntegrationError {
  const message = phrase`A record of "${name}" is looked for by ${keyFields.join(', ')}, and has nothing there.`;
  return new IntegrationError('data', 'PCP_TOTVS_VALUE', message, {
    path: keyFields[0] ?? '',
    hint: 'Without a key it could be written twice. Give it one: where Protheus numbers records itself, in a field of your own.',
  });
}
