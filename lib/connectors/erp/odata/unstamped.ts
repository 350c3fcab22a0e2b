import { keyText } from '../../../protocols/odata/address';
import type { Entity } from '../../../protocols/odata/entity';
import { readList } from '../../../protocols/odata/paging';
import type { Condition } from '../../../protocols/odata/query';
import { findProperty } from '../../../protocols/odata/structure';
import type { ODataEntity } from './entity';

/**
 * What a cursor over the time of change does not see: records that have none until they are changed for the first time, and
 * those that another record takes back without stamping them.
 */

/** How a record says that it takes others back. */
export interface Reversal {
  /** It takes something back where this is true or filled; in its items, "to_MaterialDocumentItem.ReversedMaterialDocument". */
  when: string;
  /** Where it names them; absent = `when`. */
  names?: string;
  /** The field of theirs that is named. */
  field: string;
}

/** Numbers that one request asks for. */
const AT_ONCE = 20;
const DAY_MS = 86_400_000;

/**
 * The condition for records made since a time of change, and the field that it is about; undefined where the service does
 * not tell when a record was made.
 * @param since "2026-11-27T05:55:00Z" or "20261127055500"
 */
export function madeSince(
  { preset, set, model }: ODataEntity,
  since: unknown,
): (Condition & { operator: 'ge' }) | undefined {
  const field = preset?.created;
  const property = field === undefined ? undefined : findProperty(field, set.type, model);
  const [, year, month, day] = /^(\d{4})-?(\d\d)-?(\d\d)/.exec(String(since)) ?? [];
  const time = Date.parse(`${year}-${month}-${day}T00:00:00Z`);
  if (field === undefined || property?.filterable !== true || Number.isNaN(time)) return undefined;
  // The day is that of the system, the time of change may be in UTC.
  return { field, operator: 'ge', value: new Date(time - DAY_MS).toISOString().slice(0, 10) };
}

export function isUnstamped(value: unknown): boolean {
  return value === null || value === undefined || /^0*$/.test(String(value));
}

/** Fields that tell what a record takes back, beside those asked for. */
export function reversalFields({ preset }: ODataEntity, fields: readonly string[]): readonly string[] {
  const { when, names = when } = preset?.reversal ?? {};
  const own = [when, names].filter((name): name is string => name !== undefined && !name.includes('.'));
  return [...new Set([...fields, ...own])];
}

/** The records that some others take back, as they are now; those that are among them already are left out. */
export async function takenBack(
  entity: ODataEntity,
  entities: readonly Entity[],
  selection: { select?: readonly string[]; expand?: readonly string[] },
  signal: AbortSignal,
): Promise<Entity[]> {
  const { preset, service, set } = entity;
  const { reversal } = preset ?? {};
  if (reversal === undefined) return [];
  const numbers = [...new Set(entities.flatMap(({ data }) => namedBy(reversal, data)))];
  const known = new Set(entities.map(({ data }) => keyText(set, data)));
  const found: Entity[] = [];
  for (let begin = 0; begin < numbers.length; begin += AT_ONCE) {
    const named = numbers.slice(begin, begin + AT_ONCE);
    const conditions: Condition[] = [{ field: reversal.field, operator: 'in', value: named }];
    const list = { pageSize: 10 * AT_ONCE, ...selection, conditions };
    for await (const piece of readList(service, set, list, undefined, signal)) {
      found.push(...piece.entities.filter(({ data }) => !known.has(keyText(set, data))));
    }
  }
  return found;
}

function namedBy({ when, names = when }: Reversal, data: Record<string, unknown>): string[] {
  if (valuesAt(data, when.split('.')).length === 0) return [];
  return valuesAt(data, names.split('.')).map(String);
}

/** What is filled at a path, in every item of the lists that it leads through. */
function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path));
  const [name, ...rest] = path;
  if (name !== undefined) {
    return typeof value === 'object' && value !== null ? valuesAt((value as Record<string, unknown>)[name], rest) : [];
  }
  return value === null || value === undefined || value === '' || value === false ? [] : [value];
}
