import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { SeededRandom } from '../../demo/random';
import { orderRow } from '../support/orders';

export interface GatewayTask {
  rows: number;
  /** What each request takes before anything is done; that of a gateway in the same building is several times as long. */
  delayMs: number;
}

const DOCUMENTS = path.resolve(__dirname, '../../..', 'test/support/sap');
const NONE = '{"d":{"results":[]}}';

/**
 * Two services of OData 2 in a process of their own: production orders that are made before anybody asks, and confirmations,
 * one by one or by $batch, of which none is there before.
 */
function run({ rows, delayMs }: GatewayTask): void {
  const random = new SeededRandom(rows);
  const orders = Array.from({ length: rows }, (_, index) => JSON.stringify(orderOf(orderRow(random, index), index)));
  let posted = 0;
  const server = createServer((request, response) => {
    const { pathname, searchParams: query } = new URL(request.url ?? '', 'http://localhost');
    const answer = (status: number, type: string, body: string) => {
      response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
      if (delayMs === 0) response.end(body);
      else setTimeout(() => response.end(body), delayMs);
    };
    const [service = '', resource = ''] = pathname.split('/').slice(-2);
    if (resource === '$metadata') {
      // Who tests the connection asks for all services there may be.
      const document = path.join(DOCUMENTS, `${service}.edmx`);
      if (!existsSync(document)) return answer(404, 'text/plain', '');
      return answer(200, 'application/xml', readFileSync(document, 'utf8'));
    }
    if (request.method === 'HEAD') return response.writeHead(200, { 'x-csrf-token': 'bench' }).end();
    if (request.method === 'GET')
      return answer(200, 'application/json', resource.startsWith('A_') ? page(orders, query) : NONE);
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      if (resource !== '$batch') return answer(201, 'application/json', confirmation(++posted));
      const parts = Buffer.concat(pieces)
        .toString()
        .matchAll(/^(GET|POST) \S+ HTTP\/1\.1\r$/gm);
      const written = [...parts].map(([, method]) => {
        const inner = method === 'GET' ? httpPart('200 OK', NONE) : httpPart('201 Created', confirmation(++posted));
        return method === 'GET'
          ? `--o\r\n${inner}`
          : `--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n${inner}--i--\r\n`;
      });
      answer(202, 'multipart/mixed; boundary=o', `${written.join('')}--o--\r\n`);
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.once('disconnect', () => process.exit());
}

function httpPart(status: string, body: string): string {
  const http = `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}\r\n`;
  return `Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n${http}`;
}

function page(orders: readonly string[], query: URLSearchParams): string {
  const [, from = ''] = /ge '(\d+)'/.exec(query.get('$filter') ?? '') ?? [];
  const begin = from === '' ? Number(query.get('$skip') ?? 0) : Number(from);
  const results = orders.slice(begin, begin + Number(query.get('$top') ?? orders.length));
  const count = query.has('$inlinecount') ? `,"__count":"${orders.length}"` : '';
  return `{"d":{"results":[${results.join(',')}]${count}}}`;
}

function orderOf(row: string[], index: number): Record<string, unknown> {
  const number = String(index).padStart(12, '0');
  const uri = `http://sap.example:8000/sap/opu/odata/sap/API_PRODUCTION_ORDER_2_SRV/A_ProductionOrder_2('${number}')`;
  const day = (text = '') => `/Date(${Date.parse(text.split('/').reverse().join('-'))})/`;
  return {
    __metadata: { id: uri, uri, type: 'API_PRODUCTION_ORDER_2_SRV.A_ProductionOrder_2Type', etag: `W/"'${index}'"` },
    ManufacturingOrder: number,
    Material: row[1],
    MaterialName: row[2],
    TotalQuantity: row[3]?.replace(',', '.'),
    ProductionUnitISOCode: row[4],
    MfgOrderPlannedStartDate: day(row[5]),
    MfgOrderPlannedEndDate: day(row[6]),
    ManufacturingOrderType: row[7],
    StorageLocation: row[8],
    ManufacturingOrderImportance: row[9],
    ProductionPlant: row[10],
    LastChangeDateTime: row[11]?.replace(/\D/g, ''),
  };
}

function confirmation(n: number): string {
  return `{"d":{"ConfirmationGroup":"${String(n).padStart(10, '0')}","ConfirmationCount":"00000001"}}`;
}

process.once('message', (task) => run(task as GatewayTask));
