import assert from 'node:assert/strict';
import Big from 'big.js';
import type { Connector, SourceRecord } from '../../../lib/connectors/contract';
import { PRESETS } from '../../../lib/connectors/erp/oracle-ebs/presets';
import type { EbsPlant } from '../../support/ebs/plant';
import { EbsWriting, outcomesOf } from '../../support/ebs/writing';
import { postgresAvailable } from '../../support/postgres';
import { judges } from '../../support/sql-parsers';

/** "10Q": the queue of operation 10. */
const STEPS = ' QRTJS';
const AUTOCHARGE = 2;
const DIRECT_CHARGE = 3;
const JOB = { wip_entity_id: 5004, organization_id: 204 };
const QUANTITY = '2.5';

/** Moves one after the other, and what production they are: operation, good; operation, scrap, rejected. */
const CASES: [string, string[], [number, string][], [number, string | null, string | null][]][] = [
  ['from queue to run of an operation', ['10Q 10R'], [], []],
  ['through the steps of an operation', ['10Q 10R', '10R 10T', '10T 20Q', '20Q 20R'], [[10, '2.5']], []],
  ['to the next operation', ['10Q 20Q'], [[10, '2.5']], []],
  [
    'past operations, of which one is as though it was not there',
    ['10Q 40Q'],
    [
      [10, '2.5'],
      [20, '2.5'],
    ],
    [],
  ],
  [
    'into and out of that one',
    ['10Q 30Q', '30Q 40Q'],
    [
      [10, '2.5'],
      [20, '2.5'],
      [30, '2.5'],
    ],
    [],
  ],
  [
    'to the end of the last one',
    ['10Q 40T'],
    [
      [10, '2.5'],
      [20, '2.5'],
      [40, '2.5'],
    ],
    [],
  ],
  [
    'back',
    ['10Q 40T', '40T 20Q'],
    [
      [10, '2.5'],
      [20, '2.5'],
      [40, '2.5'],
      [20, '-2.5'],
      [40, '-2.5'],
    ],
    [],
  ],
  [
    'back within an operation',
    ['10Q 10T', '10T 10R'],
    [
      [10, '2.5'],
      [10, '-2.5'],
    ],
    [],
  ],
  ['back between steps of no account', ['10Q 10R', '10R 10Q'], [], []],
  ['to scrap', ['10Q 10S'], [], [[10, '2.5', null]]],
  [
    'to scrap of what was good',
    ['10Q 10T', '10T 10S'],
    [
      [10, '2.5'],
      [10, '-2.5'],
    ],
    [[10, '2.5', null]],
  ],
  [
    'to scrap of a later operation',
    ['10Q 40S'],
    [
      [10, '2.5'],
      [20, '2.5'],
    ],
    [[40, '2.5', null]],
  ],
  [
    'out of scrap',
    ['10Q 10S', '10S 20Q'],
    [[10, '2.5']],
    [
      [10, '2.5', null],
      [10, '-2.5', null],
    ],
  ],
  [
    'to reject, and from there to scrap',
    ['10Q 10J', '10J 10S'],
    [],
    [
      [10, null, '2.5'],
      [10, '2.5', '-2.5'],
    ],
  ],
  [
    'to reject, and on',
    ['10Q 20J', '20J 20T'],
    [
      [10, '2.5'],
      [20, '2.5'],
    ],
    [
      [20, null, '2.5'],
      [20, null, '-2.5'],
    ],
  ],
  [
    'between the scrap of two operations',
    ['10Q 10S', '10S 20S'],
    [[10, '2.5']],
    [
      ...([
        [10, '2.5', null],
        [10, '-2.5', null],
        [20, '2.5', null],
      ] as [number, string, null][]),
    ],
  ],
  [
    'that complete the job',
    ['10Q - 2'],
    [
      [10, '2.5'],
      [20, '2.5'],
      [40, '2.5'],
    ],
    [],
  ],
  [
    'that return from it',
    ['40Q - 2', '- 40Q 3'],
    [
      [40, '2.5'],
      [40, '-2.5'],
    ],
    [],
  ],
];

