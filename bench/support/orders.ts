import { once } from 'node:events';
import { createWriteStream, existsSync, renameSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import { SeededRandom } from '../../demo/random';
import type { JsonSchema } from '../../lib/model/entity';
import type { FieldMapping } from '../../lib/model/mapping';

/** The benchmark's record: a production order of 12 fields, about 100 bytes as CSV. */
export const ORDER_COLUMNS = [
  'AUFNR',
  'MATNR',
  'TEXT',
  'MENGE',
  'UNIT',
  'START',
  'END',
  'STATUS',
  'CENTER',
  'PRIO',
  'PLANT',
  'CHANGED',
] as const;

export const ORDER_STATUS: Record<string, string> = {
  ABE: 'planned',
  LIB: 'released',
  ENT: 'in_progress',
  ENC: 'completed',
};

export const ORDER_FIELDS: FieldMapping[] = [
  { source: 'AUFNR', target: 'order_number', type: 'string', required: true },
  { source: 'MATNR', target: 'material', type: 'string', required: true },
  { source: 'TEXT', target: 'description', type: 'string', trim: true },
  { source: 'MENGE', target: 'quantity', type: 'decimal', decimal_separator: ',' },
  { source: 'UNIT', target: 'unit', type: 'string' },
  { source: 'START', target: 'planned_start', type: 'date', format: 'DD/MM/YYYY' },
  { source: 'END', target: 'planned_end', type: 'date', format: 'DD/MM/YYYY' },
  { source: 'STATUS', target: 'status', lookup: ORDER_STATUS },
  { source: 'CENTER', target: 'work_center', type: 'string' },
  { source: 'PRIO', target: 'priority', type: 'integer' },
  { source: 'PLANT', target: 'plant', type: 'string' },
  { source: 'CHANGED', target: 'changed_at', type: 'datetime', format: 'YYYY-MM-DD HH:mm:ss', timezone: 'UTC' },
];

export const ORDER_SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    order_number: { type: 'string', maxLength: 20 },
    material: { type: 'string', maxLength: 40 },
    description: { type: ['string', 'null'], maxLength: 80 },
    quantity: { type: ['string', 'null'], format: 'decimal' },
    unit: { type: ['string', 'null'], maxLength: 6 },
    planned_start: { type: ['string', 'null'], format: 'date' },
    planned_end: { type: ['string', 'null'], format: 'date' },
    status: { type: ['string', 'null'], enum: [...Object.values(ORDER_STATUS), null] },
    work_center: { type: ['string', 'null'], maxLength: 20 },
    priority: { type: ['integer', 'null'], minimum: 0, maximum: 9 },
    plant: { type: ['string', 'null'], maxLength: 8 },
    changed_at: { type: ['string', 'null'], format: 'date-time' },
  },
  required: ['order_number', 'material'],
  additionalProperties: false,
};

const two = (value: number) => String(value).padStart(2, '0');

/** One order as the fields of a CSV row. */
export function orderRow(random: SeededRandom, index: number): string[] {
  const day = random.integer(1, 28);
  const month = random.integer(1, 11);
  return [
    `OP${String(index).padStart(10, '0')}`,
    `PA${String(random.integer(1, 5000)).padStart(6, '0')}`,
    `Bomba de engrenagem ${random.integer(10, 999)}`,
    `${random.integer(1, 9999)},${String(random.integer(0, 999)).padStart(3, '0')}`,
    'PC',
    `${two(day)}/${two(month)}/2026`,
    `${two(day)}/${two(month + 1)}/2026`,
    random.pick(['ABE', 'LIB', 'ENT', 'ENC']),
    `CT${random.integer(100, 199)}`,
    String(random.integer(1, 5)),
    '1000',
    `2026-${two(month)}-${two(day)} ${two(random.integer(0, 23))}:${two(random.integer(0, 59))}:00`,
  ];
}

/** Writes the file once and keeps it: generation is no part of what is measured. */
export async function orderFile(directory: string, rows: number): Promise<string> {
  const file = path.join(directory, `orders-${rows}.csv`);
  if (existsSync(file)) return file;
  await mkdir(directory, { recursive: true });
  const random = new SeededRandom(rows);
  const output = createWriteStream(`${file}.tmp`);
  output.write(`${ORDER_COLUMNS.join(';')}\n`);
  for (let first = 0; first < rows; first += 5000) {
    let chunk = '';
    for (let index = first; index < Math.min(rows, first + 5000); index++) {
      chunk += `${orderRow(random, index).join(';')}\n`;
    }
    if (!output.write(chunk)) await once(output, 'drain');
  }
  output.end();
  await finished(output);
  renameSync(`${file}.tmp`, file);
  return file;
}
