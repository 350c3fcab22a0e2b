import Big from 'big.js';
import { isDecimal } from '../../../model/formats';
import type { StructuredType } from '../../../protocols/odata/model';
import type { RecordShape } from '../odata/entity';
import { shapeOf } from '../odata/moments';
import type { Preset } from './presets';

type Data = Record<string, unknown>;

/** How the database says that there is no date. */
const NO_DATE = /^1900-01-01(T00:00:00(\.0+)?Z?)?$/;
const NO_INSTANT = '1900-01-01T00:00:00Z';
/** The same day in almost every zone. */
const NOON = 'T12:00:00Z';

/** Records of Finance & Operations: no date is null, days are days, and what a preset makes of other fields. */
export function operationsShape({ properties }: StructuredType, preset: Partial<Preset>): RecordShape {
  const { days = [], differences = {}, beside } = preset;
  const moments = shapeOf(preset.moments);
  const instants = [...properties.values()].filter(({ type }) => type === 'Edm.DateTimeOffset');
  const made = Object.keys(differences);
  const times = Object.values(preset.moments ?? {}).map(([, time = '']) => time);
  return {
    has: (field) => moments.has(field) || field in differences || field === beside?.name,
    asked(fields) {
      const sources = (name: string) => (name === beside?.name ? [beside.by] : (differences[name] ?? [name]));
      return [...new Set(moments.asked(fields).flatMap(sources))];
    },
    fromService(data) {
      const record = { ...data };
      for (const { name } of instants) {
        const value = record[name];
        if (typeof value !== 'string') continue;
        if (NO_DATE.test(value)) record[name] = null;
        else if (days.includes(name)) record[name] = value.slice(0, 10);
      }
      for (const name of made) {
        const [from, less] = (differences[name] ?? ['', '']).map((field) => String(data[field])) as [string, string];
        if (isDecimal(from) && isDecimal(less)) record[name] = Big(from).minus(less).toFixed();
      }
      return moments.fromService(record);
    },
    toService(data) {
      const record: Data = { ...moments.toService(data) };
      for (const name of made) delete record[name];
      for (const name of times) if (typeof record[name] === 'string') record[name] = secondsOf(record[name]);
      for (const { name, nullable } of instants) {
        if (!(name in record)) continue;
        if (record[name] === null && !nullable) record[name] = NO_INSTANT;
        else if (days.includes(name) && /^\d{4}-\d\d-\d\d$/.test(String(record[name]))) record[name] += NOON;
      }
      return record;
    },
    schema(own) {
      const schema = moments.schema(own);
      const decimal = { type: ['string', 'null'], format: 'decimal' };
      const day = { type: ['string', 'null'], format: 'date' };
      const properties = {
        ...schema.properties,
        ...Object.fromEntries(days.filter((name) => schema.properties?.[name]).map((name) => [name, day])),
        ...Object.fromEntries(made.map((name) => [name, decimal])),
      };
      return { ...schema, properties };
    },
  };
}

/** Since midnight. */
function secondsOf(time: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = time.split(':').map(Number);
  return hours * 3600 + minutes * 60 + Math.floor(seconds);
}
