import { valueAt } from '../../../protocols/odata/address';
import { readList } from '../../../protocols/odata/paging';
import type { Condition } from '../../../protocols/odata/query';
import type { Batch, SourceRecord } from '../../contract';
import type { DynamicsEntity } from './catalogue';
import { COMPANY } from './company';
import type { Beside } from './presets';

/** Conditions in one address; servers refuse long ones. */
const MOST_VALUES = 50;
const PAGE = 1000;

/** Gives each record of the batches what another set has of the same key, as a list: a line of a BOM, its versions. */
export async function* withBeside(
  batches: AsyncIterable<Batch>,
  other: DynamicsEntity,
  { name, by, where }: Beside,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  const fixed = Object.entries({ ...other.fixed, ...where });
  const own = fixed.map(([field, value]): Condition => ({ field, operator: 'eq', value }));
  for await (const batch of batches) {
    const values = [...new Set(batch.records.map((record) => record[by]))];
    const found = new Map<string, SourceRecord[]>();
    for (let begin = 0; begin < values.length; begin += MOST_VALUES) {
      const value = values.slice(begin, begin + MOST_VALUES);
      const query = { pageSize: PAGE, conditions: [...own, { field: by, operator: 'in', value } as const] };
      for await (const { entities } of readList(other.service, other.set, query, undefined, signal)) {
        for (const { data } of entities) {
          const key = keyOf(data, by);
          found.set(key, [...(found.get(key) ?? []), other.shape.fromService(data)]);
        }
      }
    }
    yield {
      ...batch,
      records: batch.records.map((record) => ({ ...record, [name]: found.get(keyOf(record, by)) ?? [] })),
    };
  }
}

function keyOf(data: SourceRecord, by: string): string {
  return JSON.stringify([valueAt(data, COMPANY), data[by]]);
}
