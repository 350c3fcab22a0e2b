import Ajv from 'ajv';
import { ORDER_SCHEMA, ORDER_STATUS } from '../support/orders';

/** What the benchmark's mapping does, as a programmer writes it for this one file. */
export interface Order {
  order_number: string;
  material: string;
  description: string;
  quantity: string;
  unit: string;
  planned_start: string;
  planned_end: string;
  status: string;
  work_center: string;
  priority: number;
  plant: string;
  changed_at: string;
}

const DECIMAL = /^-?\d+(,\d+)?$/;
const DATE = /^(\d\d)\/(\d\d)\/(\d{4})$/;
const DATETIME = /^(\d{4})-(\d\d)-(\d\d) ([01]\d|2[0-3]):[0-5]\d:[0-5]\d$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function checkDay(year: number, month: number, day: number, text: string): void {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 1 : 0;
  if (month < 1 || month > 12 || day < 1 || day > (DAYS[month - 1] as number) + leap) {
    throw new Error(`not a date: ${text}`);
  }
}

function date(text: string): string {
  const match = DATE.exec(text);
  if (!match) throw new Error(`not a date: ${text}`);
  checkDay(Number(match[3]), Number(match[2]), Number(match[1]), text);
  return `${match[3]}-${match[2]}-${match[1]}`;
}

function decimal(text: string): string {
  if (!DECIMAL.test(text)) throw new Error(`not a decimal: ${text}`);
  return text.replace(',', '.');
}

function integer(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`not an integer: ${text}`);
  return value;
}

function status(text: string): string {
  const value = ORDER_STATUS[text];
  if (value === undefined) throw new Error(`unknown status: ${text}`);
  return value;
}

function datetime(text: string): string {
  const match = DATETIME.exec(text);
  if (!match) throw new Error(`not an instant: ${text}`);
  checkDay(Number(match[1]), Number(match[2]), Number(match[3]), text);
  return `${text.slice(0, 10)}T${text.slice(11)}.000Z`;
}

/** From the row's cells in the order of the file. */
export function mapCells(cells: string[]): Order {
  return {
    order_number: cells[0] as string,
    material: cells[1] as string,
    description: (cells[2] as string).trim(),
    quantity: decimal(cells[3] as string),
    unit: cells[4] as string,
    planned_start: date(cells[5] as string),
    planned_end: date(cells[6] as string),
    status: status(cells[7] as string),
    work_center: cells[8] as string,
    priority: integer(cells[9] as string),
    plant: cells[10] as string,
    changed_at: datetime(cells[11] as string),
  };
}

/** From a record as the connectors give it. */
export function mapRecord(record: Record<string, unknown>): Order {
  return {
    order_number: record.AUFNR as string,
    material: record.MATNR as string,
    description: (record.TEXT as string).trim(),
    quantity: decimal(record.MENGE as string),
    unit: record.UNIT as string,
    planned_start: date(record.START as string),
    planned_end: date(record.END as string),
    status: status(record.STATUS as string),
    work_center: record.CENTER as string,
    priority: integer(record.PRIO as string),
    plant: record.PLANT as string,
    changed_at: datetime(record.CHANGED as string),
  };
}

/** The schema of the record, checked as a programmer would have it checked. @throws on the first record that breaks it */
export function orderValidator(): (order: Order) => void {
  const ajv = new Ajv({ formats: { decimal: true, date: true, 'date-time': true } });
  const valid = ajv.compile(ORDER_SCHEMA);
  return (order) => {
    if (!valid(order)) throw new Error(ajv.errorsText(valid.errors));
  };
}

const CODES = Object.fromEntries(Object.entries(ORDER_STATUS).map(([code, name]) => [name, code]));

const brazilianDate = (text: string) => `${text.slice(8)}/${text.slice(5, 7)}/${text.slice(0, 4)}`;

/** The other way: an order as the API takes it. */
export function unmapOrder(order: Order): Record<string, unknown> {
  return {
    AUFNR: order.order_number,
    MATNR: order.material,
    TEXT: order.description,
    MENGE: order.quantity.replace('.', ','),
    UNIT: order.unit,
    START: brazilianDate(order.planned_start),
    END: brazilianDate(order.planned_end),
    STATUS: CODES[order.status],
    CENTER: order.work_center,
    PRIO: order.priority,
    PLANT: order.plant,
    CHANGED: order.changed_at.slice(0, 19).replace('T', ' '),
  };
}
