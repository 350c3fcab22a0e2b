import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { type Json, type Page, readPage } from './answer';
import { type Condition, checkedField, conditionText } from './condition';
import { NOT_FOUND } from './fault';
import { type FieldType, isTable, readField } from './field';
import type { TotvsSession } from './session';

/** Where a server has its route for queries, and how it takes their parameters. */
export interface QueryRoute {
  /** Below the base URL: "/api/framework/v1/genericQuery". */
  path: string;
  /** Some servers read them from headers. */
  parametersIn: 'query' | 'header';
}

export interface TableQuery {
  table: string;
  /** Type by field; all of them are asked for. */
  fields: Readonly<Record<string, FieldType>>;
  conditions?: readonly Condition[];
  order?: readonly string[];
  page: number;
  pageSize: number;
}

export interface TableRows extends Omit<Page, 'items'> {
  rows: Json[];
}

/**
 * Rows of a table by the server's route for queries. It leaves out fields that the table does not have without a word, which
 * would read as empty in every record, so what does not come back is told.
 * @throws config PCP_TOTVS_FIELD; data PCP_TOTVS_VALUE; what the session throws
 */
export async function queryTable(
  session: TotvsSession,
  route: QueryRoute,
  query: TableQuery,
  signal: AbortSignal,
): Promise<TableRows & { missing: string[] }> {
  const { fields, page, pageSize } = query;
  const names = Object.keys(fields);
  const where = conditionText(fields, query.conditions ?? []);
  const parameters = {
    tables: checkedTable(query.table),
    fields: names.map(checkedField).join(','),
    ...(where !== '' && { where }),
    ...(query.order?.length && { order: query.order.map(checkedField).join(',') }),
    filialFilter: 'true',
    deletedFilter: 'true',
    page: String(page),
    pageSize: String(pageSize),
  };
  const inQuery = route.parametersIn === 'query';
  const response = await session
    .ask({
      target: inQuery ? `${route.path}?${encoded(parameters)}` : route.path,
      ...(!inQuery && { headers: parameters }),
      signal,
    })
    .catch(orNothing);
  if (response === null) return { rows: [], hasNext: false, missing: [] };
  const { items, ...rest } = await readPage(response);
  const rows = items.map(withUpperCase);
  const missing = rows.length === 0 ? [] : names.filter((name) => !rows.some((row) => Object.hasOwn(row, name)));
  const read = (row: Json) =>
    Object.fromEntries(
      names
        .filter((name) => !missing.includes(name))
        .map((name) => [name, readField(row[name], fields[name] as FieldType)]),
    );
  return { rows: rows.map(read), ...rest, missing };
}

/** @throws config PCP_TOTVS_FIELD */
export function missingFields(table: string, names: readonly string[]): IntegrationError {
  const message = phrase`The table ${table} does not have ${names.join(', ')}.`;
  return new IntegrationError('config', 'PCP_TOTVS_FIELD', message, {
    path: names[0] ?? '',
    hint: 'Correct the field in the mapping, or take it out; the dictionary (SX3) may list fields that the table lacks.',
  });
}

function orNothing(thrown: unknown): null {
  if (thrown instanceof IntegrationError && thrown.code === NOT_FOUND) return null;
  throw thrown;
}

function checkedTable(name: string): string {
  if (isTable(name)) return name;
  throw new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', phrase`"${name}" is not the name of a table.`, {
    path: '/source_entity',
    hint: 'Write it as the dictionary has it: "SC2".',
  });
}

function encoded(parameters: Record<string, string>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
}

/** Servers write the names of fields in lower case as well. */
function withUpperCase(row: Json): Json {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name.toUpperCase(), value]));
}
