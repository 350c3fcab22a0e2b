import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Confirmation, Order, Plant } from './plant';

/** The drop folder as the legacy systems fill it, with the dirt that real plants have. */
export function writeDropFolder(directory: string, plant: Plant): void {
  mkdirSync(path.join(directory, 'in'), { recursive: true });
  mkdirSync(path.join(directory, 'out'), { recursive: true });
  const half = plant.orders.length / 2;
  const write = (name: string, content: string | Buffer) => writeFileSync(path.join(directory, 'in', name), content);
  write('orders-2026-11-a.csv', ordersCsv(plant.orders.slice(0, half), []));
  write('orders-2026-11-b.csv', ordersCsv(plant.orders.slice(half), DIRTY_ORDERS));
  write('confirmations.xml', confirmationsXml(plant.confirmations));
  write('stock.json', stockJson(plant));
  write('downtime.ndjson', downtimeNdjson(plant));
}

/** What operators and half-finished exports leave behind: each line breaks one rule. */
const DIRTY_ORDERS = [
  'OP00900001;PA000001;Bomba de engrenagem BG-10;120,000;PC;30/02/2026 06:00;02/03/2026 14:00;LIB;CT010;3',
  'OP00900002;PA000002;Bomba de engrenagem BG-15;80,000;PC;09/11/2026 06:00;10/11/2026 14:00;BLQ;CT020;2',
  'OP00900003;PA000003;Bomba de engrenagem BG-20;cento e vinte;PC;09/11/2026 06:00;10/11/2026 14:00;ABE;CT030;1',
];

const two = (value: number) => String(value).padStart(2, '0');

/** Brazilian local form of the plant's clock (UTC-3 all year). */
function localTime(date: Date): string {
  const local = new Date(date.getTime() - 3 * 3_600_000);
  const day = `${two(local.getUTCDate())}/${two(local.getUTCMonth() + 1)}/${local.getUTCFullYear()}`;
  return `${day} ${two(local.getUTCHours())}:${two(local.getUTCMinutes())}`;
}

const comma = (decimal: string) => decimal.replace('.', ',');

/** Windows-1252, semicolons, decimal commas and a comment, as spreadsheets in Brazil save it. */
function ordersCsv(orders: Order[], dirt: string[]): Buffer {
  const rows = orders.map((order) =>
    [
      order.number,
      order.material.code,
      order.material.description,
      comma(order.quantity),
      order.material.unit,
      localTime(order.start),
      localTime(order.end),
      order.status,
      order.workCenter,
      order.priority,
    ].join(';'),
  );
  const middle = Math.floor(rows.length / 2);
  const lines = [
    '# Exportação do ERP legado, planta 1000',
    'Ordem;Material;Descrição;Quantidade;Unidade;Início;Fim;Situação;Centro;Prioridade',
    ...rows.slice(0, middle),
    ...dirt,
    ...rows.slice(middle),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1');
}

function confirmationsXml(confirmations: Confirmation[]): string {
  const elements = confirmations.map(
    (confirmation) => `  <Confirmation id="${confirmation.id}">
    <Order>${confirmation.order.number}</Order>
    <Operation>${confirmation.operation}</Operation>
    <WorkCenter>${confirmation.order.workCenter}</WorkCenter>
    <Yield unit="${confirmation.order.material.unit}">${confirmation.good}</Yield>
    <Scrap>${confirmation.scrap}</Scrap>
    <Operator>${confirmation.operator}</Operator>
    <Shift>${confirmation.shift}</Shift>
    <Start>${confirmation.from.toISOString()}</Start>
    <End>${confirmation.to.toISOString()}</End>
  </Confirmation>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Confirmations>\n${elements.join('\n')}\n</Confirmations>\n`;
}

function stockJson(plant: Plant): string {
  const items = plant.stock.map((line) => ({
    material: line.material.code,
    plant: '1000',
    warehouse: line.warehouse,
    lot: line.lot,
    // A bare JSON number: the decimal survives because it is never read as a binary float.
    quantity: Number(line.quantity),
    unit: line.material.unit,
  }));
  return `${JSON.stringify({ generated: '2026-11-24T03:00:00Z', data: { items } }, null, 1)}\n`;
}

function downtimeNdjson(plant: Plant): string {
  const lines = plant.stops.map((stop) =>
    JSON.stringify({
      id: stop.id,
      machine: stop.workCenter,
      reason: { code: stop.reason, text: stop.reasonText },
      from: stop.from.getTime(),
      to: stop.to.getTime(),
      comment: stop.comment || null,
    }),
  );
  return `${lines.join('\n')}\n`;
}
