import type { Json } from '../../../../protocols/totvs/answer';
import type { Condition } from '../../../../protocols/totvs/condition';
import { isField, tableOf } from '../../../../protocols/totvs/field';
import { listResources, PK } from '../../../../protocols/totvs/fw-model';
import { missingFields } from '../../../../protocols/totvs/generic-query';
import { type ListPage, type Piece, readPages } from '../../../../protocols/totvs/list';
import type { TotvsSession } from '../../../../protocols/totvs/session';
import type { ReadQuery } from '../../../contract';
import { pushedDown } from '../conditions';
import type { Model } from './model';
import { fieldNames, recordOf } from './record';

/**
 * Reads a model page by page, always from the first one: its list has no order to go on by.
 * @param since what changed, where the pass asks for no more
 * @throws config PCP_TOTVS_FIELD, PCP_TOTVS_PAGING; transient PCP_TOTVS_LIST_MOVED; what the session throws
 */
export async function readModel(
  session: TotvsSession,
  model: Model,
  { fields: wanted, namedFields = [], filters = [], batchSize }: ReadQuery,
  since: readonly Condition[],
  signal: AbortSignal,
): Promise<AsyncGenerator<Piece<Json>>> {
  const asked = [
    ...since.map(({ field }) => field),
    ...filters.flatMap((each) => ('field' in each ? [each.field] : [])),
  ];
  await model.fields.learn([...model.key, ...asked, ...namedFields], signal);
  const types = model.fields.types(asked);
  const conditions = [...pushedDown(types, filters), ...since];
  const fields = ownFields(model, wanted && [...wanted, ...asked]);
  let isChecked = false;
  const ask = async (page: number): Promise<ListPage<Json>> => {
    signal.throwIfAborted();
    const start = (page - 1) * batchSize + 1;
    const query = { types, conditions, start, count: batchSize, ...(fields !== undefined && { fields }) };
    const { resources, total } = await listResources(session, model.path, query, signal);
    await model.fields.learn(
      resources.flatMap(({ main }) => fieldNames(main)),
      signal,
    );
    const entries = resources.map((resource) => recordOf(resource, model.fields));
    if (!isChecked && entries.length > 0) checkNames(model, namedFields, entries);
    isChecked ||= entries.length > 0;
    const hasNext = total === undefined ? undefined : start + entries.length <= total;
    return { entries, hasNext, ...(total !== undefined && { total }) };
  };
  return readPages(ask, (record) => String(record[PK]), batchSize);
}

/** Those to be asked for, where all of them are of the main part; the others come with the whole record only. */
function ownFields({ key }: Model, wanted: readonly string[] | undefined): string[] | undefined {
  const tables = new Set(key.map(tableOf));
  const own = wanted?.filter((name) => name !== PK);
  const isOwn = (name: string) => isField(name) && tables.has(tableOf(name));
  if (own === undefined || key.includes(PK) || !own.every(isOwn)) return undefined;
  return [...new Set([...key, ...own])];
}

/** A field that the model does not have would be read as empty in every record. */
function checkNames(model: Model, names: readonly string[], records: readonly Json[]): void {
  const table = tableOf(Object.keys(records[0] ?? {}).find((name) => tableOf(name) !== undefined) ?? '');
  const missing = names.filter(
    (name) =>
      tableOf(name) === table &&
      model.fields.typeOf(name) === undefined &&
      !records.some((record) => Object.hasOwn(record, name)),
  );
  if (table !== undefined && missing.length > 0) throw missingFields(table, missing);
}
