import assert from 'node:assert/strict';
import { create as createEbs } from '../../lib/connectors/erp/oracle-ebs/connector';
import { create as createProtheus } from '../../lib/connectors/erp/protheus/connector';
import type { Hub, MappingInput } from '../../lib/model/services';
import { EbsPlant } from '../support/ebs/plant';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { KeepingService } from '../support/keeping-service';
import { postgresAvailable } from '../support/postgres';
import { protheusPlant } from '../support/protheus/plant';
import { openWriter, readAll, record, signal } from '../unit/rest/server';

const DIGITS = ['12345678901234567.12345678901234', '-0.00000000000001'];
const LONGS = ['9223372036854775807', '-9007199254740993'];
/** 40 characters, as SAP pads them; and one with blanks inside. */
const CODES = [`${'0'.repeat(36)}4711`, `P-1${' '.repeat(36)}X`];
/** Composed and decomposed letters, what JSON, XML and SQL escape, and signs of several code points. */
const TEXTS = [`Pão "às" d'água & \t${'ação'.normalize('NFD')} <10 %> \\`, '👩‍🔧🇧🇷😀 ção — ½'];

type Row = Record<string, unknown>;

/** In the language since ECMAScript 2025: a number with the digits that it was written with. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

describe('values that are hard to keep', () => {
  const ODATA = [
    {
      system: 'SAP, OData 2',
      type: 'erp.sap',
      root: '/svc',
      version: 2,
      config: { services: { x: '/svc' }, csrf: 'off' },
    },
    {
      system: 'SAP, OData 4',
      type: 'erp.sap',
      root: '/svc',
      version: 4,
      config: { services: { x: '/svc' }, csrf: 'off' },
    },
    { system: 'Dynamics 365', type: 'erp.dynamics365', root: '/data', version: 4, config: {} },
  ] as const;

  for (const { system, type, root, version, config } of ODATA) {
    it(`go out to ${system} and come back as they were`, async () => {
      const api = new KeepingService(root, version);
      await api.start();
      const directories = [await temporaryDirectory(), await temporaryDirectory()];
      const hubs: Hub[] = [];
      try {
        for (const { path } of directories) hubs.push(await openHub(path));
        const [from, to] = hubs as [Hub, Hub];
        const records = CODES.map((material, n) => ({
          ...{ material, description: TEXTS[n]!, net_weight: DIGITS[n]!, group: LONGS[n]! },
        }));
        for (const each of records) await from.records.create('material', each);
        for (const [hub, direction] of [
          [from, 'export'],
          [to, 'import'],
        ] as const) {
          const own = { ...config, base_url: api.url, authentication: 'none', changes_per_request: 1 };
          const { id } = await hub.connections.create({ name: system, connector_type: type, config: own });
          const pairs = { Code: 'material', Text: 'description', Amount: 'net_weight', Long: 'group' };
          const mapping = await hub.mappings.create({
            ...{ connection_id: id, name: direction, direction, entity_type: 'material', target_entity: 'material' },
            ...{ source_entity: type === 'erp.sap' ? 'x/Parts' : 'Parts', key_fields: ['material'] },
            field_mappings: Object.entries(pairs).map(([source, target]) => ({
              ...{ source, target, type: target === 'net_weight' ? 'decimal' : 'string' },
            })),
          } as MappingInput);
          const { status, logs } = await runToEnd(hub, id, { mapping_id: mapping.id });
          assert.equal(status, 'success', JSON.stringify(logs));
        }
        const sent = CODES.map((Code, n) => ({ Code, Text: TEXTS[n]!, Amount: DIGITS[n]!, Long: LONGS[n]! }));
        assert.deepEqual([...api.rows.values()].sort(byCode), sent.sort(byCode));
        const { items } = await to.records.list('material', { limit: 10 });
        const found = items.map(({ material, description, net_weight, group }) => ({
          ...{ material, description, net_weight, group },
        }));
        assert.deepEqual(found.sort(byMaterial), records.sort(byMaterial));
      } finally {
        for (const hub of hubs) await hub.close();
        for (const { remove } of directories) await remove();
        await api.stop();
      }
    });
  }

  it('come from Protheus with the digits that JSON has, and go there as texts', async () => {
    const plant = await protheusPlant();
    const connector = createProtheus(plant.connection(), { log: () => undefined });
    try {
      const orders = plant.tables.get('SC2')!;
      for (const [n, digits] of DIGITS.entries()) {
        Object.assign(orders[n]!, { C2_QUANT: rawJSON(digits), C2_PRODUTO: CODES[n]! });
      }
      const { records } = await readAll(connector, { entity: 'production_order' });
      const numbers = orders.slice(0, 2).map(({ C2_NUM }) => C2_NUM);
      assert.deepEqual(
        records
          .filter((each) => numbers.includes((each as Row).C2_NUM))
          .map((each) => [(each as Row).C2_QUANT, (each as Row).C2_PRODUTO]),
        DIGITS.map((digits, n) => [digits, CODES[n]]),
      );
      const writer = await openWriter(connector, ['Code'], 'waste_reason');
      const reasons = TEXTS.map((Description, n) => ({ Code: `R ${n}`, Description, IsRework: false }));
      const results = await writer.write(
        reasons.map((reason) => record(reason, {}, ['Code'])),
        signal,
      );
      assert.deepEqual(
        results.map(({ outcome }) => outcome),
        ['created', 'created'],
      );
      assert.deepEqual(
        [...plant.reasons.values()].map(({ Description }) => Description),
        TEXTS,
      );
      const found = await readAll(connector, { entity: 'waste_reason' });
      assert.deepEqual(
        found.records.map((each) => (each as Row).Description),
        TEXTS,
      );
    } finally {
      await connector.close();
      await plant.stop();
    }
  });

  (postgresAvailable() ? it : it.skip)(
    'go into the interface tables of Oracle EBS and come from its views',
    async () => {
      const plant = await EbsPlant.start();
      const connector = createEbs(plant.connection(), { log: () => undefined });
      try {
        const target = 'production_data';
        const writer = await openWriter(connector, ['SOURCE_LINE_ID'], target);
        const rows = TEXTS.map((text, n) => ({
          ...{
            SOURCE_LINE_ID: String(n + 1),
            ORGANIZATION_CODE: 'M1',
            WIP_ENTITY_NAME: 'WJ-0001',
            FM_OPERATION_SEQ_NUM: '10',
          },
          ...{ TRANSACTION_QUANTITY: DIGITS[n]!, REFERENCE: text, TRANSACTION_DATE: '2026-11-27T10:00:00' },
        }));
        const results = await writer.write(
          rows.map((row) => record(row, {}, ['SOURCE_LINE_ID'])),
          signal,
        );
        assert.deepEqual(
          results.map(({ outcome }) => outcome),
          ['created', 'created'],
        );
        const kept = (await plant.rows('wip_move_txn_interface')) as Row[];
        assert.deepEqual(
          kept.map(({ transaction_quantity, reference }) => [transaction_quantity, reference]).sort(),
          TEXTS.map((text, n) => [DIGITS[n], text]).sort(),
        );
        await plant.database.execute(
          `UPDATE wip_discrete_jobs SET start_quantity = '${DIGITS[0]}' WHERE wip_entity_id = 5001`,
        );
        await plant.database.execute(
          `UPDATE mtl_system_items_kfv SET concatenated_segments = '${CODES[0]}', description = ? WHERE inventory_item_id = 100`,
          [TEXTS[0]!],
        );
        const jobs = await readAll(connector, { entity: 'production_order' });
        const job = jobs.records.find((each) => (each as Row).WIP_ENTITY_NAME === 'WJ-0000') as Row;
        assert.deepEqual([job.START_QUANTITY, job.ITEM], [DIGITS[0], CODES[0]]);
        const items = await readAll(connector, { entity: 'material' });
        const item = items.records.find((each) => Object.values(each as Row).includes(CODES[0])) as Row;
        assert.ok(Object.values(item).includes(TEXTS[0]), JSON.stringify(item));
      } finally {
        await connector.close();
        await plant.stop();
      }
    },
  );
});

function byCode(a: { Code?: unknown }, b: { Code?: unknown }): number {
  return String(a.Code) < String(b.Code) ? -1 : 1;
}

function byMaterial(a: { material?: unknown }, b: { material?: unknown }): number {
  return String(a.material) < String(b.material) ? -1 : 1;
}
