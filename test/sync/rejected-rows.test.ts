import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FieldMapping } from '../../lib/model/mapping';
import type { Hub, MappingInput } from '../../lib/model/services';
import { jobEnd, openHub, runToEnd, temporaryDirectory } from '../support/hub';

const NUMBERED: FieldMapping[] = [
  { source: 'no', target: 'number' },
  { source: 'size', target: 'size' },
  { source: 'state', target: 'state' },
];

describe('rows of a file that are not taken as they are', () => {
  let hub: Hub;
  let remove: () => Promise<void>;
  let drop: string;
  let connectionId: number;

  beforeEach(async () => {
    const directory = await temporaryDirectory();
    remove = directory.remove;
    drop = join(directory.path, 'drop');
    await mkdir(drop);
    hub = await openHub(directory.path);
    await hub.entityTypes.create({
      type: 'item',
      title: 'Item',
      key: ['number'],
      schema: {
        type: 'object',
        properties: {
          number: { type: 'string' },
          size: { type: 'integer' },
          state: { type: 'string', enum: ['new', 'old'] },
        },
      },
    });
    const items = { path: 'items.csv', delimiter: ';', decimal_separator: ',', after_read: 'move' };
    ({ id: connectionId } = await hub.connections.create({
      name: 'drop folder',
      connector_type: 'generic.file',
      config: { root: drop, settle_seconds: 0, entities: { items } },
    }));
  });

  afterEach(async () => {
    await hub.close();
    await remove();
  });

  async function map(field_mappings: FieldMapping[], options: MappingInput['options'] = {}): Promise<void> {
    await hub.mappings.create({
      connection_id: connectionId,
      name: 'items',
      entity_type: 'item',
      direction: 'import',
      source_entity: 'items',
      target_entity: 'item',
      field_mappings,
      options,
    });
  }

  async function bring(lines: string[]) {
    await writeFile(join(drop, 'items.csv'), `${['no;size;state', ...lines].join('\n')}\n`);
    return (await runToEnd(hub, connectionId)).logs[0]!;
  }

  const held = async () =>
    (await hub.records.list('item', {})).items.map(({ number, size, state }) => [number, size, state]);
  const letters = async () => (await hub.sync.deadLetters({})).items.sort((a, b) => a.id - b.id);

  it('reads whole numbers by the decimal separator of the file too', async () => {
    await map(NUMBERED);
    await bring(['1;1.000;new', '2;12,00;new', '3;1,5;new']);
    assert.deepEqual(await held(), [
      ['1', 1000, 'new'],
      ['2', 12, 'new'],
    ]);
    assert.deepEqual(
      (await letters()).map(({ code, field }) => [code, field]),
      [['PCP_VALUE_TYPE', 'size']],
    );
  });

  it('keeps a rejected record without a key of its own apart from one in the same place of the next file', async () => {
    await map([{ target: 'number', expression: "'N' & no" }, ...NUMBERED.slice(1)]);
    await bring(['1;first;new', '2;2;new']);
    await bring(['1;first;new', '2;2;new']);
    await bring(['7;second;new', '8;8;new']);
    assert.deepEqual(
      (await letters()).map(({ payload, attempts }) => [(payload as { no: string }).no, attempts]),
      [
        ['1', 2],
        ['7', 1],
      ],
    );
  });

  it('says where each rejected record stood, also when a replay refuses it again', async () => {
    await map(NUMBERED);
    await bring(['1;x;new', '2;2;new', '3;3;nonsense', '2;4;new']);
    const places = async () => (await letters()).map(({ code, position }) => [code, position]);
    const expected = [
      ['PCP_VALUE_TYPE', 'items.csv:2'],
      ['PCP_DUPLICATE_KEY', 'items.csv:5'],
      ['PCP_VALUE_SCHEMA', 'items.csv:4'],
    ];
    assert.deepEqual(await places(), expected);
    const [first] = await letters();
    const [job] = await hub.sync.replay({ ids: [first!.id] });
    await jobEnd(hub, job!.job_id);
    assert.equal((await letters())[0]!.attempts, 2);
    assert.deepEqual(await places(), expected);
  });

  it('takes a good record behind a bad one of the same key', async () => {
    await map(NUMBERED);
    await bring(['1;1;nonsense', '1;2;new', '1;3;old']);
    assert.deepEqual(await held(), [['1', 2, 'new']]);
    assert.deepEqual(
      (await letters()).map(({ code, field }) => [code, field]),
      [
        ['PCP_VALUE_SCHEMA', 'state'],
        ['PCP_DUPLICATE_KEY', 'number'],
      ],
    );
  });

  it('refuses a second record of one key wherever it stands in the batch, and only one that says something else', async () => {
    await map(NUMBERED, { batch_size: 2000 });
    const lines = Array.from({ length: 1200 }, (_, index) => `${index};${index};new`);
    lines[700] = '1;999;new';
    lines[800] = '2;2;new';
    const { details, records_error } = await bring(lines);
    assert.deepEqual([details.created, details.unchanged, records_error], [1198, 1, 1]);
    const { size } = await hub.records.get('item', ['1']);
    assert.equal(size, 1);
  });
});
