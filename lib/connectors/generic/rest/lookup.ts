import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { HttpClient } from '../../../protocols/http/client';
import type { SourceRecord } from '../../contract';
import { ask, GONE, isXml, itemsOf, readDocument } from './answer';
import { externalKeyOf } from './judgement';
import { valueAt } from './pointer';
import type { RestEntity } from './settings';
import { fillPath, plainText, type Values } from './template';

/** How an API says that it found nothing. */
const NOTHING = [204, ...GONE];

/** A record as the API holds it. */
export interface Found {
  data: SourceRecord;
  id?: string;
  version?: string;
}

/**
 * Finds the one record that has these key fields.
 * @param key by its fields, in their order
 * @param values of the placeholders in the path of the look-up
 * @returns null when there is none
 * @throws data PCP_REST_AMBIGUOUS, PCP_REST_OTHER_RECORD when the API gave what was not asked for; config PCP_REST_KEY_UNSEEN
 * when that cannot be told
 */
export async function findRecord(
  client: HttpClient,
  entity: RestEntity,
  key: Record<string, unknown>,
  values: Values,
  signal: AbortSignal,
): Promise<Found | null> {
  const { path, items = '', id, key: places } = entity.lookup!;
  const target = fillPath(path, values);
  const response = await ask(client, { target, headers: entity.headers ?? {}, signal }, NOTHING);
  if (response === null) return null;
  const { headers, url } = response;
  const document = await readDocument(response);
  const there = valueAt(document, items);
  // A list of one looks like one there, and an empty one like nothing.
  const isOne = isXml(headers) ? items === '' : !Array.isArray(there);
  const [data, another] = there === undefined && isXml(headers) ? [] : itemsOf(document, items, url);
  if (data === undefined) return null;
  if (another !== undefined) throw ambiguous(target);
  assertSame(entity, data, key, places, target);
  const place = id ?? (entity.create?.id?.startsWith('/') ? entity.create.id : '/id');
  const externalKey = externalKeyOf({ document: data, headers }, { id: place });
  const version = typeof entity.etag === 'string' ? valueAt(data, entity.etag) : isOne ? headers.etag : undefined;
  return {
    data,
    ...(externalKey !== undefined && { id: externalKey }),
    ...(typeof version === 'string' && { version }),
  };
}

/**
 * An API that does not know the parameter gives whatever it has: that would overwrite another record.
 * @param places where the parts of the key stand in what was found; none = the API is trusted
 */
function assertSame(
  { name: entity }: RestEntity,
  data: SourceRecord,
  key: Record<string, unknown>,
  places: readonly string[] | undefined,
  target: string,
): void {
  const parts = Object.entries(key).map(([name, value], index) => {
    const held = places === undefined ? data[name] : valueAt(data, places[index] ?? '');
    return { name, value, wanted: plainText(value), found: plainText(held) };
  });
  const shown = places === undefined ? parts.filter(({ found }) => found !== undefined) : parts.slice(0, places.length);
  if (shown.length === 0 && places === undefined) throw unseen(entity, target);
  for (const { name, value, wanted, found } of shown) {
    if (wanted === undefined || found === wanted) continue;
    const what =
      found === undefined
        ? phrase`${target} gave a record without ${name}.`
        : phrase`${target} gave a record with ${name} "${found}".`;
    throw new IntegrationError('data', 'PCP_REST_OTHER_RECORD', what, {
      path: name,
      value,
      hint: 'Let "lookup" of the entity ask for exactly one key.',
    });
  }
}

function unseen(entity: string, target: string): IntegrationError {
  const message = phrase`${target} gave a record, and nothing in it tells whether it is the one.`;
  return new IntegrationError('config', 'PCP_REST_KEY_UNSEEN', message, {
    path: `/config/entities/${entity}/lookup/key`,
    hint: 'Say in "key" of "lookup" where the key stands in what is found; an empty list trusts the API.',
  });
}

function ambiguous(target: string): IntegrationError {
  return new IntegrationError('data', 'PCP_REST_AMBIGUOUS', phrase`${target} gave more than one record.`, {
    hint: 'Let "lookup" of the entity ask for exactly one key, or clear up the duplicates in the other system.',
  });
}
