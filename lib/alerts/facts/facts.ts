import type { AlertRule } from '../../model/alert';
import type { SqlDatabase, SqlValue } from '../../protocols/sql/database';
import type { Observation } from '../step';

/** What was found out for a rule. */
export interface Facts {
  observations: Observation[];
  /** Subjects about which nothing can be said here are left as they are; absent: there are none such. */
  knows?(subject: string): boolean;
}

/** Finds out how the subjects of a rule are; those that are well may be left out. */
export type FindFacts = (rule: AlertRule, now: number) => Promise<Facts>;

/** SQL that restricts mappings `m` to those of a rule which are in use: their connections are `c`. */
export function inUse({ connection_id, mapping_id }: AlertRule): { sql: string; parameters: SqlValue[] } {
  const conditions: [string, SqlValue][] = [
    ['m.is_active = ?', true],
    ['c.is_active = ?', true],
  ];
  if (connection_id !== null) conditions.push(['m.connection_id = ?', connection_id]);
  if (mapping_id !== null) conditions.push(['m.id = ?', mapping_id]);
  return { sql: conditions.map(([sql]) => sql).join(' AND '), parameters: conditions.map(([, value]) => value) };
}

export type Reader = Pick<SqlDatabase, 'query'>;
