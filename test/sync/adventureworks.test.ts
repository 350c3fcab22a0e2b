import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { FieldMapping } from '../../lib/model/mapping';
import type { Hub } from '../../lib/model/services';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';

/** Reference data beside the checkout; a user's machine has none, and other tests cover the same with cases of their own. */
const DATA = resolve('..', 'shared', 'data', 'adventureworks');
const INSTANT = 'YYYY-MM-DD HH:mm:ss.SSS';

interface Table {
  file: string;
  rows: number;
  columns: string;
  entity: string;
  fields: FieldMapping[];
}

const TABLES: Table[] = [
  {
    file: 'Product.csv',
    rows: 504,
    columns:
      'ProductID Name ProductNumber MakeFlag FinishedGoodsFlag Color SafetyStockLevel ReorderPoint StandardCost ListPrice Size SizeUnitMeasureCode WeightUnitMeasureCode Weight DaysToManufacture ProductLine Class Style ProductSubcategoryID ProductModelID SellStartDate SellEndDate DiscontinuedDate rowguid ModifiedDate',
    entity: 'material',
    fields: [
      { source: 'ProductID', target: 'material', required: true },
      { source: 'ProductNumber', target: 'product_number', required: true },
      { source: 'Name', target: 'name' },
      { source: 'MakeFlag', target: 'make', type: 'boolean', format: '1|0' },
      { source: 'FinishedGoodsFlag', target: 'finished_good', type: 'boolean', format: '1|0' },
      { source: 'Color', target: 'color' },
      { source: 'SafetyStockLevel', target: 'safety_stock', type: 'decimal' },
      { source: 'ReorderPoint', target: 'reorder_point', type: 'decimal' },
      { source: 'StandardCost', target: 'standard_cost', type: 'decimal' },
      { source: 'ListPrice', target: 'list_price', type: 'decimal' },
      { source: 'Size', target: 'size' },
      { source: 'SizeUnitMeasureCode', target: 'size_unit', trim: true },
      { source: 'Weight', target: 'weight', type: 'decimal' },
      { source: 'WeightUnitMeasureCode', target: 'weight_unit', trim: true },
      { source: 'DaysToManufacture', target: 'days_to_manufacture', type: 'integer' },
      { source: 'Class', target: 'class', trim: true },
      { source: 'SellStartDate', target: 'sell_start_date', type: 'date', format: INSTANT },
      { source: 'SellEndDate', target: 'sell_end_date', type: 'date', format: INSTANT },
      { source: 'ModifiedDate', target: 'changed_at', type: 'datetime', format: INSTANT },
    ],
  },
  {
    file: 'BillOfMaterials.csv',
    rows: 2679,
    columns:
      'BillOfMaterialsID ProductAssemblyID ComponentID StartDate EndDate UnitMeasureCode BOMLevel PerAssemblyQty ModifiedDate',
    entity: 'bill_of_material',
    fields: [
      { source: 'ProductAssemblyID', target: 'assembly' },
      { source: 'ComponentID', target: 'component', required: true },
      { source: 'StartDate', target: 'valid_from', type: 'date', format: INSTANT },
      { source: 'EndDate', target: 'valid_to', type: 'date', format: INSTANT },
      { source: 'UnitMeasureCode', target: 'unit', trim: true },
      { source: 'BOMLevel', target: 'level', type: 'integer' },
      { source: 'PerAssemblyQty', target: 'quantity', type: 'decimal' },
    ],
  },
  {
    file: 'ProductInventory.csv',
    rows: 1069,
    columns: 'ProductID LocationID Shelf Bin Quantity rowguid ModifiedDate',
    entity: 'stock',
    fields: [
      { source: 'ProductID', target: 'material', required: true },
      { source: 'LocationID', target: 'storage_location' },
      { source: 'Shelf', target: 'shelf' },
      { source: 'Bin', target: 'bin' },
      { source: 'Quantity', target: 'quantity', type: 'decimal' },
    ],
  },
  {
    file: 'Location.csv',
    rows: 14,
    columns: 'LocationID Name CostRate Availability ModifiedDate',
    entity: 'work_center',
    fields: [
      { source: 'LocationID', target: 'work_center', required: true },
      { source: 'Name', target: 'name' },
      { source: 'CostRate', target: 'cost_rate', type: 'decimal' },
      { source: 'Availability', target: 'capacity', type: 'decimal' },
    ],
  },
];

describe('AdventureWorks', () => {
  let hub: Hub;
  let remove: () => Promise<void>;
  let connectionId: number;

  before(async function () {
    if (!existsSync(DATA)) this.skip();
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
    const entities = Object.fromEntries(
      TABLES.map(({ file, columns }) => [
        file,
        { path: file, format: 'csv', delimiter: '\t', quote: '', header: false, columns: columns.split(' ') },
      ]),
    );
    const config = { root: DATA, entities };
    connectionId = (await hub.connections.create({ name: 'files', connector_type: 'generic.file', config })).id;
  });

  after(async () => {
    await hub?.close();
    await remove?.();
  });

  for (const { file, rows, entity, fields } of TABLES) {
    it(`${file} imports fully into ${entity}, and again without a change`, async () => {
      const { id } = await hub.mappings.create({
        connection_id: connectionId,
        name: file,
        entity_type: entity,
        direction: 'import',
        source_entity: file,
        target_entity: entity,
        field_mappings: fields,
      });
      const [first] = (await runToEnd(hub, connectionId, { mapping_id: id })).logs;
      assert.equal(first!.status, 'success', first!.error_message ?? '');
      assert.deepEqual([first!.details.created, first!.records_error], [rows, 0]);
      const [second] = (await runToEnd(hub, connectionId, { mapping_id: id })).logs;
      assert.deepEqual([second!.details.unchanged, second!.records_processed], [rows, rows]);
    });
  }

  it('keeps what the files say', async () => {
    const ball = await hub.records.get('material', ['2']);
    assert.equal(ball.product_number, 'BA-8327');
    assert.equal(ball.make, false);
    assert.equal(ball.standard_cost, '0');
    assert.equal(ball.sell_start_date, '2019-04-30');
    assert.equal(ball.weight, null);
    assert.equal(ball.changed_at, '2025-02-07T10:01:36.827Z');
  });
});
