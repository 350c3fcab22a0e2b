import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { isObject, type Json, readJson } from './answer';
import { type Condition, conditionText } from './condition';
import type { FieldType } from './field';
import type { TotvsSession } from './session';

/*
 * Models of Protheus (MVC) as its REST server publishes them (`PUBLISH MODEL REST NAME <name>`), at `/fwmodel/<name>/<pk>`.
 *
 * Sources: tdn.totvs.com, FWRestModel (pages 271671548 and 235307726, with the source of the class: the parameters, the list
 * `{"total", "count", "startindex", "resources"}`, XML unless JSON is asked for, 304 for a change that changes nothing, the
 * condition that goes into a SELECT without an order); "MATA035 - WS REST FWMODEL" and its like, FINA040VA, FINA460A (shape of
 * a record, of rows, of a body; `operation` 4 of a change); public clients (totvs MNTA083: all parts come when FIRSTLEVEL is
 * false; operation 3 of a new record; the number of a row tells which one a change means).
 *
 * Not verified at a real server: how it writes and takes numbers and logicals (numbers of JSON and ".T." here; both are read
 * either way), parts within rows, what it answers to a new record, the status of a record that is not there.
 */

/** One part of a model: fields, or rows of them (a grid). */
export interface Part {
  id: string;
  isGrid: boolean;
  /** Just one where it is no grid. */
  lines: Line[];
}

export interface Line {
  /** Number of the row within its grid; 0 where it is none. */
  number: number;
  isDeleted?: boolean;
  /** By name, as the server writes them. */
  fields: Json;
  parts: Part[];
}

/** One record of a model. */
export interface Resource {
  /** Of the model itself, which need not be the name that it is published by. */
  id: string;
  /** In base64: the branch and the values of its key, padded, one after another. */
  pk: string;
  main: Part;
}

/** The name of its key, beside its fields. */
export const PK = 'pk';

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** What a body does. */
const OPERATION = { insert: 3, update: 4 } as const;

export interface ResourceQuery {
  /** Type by field of a condition. */
  types: Readonly<Record<string, FieldType>>;
  conditions: readonly Condition[];
  /** Those wanted; absent = all, with all parts. */
  fields?: readonly string[];
  /** Of the first one; they are counted from 1. */
  start: number;
  count: number;
}

export interface ResourceList {
  resources: Resource[];
  total?: number;
}

/**
 * Records of a model, in the order of the database, of all branches that the user may see.
 * @param path of the model, below the base URL
 * @throws config PCP_TOTVS_FIELD; data PCP_TOTVS_VALUE; transient PCP_TOTVS_ANSWER; what the session throws
 */
export async function listResources(
  session: TotvsSession,
  path: string,
  { types, conditions, fields, start, count }: ResourceQuery,
  signal: AbortSignal,
): Promise<ResourceList> {
  const filter = conditionText(types, conditions);
  // Without FIELDEMPTY a field that holds nothing looks like one that is not there.
  const query = new URLSearchParams({ STARTINDEX: String(start), COUNT: String(count), FIELDEMPTY: 'true' });
  if (fields === undefined) query.set('FIRSTLEVEL', 'false');
  else query.set('FIELDS', fields.join(','));
  if (filter !== '') query.set('FILTER', filter);
  const response = await session.ask({ target: `${path}?${query.toString().replaceAll('+', '%20')}`, signal });
  const json = await readJson(response);
  if (!isObject(json) || !Array.isArray(json.resources)) throw unreadable(path);
  const total = Number(json.total ?? Number.NaN);
  return {
    resources: json.resources.map((each) => readResource(each, path)),
    ...(Number.isFinite(total) && { total }),
  };
}

/** @throws transient PCP_TOTVS_ANSWER; what the session throws */
export async function getResource(
  session: TotvsSession,
  path: string,
  pk: string,
  signal: AbortSignal,
): Promise<Resource> {
  const target = `${resourcePath(path, pk)}?FIELDEMPTY=true&FIRSTLEVEL=false`;
  return readResource(await readJson(await session.ask({ target, signal })), path);
}

/**
 * Address of a record, below the base URL; its padding stands there as the documentation shows it.
 * @throws data PCP_TOTVS_VALUE for a key that is none, or that the server would put into its SELECT as more than a text
 */
export function resourcePath(path: string, pk: string): string {
  const isKey = BASE64.test(pk) && !Buffer.from(pk, 'base64').includes("'");
  if (!isKey) {
    throw new IntegrationError('data', 'PCP_TOTVS_VALUE', phrase`The key "${pk.slice(0, 100)}" cannot be asked for.`, {
      path: PK,
      hint: 'A key is base64, as a list of the model gives it, and holds no quotation mark; nothing was sent.',
    });
  }
  return `${path}/${encodeURIComponent(pk).replaceAll('%3D', '=')}`;
}

/** The body that creates or changes a record; its fields are written already. */
export function bodyOf({ id, main, pk }: Omit<Resource, 'pk'> & { pk?: string }): string {
  const operation = pk === undefined ? OPERATION.insert : OPERATION.update;
  return JSON.stringify({ id, operation, ...(pk !== undefined && { pk }), models: [writtenPart(main)] });
}

function writtenPart({ id, isGrid, lines }: Part): Json {
  if (isGrid) return { id, modeltype: 'GRID', items: lines.map(writtenRow) };
  const [line] = lines;
  const fields = Object.entries(line?.fields ?? {}).map(([name, value], n) => ({ id: name, order: n + 1, value }));
  return { id, modeltype: 'FIELDS', fields, ...writtenParts(line) };
}

function writtenRow(line: Line): Json {
  const fields = Object.entries(line.fields).map(([name, value]) => ({ id: name, value }));
  return { id: line.number, deleted: line.isDeleted === true ? 1 : 0, fields, ...writtenParts(line) };
}

function writtenParts(line: Line | undefined): Json {
  return line === undefined || line.parts.length === 0 ? {} : { models: line.parts.map(writtenPart) };
}

function readResource(json: unknown, path: string): Resource {
  if (!isObject(json) || typeof json.pk !== 'string') throw unreadable(path);
  // All other parts belong to the first one.
  const [main] = objects(json.models);
  if (main === undefined) throw unreadable(path);
  return { id: textOf(json.id), pk: json.pk, main: readPart(main) };
}

function readPart(json: Json): Part {
  const isGrid = textOf(json.modeltype).toUpperCase() === 'GRID';
  if (!isGrid) return { id: textOf(json.id), isGrid, lines: [readLine(json, 0)] };
  const rows = objects(json.items).filter(({ deleted }) => Number(deleted ?? 0) === 0);
  return { id: textOf(json.id), isGrid, lines: rows.map((row, n) => readLine(row, Number(row.id) || n + 1)) };
}

function readLine(json: Json, number: number): Line {
  const fields = objects(json.fields).map(({ id, value }) => [textOf(id), value]);
  return { number, fields: Object.fromEntries(fields), parts: objects(json.models).map(readPart) };
}

function objects(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function textOf(value: unknown): string {
  return String(value ?? '').trim();
}

function unreadable(path: string): IntegrationError {
  return new IntegrationError('transient', 'PCP_TOTVS_ANSWER', phrase`${path} did not answer as a model does.`, {
    hint: 'Look at what the server answers to the same address; a class of its own may write something else.',
  });
}
