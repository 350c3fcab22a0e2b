import type { SqlRow, SqlValue } from '../../../protocols/sql/database';
import { fromSqlValue } from '../../../protocols/sql/values';
import type { SourceRecord } from '../../contract';
import type { ResolvedEntity } from '../../generic/database/entities';
import type { Catalogue } from './catalogue';
import { KEY, keyOf, type Posting, SOURCE } from './posting';
import type { EbsSettings } from './settings';

const KEYS_PER_STATEMENT = 500;

/** Where a posting is: waiting to be taken up or in work, refused by the managers, or posted. */
export interface Found {
  state: 'under_way' | 'refused' | 'posted';
  /** In the terms of the entity, as far as they are known there; of what can be changed, as it will be. */
  data: SourceRecord;
  /** Why it was refused. */
  why?: string;
  /** Nobody has taken it up yet. */
  isPending?: boolean;
  /** What a row that waits or was refused is a change of. */
  posted?: SourceRecord;
}

/** What is looked for: by its key, and by what the record says of it. */
export interface Wanted {
  key: string;
  data: Record<string, unknown>;
}

/**
 * What E-Business Suite holds for keys of ours. A row goes from the interface to a stage to the postings, so that is the order
 * in which they are asked: one that moves on meanwhile is found where it is next.
 * @param entity the postings themselves
 */
export async function findPostings(
  catalogue: Catalogue,
  entity: string,
  posting: Posting,
  { sourceCode, sender }: Pick<EbsSettings, 'sourceCode' | 'sender'>,
  wanted: readonly Wanted[],
): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  const { column, refused, pending, done } = posting.state;
  const { waiting, posted } = await catalogue.postings(entity, posting);
  for (let start = 0; start < wanted.length; start += KEYS_PER_STATEMENT) {
    const part = wanted.slice(start, start + KEYS_PER_STATEMENT);
    const byKey = keyed(sourceCode, part);
    for (const row of await rowsOf(catalogue, waiting, byKey)) {
      const state = String(row[column]);
      const isRefused = state === refused;
      // Beside a row that was refused there may be one that somebody sent again.
      if (state === done || (isRefused && found.has(String(row[KEY])))) continue;
      const isPending = state === pending;
      found.set(String(row[KEY]), { state: isRefused ? 'refused' : 'under_way', data: row, isPending, ...whyOf(row) });
    }
    for (const stage of posting.stages) {
      for (const key of await stageOf(catalogue, stage, byKey)) found.set(key, { state: 'under_way', data: {} });
    }
    const { keptAs = KEY, keyFrom = [], changes } = posting;
    for (const row of await rowsOf(catalogue, posted, keptAs === KEY ? byKey : kept(keptAs, part))) {
      found.set(String(row[keptAs]), after(found.get(String(row[keptAs])), row, changes !== undefined));
    }
    if (changes === undefined) continue;
    // It may have come about without us.
    for (const row of await rowsOf(catalogue, posted, named(keyFrom, part))) {
      const key = keyOf(row, posting, sender);
      found.set(key, after(found.get(key), row, true));
    }
  }
  return found;
}

/** What is posted comes last, unless it can be changed: then what waits is newer. */
function after(waiting: Found | undefined, row: SourceRecord, isChangeable: boolean): Found {
  if (!isChangeable || waiting === undefined || waiting.state === 'posted') return { state: 'posted', data: row };
  const told = Object.entries(waiting.data).filter(([, value]) => value !== null);
  return { ...waiting, posted: row, data: { ...row, ...Object.fromEntries(told) } };
}

/** Columns, and the values that each may have. */
type Condition = Record<string, SqlValue[]>;

function keyed(source: string, wanted: readonly Wanted[]): Condition {
  return { [SOURCE]: [source], [KEY]: wanted.map(({ key }) => key) };
}

function kept(column: string, wanted: readonly Wanted[]): Condition {
  return { [column]: wanted.map(({ key }) => key) };
}

/** By the names that a record has in E-Business Suite itself. */
function named(fields: readonly string[], wanted: readonly Wanted[]): Condition {
  const values = (name: string) => [...new Set(wanted.map(({ data }) => String(data[name] ?? '')))];
  return Object.fromEntries(fields.map((name) => [name, values(name)]));
}

async function rowsOf(
  { database }: Catalogue,
  { columns, source: from }: ResolvedEntity,
  condition: Condition,
): Promise<SourceRecord[]> {
  const all = [...columns.values()];
  const list = all.map((column) => database.exact(column)).join(', ');
  const where = conditionOf((name) => database.quote(name), condition);
  const rows = await database.query(`SELECT ${list} FROM ${from} WHERE ${where}`, Object.values(condition).flat());
  return rows.map((row: SqlRow) => {
    return Object.fromEntries(all.map((column) => [column.name, fromSqlValue(row[column.name], column)]));
  });
}

async function stageOf({ database }: Catalogue, table: string, condition: Condition): Promise<string[]> {
  const sql = `SELECT ${KEY} AS "${KEY}" FROM ${table} WHERE ${conditionOf((name) => name, condition)}`;
  return (await database.query(sql, Object.values(condition).flat())).map((row) => String(row[KEY]));
}

function conditionOf(quote: (name: string) => string, condition: Condition): string {
  const parts = Object.entries(condition).map(([name, values]) => {
    return `${quote(name)} IN (${values.map(() => '?').join(', ')})`;
  });
  return parts.join(' AND ');
}

function whyOf({ ERROR_CODE, ERROR_EXPLANATION }: SourceRecord): { why?: string } {
  const why = [ERROR_CODE, ERROR_EXPLANATION].filter((text) => typeof text === 'string' && text !== '').join(': ');
  return why === '' ? {} : { why };
}
