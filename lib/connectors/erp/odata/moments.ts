import type { JsonSchema } from '../../../model/entity';
import type { RecordShape } from './entity';

type Data = Record<string, unknown>;

/** Fields by whose name a day and a time of day, which the system keeps apart, are one time without a zone. */
export type Moments = Readonly<Record<string, readonly string[]>>;

/** Records that have moments beside what the service has. */
export function shapeOf(moments: Moments = {}): RecordShape {
  return {
    has: (field) => field in moments,
    asked: (fields) => askedFor(fields, moments),
    fromService: momentsReader(moments),
    toService: (data) => withoutMoments(data, moments),
    schema: (own) => schemaWithMoments(own, moments),
  };
}

/** The fields to ask for, each moment as what it is made of. */
function askedFor(fields: readonly string[], moments: Moments): string[] {
  return [...new Set(fields.flatMap((name) => moments[name] ?? [name]))];
}

/** Adds to a record what it gives as "2026-11-27T06:30:00", null without a day. To copy each of a long list would take as long as reading it. */
function momentsReader(moments: Moments): RecordShape['fromService'] {
  const made = Object.entries(moments);
  return (data) => {
    for (const [name, [day = '', time = '']] of made) {
      if (!(day in data)) continue;
      const date = data[day];
      data[name] = typeof date === 'string' && date !== '' ? `${date.slice(0, 10)}T${timeOf(data[time])}` : null;
    }
    return data;
  };
}

/** As the service takes it. */
function withoutMoments(data: Data, moments: Moments): Data {
  const given = Object.entries(moments).filter(([name]) => name in data);
  if (given.length === 0) return data;
  const result = { ...data };
  for (const [name, [day = '', time = '']] of given) {
    const [date = null, clock = null] = typeof data[name] === 'string' ? data[name].split(/[T ]/) : [];
    delete result[name];
    Object.assign(result, { [day]: date, [time]: date === null ? null : (clock ?? '00:00:00') });
  }
  return result;
}

function schemaWithMoments(schema: JsonSchema, moments: Moments): JsonSchema {
  const made = Object.keys(moments).map((name) => [name, { type: ['string', 'null'] }]);
  return { ...schema, properties: { ...schema.properties, ...Object.fromEntries(made) } };
}

/** Given as it is, or in seconds since midnight. */
function timeOf(value: unknown): string {
  if (typeof value === 'number') return new Date(value * 1000).toISOString().slice(11, 19);
  return typeof value === 'string' && value !== '' ? value : '00:00:00';
}
