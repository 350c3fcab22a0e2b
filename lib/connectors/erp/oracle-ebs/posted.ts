import type { SqlRow, SqlValue } from '../../../protocols/sql/database';
import { fromSqlValue } from '../../../protocols/sql/values';
import type { SourceRecord } from '../../contract';
import type { ResolvedEntity } from '../../generic/database/entities';
import type { Catalogue } from './catalogue';
import { KEY, type Posting, SOURCE } from './posting';

const KEYS_PER_STATEMENT = 500;

/** Where a posting is: waiting to be taken up or in work, refused by the managers, or posted. */
export interface Found {
  state: 'under_way' | 'refused' | 'posted';
  /** In the terms of the entity, as far as they are known there. */
  data: SourceRecord;
  /** Why it was refused. */
  why?: string;
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
  source: string,
  keys: readonly string[],
): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  const { column, refused } = posting.state;
  const { waiting, posted } = await catalogue.postings(entity, posting);
  for (let start = 0; start < keys.length; start += KEYS_PER_STATEMENT) {
    const part = keys.slice(start, start + KEYS_PER_STATEMENT);
    for (const row of await rowsOf(catalogue, waiting, source, part)) {
      const isRefused = String(row[column]) === refused;
      // Beside a row that was refused there may be one that somebody sent again.
      if (isRefused && found.has(String(row[KEY]))) continue;
      found.set(String(row[KEY]), { state: isRefused ? 'refused' : 'under_way', data: row, ...whyOf(row) });
    }
    for (const stage of posting.stages) {
      for (const key of await stageOf(catalogue, stage, source, part)) found.set(key, { state: 'under_way', data: {} });
    }
    for (const row of await rowsOf(catalogue, posted, source, part)) {
      found.set(String(row[KEY]), { state: 'posted', data: row });
    }
  }
  return found;
}

async function rowsOf(
  { database }: Catalogue,
  { columns, source: from }: ResolvedEntity,
  source: string,
  keys: readonly string[],
): Promise<SourceRecord[]> {
  const all = [...columns.values()];
  const list = all.map((column) => database.exact(column)).join(', ');
  const rows = await database.query(
    `SELECT ${list} FROM ${from} WHERE ${conditionOf((name) => database.quote(name), keys)}`,
    [source, ...keys],
  );
  return rows.map((row: SqlRow) => {
    return Object.fromEntries(all.map((column) => [column.name, fromSqlValue(row[column.name], column)]));
  });
}

async function stageOf(
  { database }: Catalogue,
  table: string,
  source: string,
  keys: readonly string[],
): Promise<string[]> {
  const parameters: SqlValue[] = [source, ...keys];
  const sql = `SELECT ${KEY} AS "${KEY}" FROM ${table} WHERE ${conditionOf((name) => name, keys)}`;
  return (await database.query(sql, parameters)).map((row) => String(row[KEY]));
}

function conditionOf(quote: (name: string) => string, keys: readonly string[]): string {
  return `${quote(SOURCE)} = ? AND ${quote(KEY)} IN (${keys.map(() => '?').join(', ')})`;
}

function whyOf({ ERROR_CODE, ERROR_EXPLANATION }: SourceRecord): { why?: string } {
  const why = [ERROR_CODE, ERROR_EXPLANATION].filter((text) => typeof text === 'string' && text !== '').join(': ');
  return why === '' ? {} : { why };
}
