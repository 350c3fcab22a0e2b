import jsonata from 'jsonata';
import { SeededRandom } from '../demo/random';
import { compileMapping } from '../lib/mapping/compile';
import { mapRecord } from './peers/hand-written';
import { ORDER_COLUMNS, ORDER_FIELDS, ORDER_STATUS, orderRow } from './support/orders';
import { median, printTable } from './support/report';

const DATE = (field: string) => `$fromMillis($toMillis(${field}, '[D01]/[M01]/[Y0001]'), '[Y0001]-[M01]-[D01]')`;

const TEXT = (field: string) =>
  `($type(${field}) = 'string' and ${field} != '' ? ${field} : $error('${field} is missing'))`;

/** One expression that does the same: the 12 fields, their conversions, and an error for each value that breaks a rule. */
const EXPRESSION = `{
  'order_number': ${TEXT('AUFNR')}, 'material': ${TEXT('MATNR')}, 'description': $trim(TEXT),
  'quantity': ($contains(MENGE, /^-?[0-9]+(,[0-9]+)?$/) ? $replace(MENGE, ',', '.') : $error('MENGE is no decimal')),
  'unit': UNIT, 'planned_start': ${DATE('START')}, 'planned_end': ${DATE('END')},
  'status': ($status := $lookup(${JSON.stringify(ORDER_STATUS)}, STATUS); $exists($status) ? $status : $error('STATUS')),
  'work_center': CENTER, 'priority': $number(PRIO), 'plant': PLANT,
  'changed_at': $fromMillis($toMillis(CHANGED, '[Y0001]-[M01]-[D01] [H01]:[m01]:[s01]')) }`;

/** Records that are mapped and then forgotten, as in a run. */
const BATCH = 2000;

/** Records per second over one pass. */
async function rate(records: number, pass: () => unknown): Promise<number> {
  const started = performance.now();
  await pass();
  return records / ((performance.now() - started) / 1000);
}

/** @param records per pass; JSONata gets a fiftieth of them */
export async function benchMapping(records: number, passes: number): Promise<number> {
  const random = new SeededRandom(7);
  const input = Array.from({ length: records }, (_, index) => {
    const row = orderRow(random, index);
    return Object.fromEntries(ORDER_COLUMNS.map((column, i) => [column, row[i]]));
  });
  const few = input.slice(0, Math.ceil(records / 50));
  const compiled = compileMapping(
    {
      direction: 'import',
      source_entity: 'orders',
      target_entity: 'bench_order',
      field_mappings: ORDER_FIELDS,
      transformations: [],
      filters: [],
      key_fields: ['order_number'],
    },
    'import',
    { expressions: { evaluate: async () => [] } },
  );
  const expression = jsonata(EXPRESSION);
  const rates = { handWritten: [] as number[], compiled: [] as number[], jsonata: [] as number[] };
  // The first pass warms up; the others are interleaved so that a slow moment hits all alike.
  for (let pass = 0; pass <= passes; pass++) {
    const handWritten = await rate(records, () => {
      for (let first = 0; first < records; first += BATCH) input.slice(first, first + BATCH).map(mapRecord);
    });
    const own = await rate(records, async () => {
      for (let first = 0; first < records; first += BATCH) await compiled.map(input.slice(first, first + BATCH));
    });
    const peer = await rate(few.length, async () => {
      for (const record of few) await expression.evaluate(record);
    });
    if (pass === 0) continue;
    rates.handWritten.push(handWritten);
    rates.compiled.push(own);
    rates.jsonata.push(peer);
  }
  const limit = median(rates.handWritten);
  const own = median(rates.compiled);
  return printTable(`Mapping of 12 fields, ${records.toLocaleString('en-US')} records, median of ${passes}`, [
    { what: 'hand-written function', value: limit, unit: 'records/s' },
    { what: 'JSONata expression', value: median(rates.jsonata), unit: 'records/s' },
    { what: 'compiled mapping', value: own, unit: 'records/s' },
    { what: 'compiled / hand-written', value: own / limit, unit: '', limit: { atLeast: 0.5 } },
    { what: 'compiled / JSONata', value: own / median(rates.jsonata), unit: 'times', limit: { atLeast: 100 } },
  ]);
}
