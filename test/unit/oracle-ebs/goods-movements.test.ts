import assert from 'node:assert/strict';
import type { Connector, SourceRecord, WriteResult } from '../../../lib/connectors/contract';
import { translate } from '../../../lib/locales/catalogue';
import type { IntegrationError } from '../../../lib/model/errors';
import { IsgServer } from '../../support/ebs/isg-server';
import type { EbsPlant, Row } from '../../support/ebs/plant';
import { EbsWriting, ISSUE, outcomesOf as outcomes } from '../../support/ebs/writing';
import { postgresAvailable } from '../../support/postgres';

(postgresAvailable() ? describe : describe.skip)('goods movements to E-Business Suite', function () {
  this.timeout(180_000);
  const gateway = new IsgServer();
  let writing: EbsWriting;
  let plant: EbsPlant;

  before(async () => {
    writing = await EbsWriting.start();
    plant = writing.plant;
    await gateway.start();
  });
  afterEach(() =>
    writing.clear(
      ...['mtl_transactions_interface', 'mtl_transaction_lots_interface', 'mtl_transaction_lot_numbers'],
      ...['mtl_serial_numbers_interface', 'mtl_unit_transactions', 'mtl_material_transactions_temp'],
      'mtl_material_transactions',
    ),
  );
  after(async () => {
    await writing?.stop();
    await gateway.stop();
  });

  const open = (config: Record<string, unknown> = {}) => writing.open(config, { password: gateway.password });
  const write = (connector: Connector, entity: string, ...all: SourceRecord[]): Promise<WriteResult[]> =>
    writing.write(connector, entity, ...all);

  it('take material out with a sign, and name what E-Business Suite does not have', async () => {
    const connector = open();
    const receipt = { ...ISSUE, SOURCE_LINE_ID: 'GM-2', ITEM: 'AX-100', TRANSACTION_TYPE_ID: '44' };
    const results = await write(connector, 'goods_movement', ISSUE, receipt, {
      ...ISSUE,
      SOURCE_LINE_ID: 'GM-3',
      ITEM: 'NONE',
    });
    assert.deepEqual(outcomes(results), ['created', 'created', 'PCP_EBS_VALUE']);
    const { said } = (results[2] as { error: IntegrationError }).error;
    assert.equal(translate(said, 'en-US'), 'The field "ITEM" names an item that the organization does not have.');
    assert.equal(translate(said, 'pt-BR'), 'O campo "ITEM" nomeia um item que a organização não tem.');
    await plant.managers.run();
    const posted = await plant.rows('mtl_material_transactions');
    assert.deepEqual(
      posted.map((row) => [
        row.transaction_type_id,
        row.transaction_quantity,
        row.transaction_source_id,
        row.inventory_item_id,
      ]),
      [
        ['35', '-4', '5002', '101'],
        ['44', '4', '5002', '100'],
      ],
    );
    assert.deepEqual(outcomes(await write(connector, 'goods_movement', ISSUE)), ['unchanged']);
  });

  it('between subinventories are one, though E-Business Suite keeps two, and not what moves no stock', async () => {
    const connector = open();
    const transfer = {
      ...{ SOURCE_LINE_ID: 'GM-9', ORGANIZATION_CODE: 'M1', ITEM: 'BOLT.M8', TRANSACTION_QUANTITY: '4' },
      ...{ SUBINVENTORY_CODE: 'Stores', TRANSFER_SUBINVENTORY: 'FGI', TRANSACTION_TYPE_ID: '2' },
      TRANSACTION_DATE: '2026-11-27T10:00:00',
    };
    assert.deepEqual(outcomes(await write(connector, 'goods_movement', transfer)), ['created']);
    await plant.managers.run();
    await plant.database.execute(
      `INSERT INTO mtl_material_transactions (transaction_id, last_update_date, inventory_item_id, organization_id,
         transaction_quantity, transaction_uom, primary_quantity, transaction_date, transaction_source_type_id,
         transaction_action_id, transaction_type_id)
       SELECT 900 + action, last_update_date, inventory_item_id, organization_id, 0, 'Ea', 0, transaction_date, 13, action, 24
       FROM mtl_material_transactions, (VALUES (24), (30), (50)) AS others (action) WHERE transaction_quantity < 0`,
    );
    assert.equal((await plant.rows('mtl_material_transactions')).length, 5);
    assert.deepEqual(outcomes(await write(connector, 'goods_movement', transfer)), ['unchanged']);
    const found = await writing.read(connector, 'goods_movement');
    assert.deepEqual(
      found.map((row) => [row.SUBINVENTORY_CODE, row.TRANSFER_SUBINVENTORY, row.TRANSACTION_QUANTITY]),
      [['Stores', 'FGI', '4']],
    );
  });

  it('are of the operation that needs the component, where the record leaves it out', async () => {
    const connector = open();
    const { OPERATION_SEQ_NUM: _, ...issue } = ISSUE;
    const other = { ...issue, SOURCE_LINE_ID: 'GM-2', ITEM: 'AX-100' };
    const wrong = { ...ISSUE, SOURCE_LINE_ID: 'GM-3', OPERATION_SEQ_NUM: '15' };
    assert.deepEqual(outcomes(await write(connector, 'goods_movement', issue, other, wrong)), Array(3).fill('created'));
    await plant.managers.run();
    const posted = await plant.rows('mtl_material_transactions');
    assert.deepEqual(
      posted.map((row) => row.operation_seq_num).sort(),
      ['10', '20'],
      'E-Business Suite takes the last one',
    );
    const [refused] = await writing.read(connector, 'MTL_TRANSACTIONS_INTERFACE');
    assert.deepEqual([refused?.PROCESS_FLAG, refused?.ERROR_CODE], ['3', 'operation_seq_num']);
  });

  it('take a lot with them, which is a row of its own', async () => {
    const connector = open();
    const steel = { ...ISSUE, ITEM: 'STEEL', TRANSACTION_QUANTITY: '2.5' };
    await write(connector, 'goods_movement', steel);
    await plant.managers.run();
    assert.equal((await plant.rows('mtl_transactions_interface'))[0]!.error_explanation, 'Lot number is missing');
    assert.deepEqual(outcomes(await write(connector, 'goods_movement', { ...steel, LOT_NUMBER: 'L1' })), ['created']);
    assert.deepEqual(
      (await plant.rows('mtl_transaction_lots_interface')).map((row) => [row.lot_number, row.transaction_quantity]),
      [['L1', '-2.5']],
    );
    await plant.managers.run();
    assert.deepEqual(await plant.rows('mtl_transactions_interface'), []);
    assert.equal((await plant.rows('mtl_material_transactions')).length, 1);
    const [lot] = await plant.rows('mtl_transaction_lot_numbers');
    assert.deepEqual([lot?.lot_number, lot?.transaction_quantity], ['L1', '-2.5']);
    // Each lot of a movement is a movement by itself.
    await plant.database.execute(
      'UPDATE mtl_transaction_lot_numbers SET transaction_quantity = -1, primary_quantity = -1',
    );
    const { transaction_id } = lot as Row;
    await plant.insert('mtl_transaction_lot_numbers', {
      ...{ transaction_id: transaction_id!, lot_number: 'L2', transaction_quantity: '-1.5', primary_quantity: '-1.5' },
    });
    const found = await writing.read(connector, 'goods_movement');
    assert.deepEqual(found.map((row) => [row.LOT_NUMBER, row.TRANSACTION_QUANTITY, row.ITEM]).sort(), [
      ['L1', '1', 'STEEL'],
      ['L2', '1.5', 'STEEL'],
    ]);
    assert.deepEqual(outcomes(await write(connector, 'goods_movement', { ...steel, LOT_NUMBER: 'L1' })), ['unchanged']);
    const config = { base_url: gateway.url, interfaces: { MTL_TRANSACTIONS_INTERFACE: 'inv' } };
    const other = { ...steel, SOURCE_LINE_ID: 'GM-2', LOT_NUMBER: 'L1' };
    assert.deepEqual(outcomes(await write(open(config), 'goods_movement', other)), ['PCP_EBS_VALUE']);
  });

  it('take serial numbers with them, each a row of its own that hangs on the lot where there is one', async () => {
    const connector = open();
    const organization = { organization_id: 204, primary_uom_code: 'Ea', last_update_date: '2026-11-27T06:00:00' };
    await plant.insert('mtl_system_items_kfv', {
      ...{ ...organization, inventory_item_id: 120, concatenated_segments: 'SET-1' },
      ...{ lot_control_code: 2, serial_number_control_code: 5 },
    });
    const shaft = { ...ISSUE, ITEM: "Eixo d'água ção 😀", TRANSACTION_QUANTITY: '2', SERIAL_NUMBERS: ['Nº 1', 'Nº 2'] };
    const set = { ...ISSUE, SOURCE_LINE_ID: 'GM-2', ITEM: 'SET-1', TRANSACTION_QUANTITY: '1', LOT_NUMBER: 'L7' };
    const withSerial = { ...set, SERIAL_NUMBERS: ['S-1'] };
    const short = { ...shaft, SOURCE_LINE_ID: 'GM-3', SERIAL_NUMBERS: ['Nº 3'] };
    assert.deepEqual(outcomes(await write(connector, 'goods_movement', shaft, set, short)), Array(3).fill('created'));
    await plant.managers.run();
    const refused = await plant.rows('mtl_transactions_interface');
    assert.deepEqual(
      refused.map((row) => row.error_explanation),
      Array(2).fill('Serial numbers are missing'),
    );
    // Sent again they take the place of what was refused, numbers and all.
    const both = [withSerial, { ...short, SERIAL_NUMBERS: ['Nº 3', 'Nº 4'] }] as const;
    assert.deepEqual(outcomes(await write(connector, 'goods_movement', ...both)), ['created', 'created']);
    const numbers = await plant.rows('mtl_serial_numbers_interface');
    assert.deepEqual(numbers.map((row) => row.fm_serial_number).sort(), ['Nº 3', 'Nº 4', 'S-1']);
    const [lot] = await plant.rows('mtl_transaction_lots_interface');
    const ofSet = numbers.find((row) => row.fm_serial_number === 'S-1');
    assert.equal(ofSet?.transaction_interface_id, lot?.serial_transaction_temp_id);
    await plant.managers.run();
    assert.deepEqual(await plant.rows('mtl_transactions_interface'), []);
    assert.deepEqual(await plant.rows('mtl_serial_numbers_interface'), []);
    const posted = (await plant.rows('mtl_unit_transactions')).map((row) => row.serial_number);
    assert.deepEqual(posted.sort(), ['Nº 1', 'Nº 2', 'Nº 3', 'Nº 4', 'S-1']);
    assert.deepEqual(outcomes(await write(connector, 'goods_movement', shaft, withSerial)), ['unchanged', 'unchanged']);
    const wrong = [['A', 'A'], [''], 'A', [{}], ['X'.repeat(31)]].map((SERIAL_NUMBERS, n) => ({
      ...{ ...shaft, SOURCE_LINE_ID: `GM-1${n}`, SERIAL_NUMBERS },
    }));
    assert.deepEqual(outcomes(await write(connector, 'goods_movement', ...wrong)), Array(5).fill('PCP_EBS_VALUE'));
    const config = { base_url: gateway.url, interfaces: { MTL_TRANSACTIONS_INTERFACE: 'inv' } };
    const other = { ...shaft, SOURCE_LINE_ID: 'GM-20' };
    assert.deepEqual(outcomes(await write(open(config), 'goods_movement', other)), ['PCP_EBS_VALUE']);
  });
});
