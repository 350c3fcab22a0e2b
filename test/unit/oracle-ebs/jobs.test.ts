import assert from 'node:assert/strict';
import type { Connector, SourceRecord } from '../../../lib/connectors/contract';
import { SERVER } from '../../../lib/connectors/erp/oracle-ebs/posting';
import { PRESETS } from '../../../lib/connectors/erp/oracle-ebs/presets';
import type { IntegrationError } from '../../../lib/model/errors';
import type { EbsPlant } from '../../support/ebs/plant';
import { EbsWriting, outcomesOf } from '../../support/ebs/writing';
import { FaultProxy } from '../../support/fault-proxy';
import { postgresAvailable } from '../../support/postgres';
import { judges } from '../../support/sql-parsers';

const JOB = {
  ...{ WIP_ENTITY_NAME: 'NEW-1', ORGANIZATION_CODE: 'M1', ITEM: 'AX-100', START_QUANTITY: '12.5', STATUS_TYPE: '3' },
  ...{ SCHEDULED_START_DATE: '2026-12-01T08:00:00', SCHEDULED_COMPLETION_DATE: '2026-12-02T16:00:00' },
  ...{ DESCRIPTION: "Eixo d'água 😀", PRIORITY: '5', LOT_NUMBER: null },
};
const SIGNED_IN = { responsibility: 'WIP_SUPERUSER', responsibility_application: 'WIP' };
/** More than a write takes, from the connection to its end. */
const ROUND_TRIPS = 45;