(postgresAvailable() ? describe : describe.skip)('production of E-Business Suite, by its moves', function () {
  this.timeout(180_000);
  let writing: EbsWriting;
  let plant: EbsPlant;
  let connector: Connector;

  before(async () => {
    writing = await EbsWriting.start();
    plant = writing.plant;
    const at = { ...JOB, last_update_date: '2026-11-27T06:00:00', department_id: 11 };
    await plant.insert(
      'wip_operations',
      { ...at, operation_seq_num: 30, count_point_type: DIRECT_CHARGE },
      { ...at, operation_seq_num: 40, count_point_type: 1 },
    );
    const passed = `UPDATE wip_operations SET count_point_type = ${AUTOCHARGE} WHERE wip_entity_id = 5004 AND operation_seq_num = 20`;
    await plant.database.execute(passed);
  });
  beforeEach(async () => {
    connector = writing.open();
    await plant.database.execute(
      `UPDATE wip_operations SET quantity_in_queue = 100, quantity_running = 0, quantity_waiting_to_move = 0,
         quantity_rejected = 0, quantity_scrapped = 0, quantity_completed = 0 WHERE wip_entity_id = 5004`,
    );
  });
  afterEach(() => writing.clear('wip_move_txn_interface', 'wip_move_transactions', 'wip_txn_interface_errors'));
  after(() => writing?.stop());

  /** "10Q 20Q", with the kind of transaction behind it where it is more than a move. */
  async function move(words: string, index: number): Promise<void> {
    const [from = '', to = '', type = '1'] = words.split(' ');
    const place = (text: string, side: string) =>
      text === '-'
        ? {}
        : {
            [`${side}_operation_seq_num`]: Number.parseInt(text, 10),
            [`${side}_intraoperation_step_type`]: STEPS.indexOf(text.at(-1)!),
          };
    const at = { last_update_date: `2026-11-27T10:00:0${index}`, creation_date: '2026-11-27T10:00:00' };
    await plant.insert('wip_move_txn_interface', {
      ...{
        ...at,
        last_updated_by: 1,
        created_by: 1,
        process_phase: 1,
        process_status: 1,
        transaction_type: Number(type),
      },
      ...{ organization_code: 'M1', wip_entity_name: 'WJ-0003', transaction_date: '2026-11-27T10:00:00' },
      ...{ transaction_quantity: QUANTITY, transaction_uom: 'Ea', ...place(from, 'fm'), ...place(to, 'to') },
    });
    await plant.managers.run();
  }
  const read = async (entity: string) => {
    const rows = await writing.read(connector, entity);
    const id = (row: SourceRecord) => Number(row.TRANSACTION_ID) * 1000 + Number(row.OPERATION_SEQ_NUM);
    return rows.sort((a, b) => id(a) - id(b));
  };

  for (const [what, moves, good, refuse] of CASES) {
    it(`counts moves ${what}`, async () => {
      for (const [index, each] of moves.entries()) await move(each, index);
      assert.deepEqual(await plant.rows('wip_move_txn_interface'), [], 'all of them are posted');
      const produced = await read('production_data');
      const scrapped = await read('production_scrap');
      assert.deepEqual(
        produced.map((row) => [Number(row.OPERATION_SEQ_NUM), row.GOOD_QUANTITY]),
        good,
      );
      assert.deepEqual(
        scrapped.map((row) => [Number(row.OPERATION_SEQ_NUM), row.SCRAP_QUANTITY, row.REJECTED_QUANTITY]),
        refuse,
      );
      for (const operation of await plant.rows('wip_operations')) {
        if (operation.wip_entity_id !== '5004') continue;
        const sum = (rows: SourceRecord[], field: string) =>
          rows
            .filter((row) => row.OPERATION_SEQ_NUM === operation.operation_seq_num)
            .reduce((total, row) => total.plus(String(row[field] ?? 0)), Big(0));
        const [scrap, rejected] = [sum(scrapped, 'SCRAP_QUANTITY'), sum(scrapped, 'REJECTED_QUANTITY')];
        const completed = sum(produced, 'GOOD_QUANTITY').plus(scrap).plus(rejected);
        assert.deepEqual(
          [completed, scrap, rejected].map(Number),
          [operation.quantity_completed, operation.quantity_scrapped, operation.quantity_rejected].map(Number),
          `operation ${operation.operation_seq_num}: what E-Business Suite itself counts`,
        );
      }
    });
  }

  it('sends a report on to the next operation that counts, and finds again what counted for nothing', async () => {
    const report = {
      ...{ SOURCE_LINE_ID: 'PR-1', ORGANIZATION_CODE: 'M1', WIP_ENTITY_NAME: 'WJ-0003', FM_OPERATION_SEQ_NUM: '10' },
      ...{ TRANSACTION_QUANTITY: QUANTITY, TRANSACTION_DATE: '2026-11-27T10:00:00' },
    };
    const run = { ...report, SOURCE_LINE_ID: 'PR-2', TO_OPERATION_SEQ_NUM: '10', TO_INTRAOPERATION_STEP_TYPE: '2' };
    const write = async () =>
      outcomesOf(await writing.write(connector, 'production_data', report, { ...run, TRANSACTION_TYPE: '1' }));
    assert.deepEqual(await write(), ['created', 'created']);
    const [first] = await plant.rows('wip_move_txn_interface');
    assert.deepEqual([first?.to_operation_seq_num, first?.transaction_type], ['40', '1']);
    await plant.managers.run();
    assert.equal((await plant.rows('wip_move_transactions')).length, 2);
    assert.deepEqual(await write(), ['unchanged', 'unchanged']);
    assert.equal((await read('production_data')).length, 2);
  });

  it('waits in the interface for pieces that another report has to move first', async () => {
    await plant.database.execute('UPDATE wip_operations SET quantity_in_queue = 0 WHERE operation_seq_num = 40');
    const report = {
      ...{ SOURCE_LINE_ID: 'PR-3', ORGANIZATION_CODE: 'M1', WIP_ENTITY_NAME: 'WJ-0003', FM_OPERATION_SEQ_NUM: '40' },
      ...{ TRANSACTION_QUANTITY: QUANTITY, TRANSACTION_DATE: '2026-11-27T10:00:00' },
    };
    const write = async (record: SourceRecord) => outcomesOf(await writing.write(connector, 'production_data', record));
    assert.deepEqual(await write(report), ['created']);
    await plant.managers.run();
    assert.deepEqual(await write(report), ['unchanged'], 'it is under way still');
    await write({ ...report, SOURCE_LINE_ID: 'PR-4', FM_OPERATION_SEQ_NUM: '10' });
    while ((await plant.managers.run()) > 0);
    assert.equal((await plant.rows('wip_move_transactions')).length, 2);
    assert.deepEqual(await write(report), ['unchanged']);
  });

  it('is read by statements that the grammar of Oracle knows', () => {
    for (const { entity, columns, from, posting } of PRESETS) {
      const views = [
        { columns, from },
        ...(posting === undefined ? [] : [posting.view, posting.posted ?? posting.view]),
      ];
      for (const view of views) {
        const sql = `SELECT ${view.columns.join(', ')} ${view.from.join(' ')}`;
        assert.deepEqual(judges.oracle(sql), [], entity);
      }
    }
  });
});
