import assert from 'node:assert/strict';
import type { Connector, SourceRecord, WriteResult } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/erp/protheus/connector';
import { protheusPlant } from '../../support/protheus/plant';
import type { ProtheusServer, Row } from '../../support/protheus/server';
import { openWriter, readAll, record, signal } from '../rest/server';

describe('requests of maintenance of Protheus', function () {
  this.timeout(180_000);
  let plant: ProtheusServer;
  const opened: Connector[] = [];

  beforeEach(async () => {
    plant = await protheusPlant();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((connector) => connector.close()));
    await plant.stop();
  });

  function open(): Connector {
    const connector = create(plant.connection(), { log: () => undefined });
    opened.push(connector);
    return connector;
  }

  const posts = () => plant.asked.filter(({ method, url }) => method === 'POST' && !url.includes('/token'));
  const entity = 'maintenance_request';
  const MOMENT = { dateTime: '2026-11-27T06:30' };
  const request = (id: string, data: SourceRecord = {}) =>
    record({ TQB_ORIGEM: id, TQB_CODBEM: 'M1', TQB_DESCSS: "Óleo d'água 😀", ...MOMENT, ...data }, {}, ['TQB_ORIGEM']);
  const table = () => plant.tables.get('TQB')!;
  const errorOf = (result: WriteResult | undefined) => (result?.outcome === 'failed' ? result.error : undefined);
  const write = (connector: Connector) => openWriter(connector, ['TQB_ORIGEM'], entity);

  it('are posted once by the route of their module, and read from their table', async () => {
    const connector = open();
    const writer = await write(connector);
    const own = request('b7f0c2f4-0000-4000-8000-000000000001', { TQB_PRIORI: '1', TQB_POSCON: '1234567.5' });
    assert.deepEqual(
      (await writer.write([own], signal)).map(({ outcome }) => outcome),
      ['created'],
    );
    assert.deepEqual(
      (await writer.write([own], signal)).map(({ outcome }) => outcome),
      ['unchanged'],
    );
    const [posted, ...others] = posts();
    assert.deepEqual(others, []);
    assert.equal(posted?.headers['x-erp-module'], 'MNT');
    const { origin, ...body } = JSON.parse(posted?.body ?? '') as Row;
    assert.match(String(origin), /^[0-9A-Z]{16}$/);
    assert.deepEqual(body, {
      ...{ equipment: 'M1', description: "Óleo d'água 😀", dateTime: '20261127 06:30' },
      ...{ priority: '1', counter: 1234567.5 },
    });
    const { records } = await readAll(connector, { entity });
    assert.deepEqual(
      [records[0]?.TQB_SOLICI, records[0]?.TQB_CODBEM, records[0]?.TQB_DTABER, records[0]?.TQB_ORIGEM],
      [...['000001', 'M1', '2026-11-27', origin]],
    );
  });

  it('are found again after an answer that was lost, and are no second ones', async () => {
    const writer = await write(open());
    plant.cuts = (method) => method === 'POST';
    const places = [request('1'), request('2', { TQB_TIPOSS: 'L', TQB_CODBEM: 'HALL' })];
    const lost = await writer.write(places, signal);
    assert.deepEqual(
      lost.map(({ outcome }) => outcome),
      ['unknown', 'unknown'],
    );
    const resolved = await writer.resolve!(places, signal);
    assert.deepEqual(
      resolved.map(({ state }) => state),
      ['found', 'found'],
    );
    assert.deepEqual(
      table().map(({ TQB_TIPOSS }) => TQB_TIPOSS),
      ['B', 'L'],
    );
    assert.deepEqual(
      (await writer.resolve!([request('3')], signal)).map(({ state }) => state),
      ['absent'],
    );
  });

  it('stay as those who work on them left them, but are not posted for another machine', async () => {
    const writer = await write(open());
    await writer.write([request('1', { TQB_PRIORI: '3' })], signal);
    Object.assign(table()[0]!, { TQB_PRIORI: '1', TQB_CDSERV: '000009', TQB_SOLUCA: 'D' });
    const again = await writer.write([request('1', { TQB_PRIORI: '3' })], signal);
    assert.equal(again[0]?.outcome, 'unchanged');
    const [other] = await writer.write([request('1', { TQB_CODBEM: 'M2' })], signal);
    assert.equal(errorOf(other)?.code, 'PCP_PROTHEUS_POSTED_BEFORE');
    assert.equal(table().length, 1);
  });

  it('are deleted by their number', async () => {
    const writer = await write(open());
    await writer.write([request('1'), request('2')], signal);
    assert.equal(
      (await writer.delete!([request('1'), request('9')], signal)).every(({ outcome }) => outcome === 'deleted'),
      true,
    );
    assert.deepEqual(
      table().map(({ TQB_ORIGEM }) => String(TQB_ORIGEM).trim()),
      ['2'],
    );
  });

  it('are refused before they are sent where they are none, and by Protheus with its words', async () => {
    const writer = await write(open());
    const wrong = [
      ...[request(''), request('1', { TQB_DESCSS: null }), request('2', { dateTime: '6h30' })],
      ...[request('3', { TQB_PRIORI: '10' }), request('4', { TQB_XOTHER: 'x' })],
    ];
    const refused = await writer.write(wrong, signal);
    assert.deepEqual(
      refused.map((each) => [errorOf(each)?.code, errorOf(each)?.path]),
      ['TQB_ORIGEM', 'TQB_DESCSS', 'dateTime', 'TQB_PRIORI', 'TQB_XOTHER'].map((path) => ['PCP_TOTVS_VALUE', path]),
    );
    assert.deepEqual(posts(), []);
    const [stopped] = await writer.write([request('5', { TQB_CODBEM: 'PARADO' })], signal);
    assert.deepEqual([errorOf(stopped)?.class, errorOf(stopped)?.code], ['data', 'PCP_TOTVS_REFUSED']);
    assert.match(String(errorOf(stopped)?.message), /Bem inativo/);
  });
});