(postgresAvailable() ? describe : describe.skip)('jobs to E-Business Suite', function () {
  this.timeout(180_000);
  let writing: EbsWriting;
  let plant: EbsPlant;
  let connector: Connector;

  before(async () => {
    writing = await EbsWriting.start();
    plant = writing.plant;
  });
  beforeEach(() => {
    connector = writing.open(SIGNED_IN);
  });
  afterEach(async () => {
    await plant.database.execute("DELETE FROM wip_discrete_jobs WHERE wip_entity_id > 20000 OR source_code = 'PCP'");
    await plant.database.execute('DELETE FROM wip_entities WHERE wip_entity_id > 20000');
    await writing.clear('wip_job_schedule_interface', 'wip_interface_errors', 'fnd_concurrent_requests');
  });
  after(() => writing?.stop());

  const write = async (...all: SourceRecord[]) =>
    outcomesOf(await writing.write(connector, 'production_order', ...all));
  const job = async (name: string) => {
    const sql = `SELECT e.description, j.* FROM wip_discrete_jobs j JOIN wip_entities e USING (wip_entity_id)
      WHERE e.wip_entity_name = ?`;
    const [found, ...others] = await plant.database.query(sql, [name]);
    assert.deepEqual(others, []);
    return found;
  };

  it('are made once, by a concurrent request for the group of the batch', async () => {
    assert.deepEqual(await write(JOB, { ...JOB, WIP_ENTITY_NAME: 'NEW-2', STATUS_TYPE: null }), ['created', 'created']);
    const rows = await plant.rows('wip_job_schedule_interface');
    assert.deepEqual(
      rows.map((row) => [row.load_type, row.process_phase, row.process_status, row.scheduling_method, row.status_type]),
      [
        ['1', '2', '1', '3', '3'],
        ['1', '2', '1', '3', '1'],
      ],
    );
    const [first, second] = rows;
    assert.equal(first?.group_id, second?.group_id);
    assert.notEqual(first?.header_id, second?.header_id);
    assert.deepEqual([first?.created_by, first?.source_code], ['1318', 'PCP']);
    assert.match(String(first?.source_line_id), /^\d{18}$/);
    const [request] = await plant.rows('fnd_concurrent_requests');
    assert.deepEqual(
      [request?.program, request?.argument1, request?.argument2, request?.argument3, request?.requested_by],
      ['WICMLP', first?.group_id, '0', '2', '1318'],
    );
    assert.deepEqual(await write(JOB), ['unchanged'], 'waiting');
    await plant.managers.run();
    assert.deepEqual(await write(JOB), ['unchanged'], 'made');
    assert.deepEqual(await plant.rows('wip_job_schedule_interface'), []);
    const made = await job('NEW-1');
    assert.deepEqual(
      [made?.status_type, made?.start_quantity, made?.primary_item_id, made?.scheduled_start_date, made?.description],
      ['3', '12.5', '100', '2026-12-01T08:00:00', "Eixo d'água 😀"],
    );
    assert.equal(made?.source_line_id, first?.source_line_id);
  });

  it('are found again in the interface and when they are made, with what they will be', async () => {
    const resolve = () => writing.resolve(connector, 'production_order', JOB);
    assert.equal((await resolve()).state, 'absent');
    await write(JOB);
    for (const where of ['waiting', 'made']) {
      const found = await resolve();
      assert.ok(found.state === 'found', where);
      assert.deepEqual(found.data, { ...found.data, ...JOB }, where);
      await plant.managers.run();
    }
    await write({ ...JOB, START_QUANTITY: '20' });
    const changed = await resolve();
    assert.ok(changed.state === 'found');
    assert.deepEqual([changed.data.START_QUANTITY, changed.data.ITEM], ['20', 'AX-100']);
  });

  it('are changed under their name, also those that others made, and keep what the record leaves out', async () => {
    const sql = "UPDATE wip_discrete_jobs SET alternate_routing_designator = 'ALT' WHERE wip_entity_id = 5002";
    await plant.database.execute(sql);
    const change = {
      WIP_ENTITY_NAME: 'WJ-0001',
      ORGANIZATION_CODE: 'M1',
      ITEM: 'AX-100',
      STATUS_TYPE: '6',
      PRIORITY: 7,
    };
    assert.deepEqual(await write(change), ['updated']);
    const [row] = await plant.rows('wip_job_schedule_interface');
    assert.deepEqual([row?.load_type, row?.job_name, row?.primary_item_id], ['3', 'WJ-0001', null]);
    await plant.managers.run();
    const changed = await job('WJ-0001');
    assert.deepEqual(
      [changed?.status_type, changed?.priority, changed?.start_quantity, changed?.alternate_routing_designator],
      ['6', '7', '101.5', 'ALT'],
    );
    assert.deepEqual(await write(change), ['unchanged']);
    assert.deepEqual(await write({ ...change, ITEM: 'STEEL' }), ['PCP_EBS_VALUE']);
    assert.deepEqual(await write({ ...change, ORGANIZATION_CODE: 'M2' }), ['PCP_EBS_VALUE'], 'a new one needs more');
    await plant.database.execute("UPDATE wip_entities SET wip_entity_name = 'RENAMED' WHERE wip_entity_id = 5002");
    const [renamed] = await writing.write(connector, 'production_order', { ...change, PRIORITY: 8 });
    await plant.database.execute("UPDATE wip_entities SET wip_entity_name = 'WJ-0001' WHERE wip_entity_id = 5002");
    assert.ok(renamed?.outcome === 'failed');
    assert.match(renamed.error.message, /"WIP_ENTITY_NAME" cannot be changed/);
    assert.deepEqual(await plant.rows('wip_job_schedule_interface'), []);
  });

  it('take the place of a change that nobody has taken up, and wait for one that is being loaded', async () => {
    await write(JOB);
    assert.deepEqual(await write({ ...JOB, START_QUANTITY: '13' }), ['created']);
    assert.deepEqual(
      (await plant.rows('wip_job_schedule_interface')).map((row) => row.start_quantity),
      ['13'],
    );
    await plant.database.execute('UPDATE wip_job_schedule_interface SET process_status = 2');
    await assert.rejects(write({ ...JOB, START_QUANTITY: '14' }), { class: 'transient', code: 'PCP_EBS_UNDER_WAY' });
    await plant.database.execute('UPDATE wip_job_schedule_interface SET process_status = 1');
    await plant.managers.run();
    assert.equal((await job('NEW-1'))?.start_quantity, '13');
    // What is done may stay for a while, until the program clears it away.
    await write({ ...JOB, START_QUANTITY: '15' });
    await plant.database.execute('UPDATE wip_job_schedule_interface SET process_status = 4, process_phase = 4');
    assert.deepEqual(await write({ ...JOB, START_QUANTITY: '16' }), ['updated']);
    await plant.managers.run();
    assert.equal((await job('NEW-1'))?.start_quantity, '16');
  });

  it('that are refused are told with the reason, and take the place of what was refused when they come again', async () => {
    connector = writing.open({ ...SIGNED_IN, wait_seconds: 600 });
    const early = { ...JOB, SCHEDULED_COMPLETION_DATE: '2026-11-01T00:00:00' };
    const other = { ...JOB, WIP_ENTITY_NAME: 'NEW-2' };
    const both = writing.write(connector, 'production_order', early, other);
    const [refused, made] = await writing.whileManagersRun(both);
    assert.ok(refused?.outcome === 'failed' && made?.outcome === 'created');
    assert.deepEqual([refused.error.class, refused.error.code], ['data', 'PCP_EBS_REFUSED']);
    assert.match(refused.error.message, /SCHEDULING_METHOD is invalid/);
    const [row] = await writing.read(connector, 'WIP_JOB_SCHEDULE_INTERFACE');
    assert.deepEqual(
      [row?.WIP_ENTITY_NAME, row?.PROCESS_STATUS, row?.ERROR_EXPLANATION],
      ['NEW-1', '3', 'SCHEDULING_METHOD is invalid'],
    );
    assert.equal((await writing.resolve(connector, 'production_order', early)).state, 'absent');
    const change = { ...other, STATUS_TYPE: '7', START_QUANTITY: '0' };
    const again = await writing.whileManagersRun(writing.write(connector, 'production_order', JOB, change));
    assert.deepEqual(outcomesOf(again), ['created', 'PCP_EBS_REFUSED']);
    const held = await writing.resolve(connector, 'production_order', change);
    assert.ok(held.state === 'found');
    assert.equal(held.data.START_QUANTITY, '12.5', 'a change that was refused changes nothing');
    assert.deepEqual(await writing.whileManagersRun(write({ ...change, START_QUANTITY: '3' })), ['updated']);
    assert.equal((await job('NEW-2'))?.status_type, '7');
    assert.deepEqual(await plant.rows('wip_interface_errors'), []);
  });

  it('are checked before anything is sent, and never sent without who submits the request', async () => {
    const wrong: SourceRecord[] = [
      ...[{ WIP_ENTITY_NAME: '' }, { START_QUANTITY: null }, { ITEM: 'NONE' }, { START_QUANTITY: '1.2345678' }],
      ...[{ ORGANIZATION_CODE: 'M9' }, { COLOUR: 'red' }],
    ].map((change, n) => ({ ...JOB, WIP_ENTITY_NAME: `W-${n}`, ...change }));
    assert.deepEqual(await write(...wrong, JOB, JOB), [...Array(6).fill('PCP_EBS_VALUE'), 'created', 'PCP_EBS_VALUE']);
    assert.equal((await plant.rows('wip_job_schedule_interface')).length, 1);
    for (const [config, code] of [
      [{}, 'PCP_SETTING_MISSING'],
      [{ ...SIGNED_IN, interfaces: { WIP_JOB_SCHEDULE_INTERFACE: 'wipjob' } }, 'PCP_SETTING_INVALID'],
    ] as const) {
      connector = writing.open(config);
      await assert.rejects(write({ ...JOB, WIP_ENTITY_NAME: 'NEW-3' }), { class: 'config', code });
    }
  });

  it('are not sent when the request is refused', async () => {
    await plant.database.execute('ALTER TABLE fnd_concurrent_requests ADD CONSTRAINT none CHECK (false)');
    await assert.rejects(write(JOB), { class: 'config', code: 'PCP_EBS_NO_REQUEST' });
    await plant.database.execute('ALTER TABLE fnd_concurrent_requests DROP CONSTRAINT none');
    assert.deepEqual(await plant.rows('wip_job_schedule_interface'), []);
  });

  it('are made once, wherever the connection to the database breaks', async () => {
    const proxy = await FaultProxy.start(plant.options.port!);
    const told = new Set<string>();
    try {
      for (let n = 1; n <= 2 * ROUND_TRIPS; n++) {
        // The first connection asks for the version of the server only.
        if (n > ROUND_TRIPS) proxy.losses.push(Number.POSITIVE_INFINITY, n - ROUND_TRIPS);
        else proxy.resets.push(Number.POSITIVE_INFINITY, n);
        const record = { ...JOB, WIP_ENTITY_NAME: `CUT-${n}` };
        const cut = writing.open({ ...SIGNED_IN, port: proxy.port });
        const first = await writing.write(cut, 'production_order', record).catch((thrown: IntegrationError) => {
          assert.equal(thrown.class, 'transient');
          return [];
        });
        for (const { outcome } of first) told.add(outcome);
        if (n % 2 === 0) await plant.managers.run();
        const [again] = await write(record);
        assert.ok(['created', 'unchanged'].includes(String(again)), `${n}: ${again}`);
        proxy.resets.length = 0;
        proxy.losses.length = 0;
      }
    } finally {
      await proxy.stop();
    }
    await plant.managers.run();
    const made = await plant.database.query(
      "SELECT wip_entity_name FROM wip_entities WHERE wip_entity_name LIKE 'CUT-%'",
    );
    assert.equal(made.length, 2 * ROUND_TRIPS);
    assert.deepEqual(await plant.rows('wip_job_schedule_interface'), [], 'none of them twice');
    assert.deepEqual([...told].sort(), ['created', 'unknown'], 'from the first step to behind the last one');
  });

  it('say in Oracle what its grammar knows', () => {
    const { posting } = PRESETS.find(({ entity }) => entity === 'production_order')!;
    const { load, next, fromNothing } = SERVER.oracle!;
    const statements = [load(posting!.request!), `SELECT ${next('S')} AS "ID"${fromNothing}`, ...posting!.removal];
    assert.deepEqual(
      statements.flatMap((sql) => judges.oracle(sql.replaceAll('?', ':1'))),
      [],
    );
  });
});
