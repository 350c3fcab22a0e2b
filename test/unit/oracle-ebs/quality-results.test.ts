import assert from 'node:assert/strict';
import type { Connector, SourceRecord } from '../../../lib/connectors/contract';
import { IsgServer } from '../../support/ebs/isg-server';
import type { EbsPlant, Row } from '../../support/ebs/plant';
import { EbsWriting, outcomesOf } from '../../support/ebs/writing';
import { postgresAvailable } from '../../support/postgres';

const RESULT = {
  ...{ SOURCE_LINE_ID: '4711', FROM_OP_SEQ_NUM: '0010', PLAN_NAME: 'DIMENSIONS', SOURCE_LINE_PART: '1' },
  ...{ ELEMENT_NAME: 'Diameter', ELEMENT_VALUE: '12.0625', ORGANIZATION_CODE: 'M1', ITEM: "Eixo d'água ção 😀" },
  ...{ WIP_ENTITY_NAME: 'WJ-0001', LOT_NUMBER: 'L1', QUANTITY: '5' },
};

(postgresAvailable() ? describe : describe.skip)('quality results to E-Business Suite', function () {
  this.timeout(180_000);
  const gateway = new IsgServer();
  let writing: EbsWriting;
  let plant: EbsPlant;
  let connector: Connector;

  before(async () => {
    writing = await EbsWriting.start();
    plant = writing.plant;
    await gateway.start();
    gateway.methods.set('qa/QA_RESULTS_INTERFACE', async ({ QA_RESULTS_INTERFACE_REC: rows }) => {
      await plant.insert('qa_results_interface', ...(rows as Row[]));
      return { Summary: { InsertCount: '1' } };
    });
  });
  beforeEach(() => {
    connector = writing.open();
  });
  afterEach(async () => {
    gateway.cuts = () => false;
    await writing.clear('qa_results_interface', 'qa_interface_errors', 'qa_results');
  });
  after(async () => {
    await writing?.stop();
    await gateway.stop();
  });

  const write = async (...all: SourceRecord[]) =>
    outcomesOf(await writing.write(connector, 'quality_inspection', ...all));

  it('come once into a collection of their own, the value in the column of its element', async () => {
    const surface = { ...RESULT, ELEMENT_NAME: 'Surface', ELEMENT_VALUE: null, ELEMENT_TEXT: 'raia' };
    const next = { ...RESULT, SOURCE_LINE_PART: '2' };
    assert.deepEqual(await write(RESULT, surface, next), ['created', 'created', 'created']);
    const [row] = await plant.rows('qa_results_interface');
    assert.deepEqual(
      [
        row?.process_status,
        row?.insert_type,
        row?.validate_flag,
        row?.group_id,
        row?.plan_name,
        row?.organization_code,
      ],
      ['1', '1', '1', null, 'DIMENSIONS', 'M1'],
    );
    assert.deepEqual(
      [row?.character3, row?.character4, row?.item, row?.job_name],
      ['12.0625', null, RESULT.ITEM, 'WJ-0001'],
    );
    assert.match(
      String(row?.collection_id),
      /^\d{18}$/,
      'also of a record whose id is a number: collections have such ones',
    );
    assert.equal(row?.collection_id, row?.source_line_id);
    assert.deepEqual(await write(RESULT), ['unchanged'], 'waiting');
    await plant.managers.run();
    assert.deepEqual(await plant.rows('qa_results_interface'), []);
    assert.deepEqual(await write(RESULT, surface, next), ['unchanged', 'unchanged', 'unchanged']);
    assert.equal((await writing.resolve(connector, 'quality_inspection', RESULT)).state, 'found');
    const results = await writing.read(connector, 'quality_inspection');
    assert.deepEqual(results.map(({ CHARACTER3, CHARACTER4 }) => CHARACTER3 ?? CHARACTER4).sort(), [
      '12.0625',
      '12.0625',
      'raia',
    ]);
    const [first] = results.filter(({ COLLECTION_ID }) => String(COLLECTION_ID) === row?.collection_id);
    assert.deepEqual([first?.ITEM, first?.WIP_ENTITY_NAME, first?.QUANTITY], [RESULT.ITEM, 'WJ-0001', '5']);
  });

  it('that are there with another value are not sent again', async () => {
    await write(RESULT);
    const other = { ...RESULT, ELEMENT_VALUE: '12.5' };
    assert.deepEqual(await write(other), ['PCP_EBS_POSTED_BEFORE'], 'waiting');
    await plant.managers.run();
    assert.deepEqual(await write(other), ['PCP_EBS_POSTED_BEFORE'], 'taken over');
    assert.deepEqual(await write({ ...RESULT, ELEMENT_VALUE: '12.06250' }), ['unchanged']);
    assert.equal((await plant.rows('qa_results')).length, 1);
  });

  it('that are refused are told with column and reason, and take the place of what was refused', async () => {
    connector = writing.open({ wait_seconds: 600 });
    const bad = { ...RESULT, ELEMENT_VALUE: null, ELEMENT_TEXT: 'wide' };
    const sent = writing.write(connector, 'quality_inspection', bad, { ...RESULT, SOURCE_LINE_PART: '2' });
    const [refused, good] = await writing.whileManagersRun(sent);
    assert.ok(refused?.outcome === 'failed' && good?.outcome === 'created');
    assert.equal(refused.error.code, 'PCP_EBS_REFUSED');
    assert.match(refused.error.message, /CHARACTER3: Invalid number/);
    const [waiting] = await writing.read(connector, 'QA_RESULTS_INTERFACE');
    assert.deepEqual([waiting?.PROCESS_STATUS, waiting?.CHARACTER3], ['3', 'wide']);
    assert.equal((await writing.resolve(connector, 'quality_inspection', bad)).state, 'absent');
    assert.deepEqual(await writing.whileManagersRun(write(RESULT)), ['created']);
    assert.deepEqual(await plant.rows('qa_interface_errors'), []);
    assert.equal((await plant.rows('qa_results')).length, 2);
  });

  it('are checked before anything is sent', async () => {
    const wrong: SourceRecord[] = [
      ...[{ SOURCE_LINE_ID: '' }, { PLAN_NAME: 'NONE' }, { ELEMENT_NAME: 'Colour' }, { ELEMENT_NAME: null }],
      ...[{ WIP_ENTITY_NAME: 'NONE' }, { ELEMENT_VALUE: 'wide' }, { FROM_OP_SEQ_NUM: 'ten' }],
    ].map((change) => ({ ...RESULT, ...change }));
    assert.deepEqual(await write(...wrong), Array(7).fill('PCP_EBS_VALUE'));
    assert.deepEqual(await plant.rows('qa_results_interface'), []);
  });

  it('go through the gateway where the interface is a service, and are found after an answer that was lost', async () => {
    const config = { base_url: gateway.url, interfaces: { QA_RESULTS_INTERFACE: 'qa' } };
    connector = writing.open(config, { password: gateway.password });
    gateway.cuts = () => true;
    assert.deepEqual(await write(RESULT), ['unknown']);
    gateway.cuts = () => false;
    await plant.managers.run();
    assert.equal((await writing.resolve(connector, 'quality_inspection', RESULT)).state, 'found');
    assert.deepEqual(await write(RESULT), ['unchanged']);
    assert.equal((await plant.rows('qa_results')).length, 1);
  });
});
