import assert from 'node:assert/strict';
import type { Connector, SourceRecord, WriteResult } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/erp/oracle-ebs/connector';
import { IntegrationError } from '../../../lib/model/errors';
import { IsgServer } from '../../support/ebs/isg-server';
import type { EbsPlant, Row } from '../../support/ebs/plant';
import { EbsWriting, ISSUE, outcomesOf as outcomes, recordsOf, targetOf } from '../../support/ebs/writing';
import { FaultProxy } from '../../support/fault-proxy';
import { postgresAvailable } from '../../support/postgres';

const signal = new AbortController().signal;
const MOVE = {
  ...{ SOURCE_LINE_ID: 'PR-1', ORGANIZATION_CODE: 'M1', WIP_ENTITY_NAME: 'WJ-0001', FM_OPERATION_SEQ_NUM: '0010' },
  ...{ TRANSACTION_QUANTITY: '5.5', TRANSACTION_DATE: '2026-11-27T10:00:00' },
};
/** More than a write takes, from the connection to its end. */
const ROUND_TRIPS = 40;

(postgresAvailable() ? describe : describe.skip)('postings to E-Business Suite', function () {
  this.timeout(180_000);
  const gateway = new IsgServer();
  let writing: EbsWriting;
  let plant: EbsPlant;

  before(async () => {
    writing = await EbsWriting.start();
    plant = writing.plant;
    await gateway.start();
    gateway.methods.set('wipmove/WIP_MOVE_TXN_INTERFACE', async ({ WIP_MOVE_TXN_INTERFACE_REC: rows }) => {
      await plant.insert('wip_move_txn_interface', ...(rows as Row[]));
      return { Summary: { InsertCount: '1' } };
    });
  });
  afterEach(async () => {
    gateway.cuts = () => false;
    await writing.clear(
      ...['wip_move_txn_interface', 'wip_move_transactions', 'wip_txn_interface_errors', 'wip_cost_txn_interface'],
      ...['wip_transactions', 'mtl_transactions_interface'],
      ...['mtl_material_transactions_temp', 'mtl_material_transactions'],
    );
  });
  after(async () => {
    await writing?.stop();
    await gateway.stop();
  });

  const open = (config: Record<string, unknown> = {}) => writing.open(config, { password: gateway.password });
  const write = (connector: Connector, entity: string, ...all: SourceRecord[]): Promise<WriteResult[]> =>
    writing.write(connector, entity, ...all);
  const resolve = (connector: Connector, entity: string, record: SourceRecord) =>
    writing.resolve(connector, entity, record);

  it('come once into the interface, ready to be taken up, with what the record leaves out', async () => {
    const connector = open({ responsibility: 'WIP_SUPERUSER', responsibility_application: 'WIP' });
    const last = { ...MOVE, SOURCE_LINE_ID: 'PR-2', FM_OPERATION_SEQ_NUM: '20' };
    const { FM_OPERATION_SEQ_NUM: _, ...whole } = { ...MOVE, SOURCE_LINE_ID: '4711' };
    assert.deepEqual(outcomes(await write(connector, 'production_data', MOVE, last, whole)), [
      'created',
      'created',
      'created',
    ]);
    const rows = await plant.rows('wip_move_txn_interface');
    const told = rows.map((row) => [
      row.fm_operation_seq_num,
      row.to_operation_seq_num,
      row.transaction_type,
      row.transaction_uom,
    ]);
    // Moved on to the next operation; completed from the last one; completed through all of them.
    assert.deepEqual(told, [
      ['10', '20', '1', 'Ea'],
      ['20', null, '2', 'Ea'],
      ['10', null, '2', 'Ea'],
    ]);
    const [first, , third] = rows;
    assert.deepEqual(
      [
        first!.process_phase,
        first!.process_status,
        first!.group_id,
        first!.transaction_id,
        first!.created_by,
        first!.source_code,
      ],
      ['1', '1', null, null, '1318', 'PCP'],
    );
    assert.deepEqual([first!.created_by_name, first!.last_updated_by_name], ['PCP_USER', 'PCP_USER']);
    assert.match(String(first!.source_line_id), /^\d{18}$/);
    assert.equal(third!.source_line_id, '4711', 'a number that fits is the key itself');
    assert.deepEqual(await plant.rows('initialized'), [
      { user_id: '1318', responsibility_id: '20560', application_id: '706' },
    ]);
  });

  for (const [where, work] of [
    ['in the interface', 0],
    ['in a stage between', 1],
    ['posted', 2],
  ] as const) {
    it(`are found again ${where}, and not sent twice`, async () => {
      const connector = open();
      const entity = work === 1 ? 'goods_movement' : 'production_data';
      const record = work === 1 ? ISSUE : MOVE;
      assert.equal((await resolve(connector, entity, record)).state, 'absent');
      await write(connector, entity, record);
      if (work === 2) await plant.managers.run();
      if (work === 1) {
        await plant.database.execute(
          `WITH taken AS (DELETE FROM mtl_transactions_interface RETURNING *)
           INSERT INTO mtl_material_transactions_temp SELECT * FROM taken`,
        );
      }
      assert.deepEqual(outcomes(await write(connector, entity, record)), ['unchanged']);
      assert.equal((await resolve(connector, entity, record)).state, 'found');
      if (work !== 1) {
        const changed = { ...record, TRANSACTION_QUANTITY: '6' };
        assert.deepEqual(outcomes(await write(connector, entity, changed)), ['PCP_EBS_POSTED_BEFORE']);
      }
      await plant.managers.run();
      const posted = await plant.rows(work === 1 ? 'mtl_material_transactions' : 'wip_move_transactions');
      assert.equal(posted.length, 1);
    });
  }

  it('are found in organizations that the connection does not read, and behind a view that takes the place of theirs', async () => {
    const views = { production_data: { sql: 'SELECT wip_entity_id FROM wip_entities', key: ['wip_entity_id'] } };
    const connector = open({ organization_codes: 'M1', views });
    const elsewhere = { ...MOVE, ORGANIZATION_CODE: 'M2', WIP_ENTITY_NAME: 'WJ-0012' };
    assert.deepEqual(outcomes(await write(connector, 'production_data', elsewhere)), ['created']);
    await plant.managers.run();
    assert.deepEqual(outcomes(await write(connector, 'production_data', elsewhere)), ['unchanged']);
  });

  it('that are refused are told with the reason, and take the place of what was refused when they come again', async () => {
    const connector = open({ wait_seconds: 600 });
    const bad = { ...MOVE, WIP_ENTITY_NAME: 'WJ-0005' };
    const both = write(connector, 'production_data', bad, { ...MOVE, SOURCE_LINE_ID: 'PR-2' });
    const [refused, good] = await writing.whileManagersRun(both);
    assert.ok(refused?.outcome === 'failed');
    assert.deepEqual([refused.error.class, refused.error.code], ['data', 'PCP_EBS_REFUSED']);
    assert.match(refused.error.message, /Job is not released/);
    assert.equal(good?.outcome, 'created');
    assert.equal((await resolve(connector, 'production_data', bad)).state, 'absent');
    const again = write(connector, 'production_data', MOVE);
    assert.deepEqual(outcomes(await writing.whileManagersRun(again)), ['created']);
    assert.deepEqual(await plant.rows('wip_move_txn_interface'), []);
    assert.deepEqual(await plant.rows('wip_txn_interface_errors'), []);
    assert.equal((await plant.rows('wip_move_transactions')).length, 2);
  });

  it('charge hours to the resource of the operation, and scrap to its account', async () => {
    const connector = open();
    const hours = {
      ...{ SOURCE_LINE_ID: 'PR-1', ORGANIZATION_CODE: 'M1', WIP_ENTITY_NAME: 'WJ-0001', OPERATION_SEQ_NUM: '10' },
      ...{
        RESOURCE_CODE: 'CNC-1',
        TRANSACTION_QUANTITY: '1.25',
        TRANSACTION_UOM: 'HR',
        TRANSACTION_DATE: '2026-11-27T10:00:00',
      },
    };
    assert.deepEqual(outcomes(await write(connector, 'resource_transaction', hours)), ['created']);
    assert.deepEqual(outcomes(await write(connector, 'production_scrap', { ...MOVE, REASON_NAME: 'CRACK' })), [
      'created',
    ]);
    assert.deepEqual(outcomes(await write(connector, 'production_data', MOVE)), ['created'], 'of the same record');
    const [scrap] = (await plant.rows('wip_move_txn_interface')).filter((row) => row.reason_name === 'CRACK');
    assert.deepEqual(
      [scrap!.to_operation_seq_num, scrap!.to_intraoperation_step_type, scrap!.scrap_account_id],
      ['10', '5', '13401'],
    );
    await plant.managers.run();
    assert.equal((await plant.rows('wip_transactions'))[0]!.resource_seq_num, '20');
    assert.deepEqual(outcomes(await write(connector, 'resource_transaction', hours)), ['unchanged']);
    assert.deepEqual(outcomes(await write(connector, 'production_scrap', { ...MOVE, REASON_NAME: 'CRACK' })), [
      'unchanged',
    ]);
  });

  it('are checked before anything is sent; one that the table refuses costs only itself', async () => {
    const connector = open();
    const with_ = (change: SourceRecord, n: number) => ({ ...MOVE, SOURCE_LINE_ID: `PR-${n}`, ...change });
    const results = await write(
      connector,
      'production_data',
      with_({ SOURCE_LINE_ID: '' }, 1),
      with_({ TRANSACTION_QUANTITY: 'many' }, 2),
      with_({ TRANSACTION_DATE: '2026-11-27T10:00:00Z' }, 3),
      with_({ TRANSACTION_UOM: 'TOO LONG' }, 4),
      with_({ COLOUR: 'red' }, 5),
      with_({ WIP_ENTITY_NAME: 'NONE' }, 6),
      with_({ TRANSACTION_DATE: '2026-02-30T10:00:00' }, 7),
      with_({}, 8),
      with_({}, 8),
    );
    const value = 'PCP_EBS_VALUE';
    assert.deepEqual(outcomes(results), [value, value, value, value, value, value, 'PCP_SQL_VALUE', 'created', value]);
    assert.equal((await plant.rows('wip_move_txn_interface')).length, 1);
  });

  it('go through the gateway where the interface is a service, and are found in the database', async () => {
    const connector = open({ base_url: gateway.url, interfaces: { WIP_MOVE_TXN_INTERFACE: 'wipmove' } });
    assert.deepEqual(outcomes(await write(connector, 'production_data', MOVE)), ['created']);
    assert.deepEqual(outcomes(await write(connector, 'production_data', MOVE)), ['unchanged']);
    gateway.cuts = () => true;
    const other = { ...MOVE, SOURCE_LINE_ID: 'PR-2' };
    assert.deepEqual(outcomes(await write(connector, 'production_data', other)), ['unknown']);
    assert.equal((await resolve(connector, 'production_data', other)).state, 'found');
    gateway.cuts = () => false;
    const bad = { ...MOVE, SOURCE_LINE_ID: 'PR-3', WIP_ENTITY_NAME: 'WJ-0005' };
    await write(connector, 'production_data', bad);
    await plant.managers.run();
    assert.deepEqual(outcomes(await write(connector, 'production_data', bad)), ['PCP_EBS_IN_ERROR']);
    assert.equal((await plant.rows('wip_move_transactions')).length, 2);
  });

  it('are in the interface once, wherever the connection to the database breaks', async () => {
    const proxy = await FaultProxy.start(plant.options.port!);
    const direct = open();
    const told = new Set<string>();
    try {
      for (let n = 1; n <= 2 * ROUND_TRIPS; n++) {
        // The first connection asks for the version of the server only.
        if (n > ROUND_TRIPS) proxy.losses.push(Number.POSITIVE_INFINITY, n - ROUND_TRIPS);
        else proxy.resets.push(Number.POSITIVE_INFINITY, n);
        const connector = create(plant.connection({ port: proxy.port }), { log: () => undefined });
        const record = { ...MOVE, SOURCE_LINE_ID: String(n) };
        const first = await write(connector, 'production_data', record).catch((thrown: IntegrationError) => {
          assert.equal(thrown.class, 'transient');
          return [];
        });
        for (const { outcome } of first) told.add(outcome);
        await connector.close();
        const [again] = outcomes(await write(direct, 'production_data', record));
        assert.ok(['created', 'unchanged'].includes(String(again)), `${n}: ${again}`);
        proxy.resets.length = 0;
        proxy.losses.length = 0;
      }
    } finally {
      await proxy.stop();
    }
    const rows = await plant.rows('wip_move_txn_interface');
    assert.deepEqual(
      rows.map((row) => Number(row.source_line_id)).sort((a, b) => a - b),
      Array.from({ length: 2 * ROUND_TRIPS }, (_, n) => n + 1),
    );
    assert.deepEqual([...told].sort(), ['created', 'unknown'], 'from the first step to behind the last one');
  });

  it('that wait or were refused can be read, with the reason', async () => {
    const connector = open();
    await write(connector, 'production_data', { ...MOVE, WIP_ENTITY_NAME: 'WJ-0005' });
    await plant.managers.run();
    await plant.insert('wip_move_txn_interface', {
      ...{
        last_update_date: '2026-11-27T10:00:00',
        last_updated_by: 1,
        creation_date: '2026-11-27T10:00:00',
        created_by: 1,
      },
      ...{
        process_phase: 1,
        process_status: 1,
        transaction_date: '2026-11-27T10:00:00',
        transaction_quantity: 1,
        transaction_uom: 'Ea',
      },
      ...{ source_code: 'OTHER', source_line_id: 1 },
    });
    const found = await writing.read(connector, 'WIP_MOVE_TXN_INTERFACE');
    assert.deepEqual(
      found.map((row) => [row.PROCESS_STATUS, row.ERROR_EXPLANATION, row.WIP_ENTITY_NAME]),
      [['3', 'Job is not released', 'WJ-0005']],
    );
  });

  it('are not committed once the run is no longer the one that writes', async () => {
    const lost = new IntegrationError('transient', 'PCP_LEASE_LOST', 'Another process took over.');
    const assertSafeToWrite = () => {
      throw lost;
    };
    const writer = await open().openWriter!({ ...targetOf('production_data', []), assertSafeToWrite }, signal);
    await assert.rejects(writer.write(recordsOf([MOVE]), signal), lost);
    assert.deepEqual(await plant.rows('wip_move_txn_interface'), []);
  });

  it('are not made by entities that are only read', async () => {
    await assert.rejects(write(open(), 'material', MOVE), { class: 'config', code: 'PCP_NOT_WRITABLE' });
    await assert.rejects(write(open({ username: 'NOBODY' }), 'production_data', MOVE), {
      class: 'config',
      code: 'PCP_EBS_USER',
    });
    const config = { responsibility: 'NONE', responsibility_application: 'WIP' };
    await assert.rejects(write(open(config), 'production_data', MOVE), { code: 'PCP_EBS_RESPONSIBILITY' });
  });
});
