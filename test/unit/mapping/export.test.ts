import assert from 'node:assert/strict';
import fc from 'fast-check';
import { checkMapping, compileMapping } from '../../../lib/mapping/compile';
import type { MappingDefinition } from '../../../lib/mapping/contract';
import type { FieldMapping } from '../../../lib/model/mapping';
import { definition, failOne, invalid, mapAll, mapOne, noExpressions } from './support';

const pairs: FieldMapping[] = [
  {
    source: 'AUFNR',
    target: 'order_number',
    type: 'string',
    required: true,
    pad: { length: 12, with: '0', on: 'export' },
  },
  { source: 'START', target: 'planned_start', type: 'date', format: 'DD/MM/YYYY' },
  { source: 'MENGE', target: 'quantity', type: 'decimal', decimal_separator: ',' },
  { source: 'BRGEW', target: 'weight', type: 'decimal', unit: 'g', to_unit: 'kg' },
  { source: 'STAT', target: 'status', lookup: { REL: 'released', TECO: 'completed' } },
  { source: 'LOEKZ', target: 'deleted', type: 'boolean', format: 'X|' },
  {
    source: 'AEDAT',
    target: 'changed_at',
    type: 'datetime',
    format: 'YYYY-MM-DD HH:mm:ss',
    timezone: 'America/Sao_Paulo',
  },
  { source: 'PRIO', target: 'priority', type: 'integer' },
  { target: 'plant', constant: '1000' },
];
const both = (fields: FieldMapping[], more: Partial<MappingDefinition> = {}) =>
  definition(fields, { direction: 'bidirectional', ...more });

describe('export mappings', () => {
  it('write what the external side reads', async () => {
    const platform = {
      order_number: '4711',
      planned_start: '2026-11-24',
      quantity: '1234.5',
      weight: '1.25',
      status: 'released',
      deleted: false,
      changed_at: '2026-11-24T11:00:00.000Z',
      priority: 3,
      plant: '1000',
    };
    const external = await mapOne(both(pairs), platform, { direction: 'export' });
    assert.deepEqual(external, {
      AUFNR: '000000004711',
      START: '24/11/2026',
      MENGE: '1234,5',
      BRGEW: '1250',
      STAT: 'REL',
      LOEKZ: '',
      AEDAT: '2026-11-24 08:00:00',
      PRIO: 3,
    });
    assert.deepEqual(await mapOne(both(pairs), external), platform);
  });

  it('bring back every platform record that they write', async () => {
    const record = fc.record({
      order_number: fc.stringMatching(/^[1-9A-Z][0-9A-Z]{0,11}$/),
      planned_start: fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
      quantity: fc.tuple(fc.integer(), fc.integer({ min: 1, max: 999 })),
      weight: fc.integer({ min: -1e9, max: 1e9 }),
      status: fc.constantFrom('released', 'completed', null),
      deleted: fc.boolean(),
      changed_at: fc.integer({ min: Date.UTC(2020, 0) / 1000, max: Date.UTC(2035, 0) / 1000 }),
      priority: fc.maxSafeInteger(),
    });
    const out = compileMapping(both(pairs), 'export', { expressions: noExpressions });
    const back = compileMapping(both(pairs), 'import', { expressions: noExpressions });
    await fc.assert(
      fc.asyncProperty(record, async (given) => {
        const platform = {
          ...given,
          planned_start: given.planned_start.toISOString().slice(0, 10),
          quantity: `${given.quantity[0]}.${given.quantity[1]}`.replace(/0+$/, ''),
          weight: `${given.weight}.5`,
          changed_at: new Date(given.changed_at * 1000).toISOString(),
          plant: '1000',
        };
        const [external] = await out.map([platform]);
        assert.ok(external?.outcome === 'mapped', JSON.stringify(external));
        const [again] = await back.map([external.data]);
        assert.ok(again?.outcome === 'mapped', JSON.stringify(again));
        assert.deepEqual(again.data, platform);
      }),
    );
  });

  it('say what they read and write, and their external key', () => {
    const mapping = both(pairs, { key_fields: ['order_number', 'plant'] });
    const compiled = compileMapping(mapping, 'export', { expressions: noExpressions });
    assert.deepEqual(compiled.keyFields, ['AUFNR']);
    assert.deepEqual(compiled.outputFields, ['AUFNR', 'START', 'MENGE', 'BRGEW', 'STAT', 'LOEKZ', 'AEDAT', 'PRIO']);
    assert.ok(compiled.inputFields?.includes('plant'));
  });

  it('build nested external records', async () => {
    const nested: FieldMapping[] = [
      { source: 'header.id', target: 'order_number', type: 'string' },
      { source: 'lines[0].qty', target: 'quantity', type: 'decimal' },
      { source: '["a.b"]', target: 'unit' },
    ];
    assert.deepEqual(
      await mapOne(definition(nested, { direction: 'export' }), { order_number: '1', quantity: '2', unit: 'PC' }),
      {
        header: { id: '1' },
        lines: [{ qty: '2' }],
        'a.b': 'PC',
      },
    );
  });

  it('read platform values as a database gives them', async () => {
    const mapping = definition(pairs.slice(1), { direction: 'export' });
    const record = { planned_start: new Date('2026-11-24T00:00:00Z'), quantity: 12.5, deleted: 1, status: null };
    assert.deepEqual(await mapOne(mapping, record), {
      START: '24/11/2026',
      MENGE: '12,5',
      BRGEW: null,
      STAT: null,
      LOEKZ: 'X',
      AEDAT: null,
      PRIO: null,
    });
  });

  it('fail values that have no counterpart', async () => {
    const failure = await failOne(both(pairs), { order_number: '1', status: 'lost' }, { direction: 'export' });
    assert.deepEqual([failure.field, failure.error.code, failure.value], ['status', 'PCP_VALUE_LOOKUP', 'lost']);
    const missing = await failOne(both(pairs), {}, { direction: 'export' });
    assert.deepEqual([missing.field, missing.error.code], ['order_number', 'PCP_VALUE_REQUIRED']);
  });

  it('are refused when they cannot be read backwards, naming the field', () => {
    const refuse = (pair: object, member: string, message: RegExp) =>
      invalid(
        () => checkMapping(both([pairs[0]!, { target: 'x', ...pair } as FieldMapping])),
        `/field_mappings/1${member}`,
        message,
      );
    refuse({ expression: 'a & b' }, '/export_expression', /x: an expression cannot be read backwards/);
    refuse({ source: 's', lookup: { A: 'a', B: 'a' } }, '/lookup', /both "A" and "B" give "a"/);
    refuse({ source: 'AUFNR' }, '/source', /x: it cannot be exported, because order_number writes AUFNR/);
    refuse({ source: 'AUFNR.part' }, '/source', /cannot be exported/);
    refuse({ source: 's', type: 'datetime', format: 'DD/MM/YYYY' }, '', /would lose the time/);
    refuse({ source: 's', type: 'decimal', unit: 'lb', to_unit: 'kg' }, '', /cannot be converted back exactly/);
    checkMapping(both([{ source: 'a', target: 'x', expression: 'b', export_expression: 'x' }]));
    const constantKey = both([pairs[0]!, { target: 'plant', constant: 1 }], { key_fields: ['plant'] });
    invalid(() => checkMapping(constantKey), '/key_fields', /all of them are constants/);
    const nestedKey = both([{ source: 'a.b', target: 'x' }], { key_fields: ['x'] });
    invalid(() => checkMapping(nestedKey), '/key_fields/0', /must be a top-level field/);
  });

  it('of both ways refuse options that lose something with every value, of one way do not', () => {
    const lossy: [Partial<FieldMapping>, string][] = [
      [{ lookup: { A: '1' }, lookup_default: '1' }, 'lookup_default'],
      [{ lookup: { A: '1', B: null } }, 'lookup'],
      [{ default: 'D' }, 'default'],
      [{ type: 'decimal', scale: 1, round: true }, 'round'],
    ];
    for (const [options, option] of lossy) {
      const fields = [pairs[0]!, { source: 's', target: 'x', ...options }];
      invalid(() => checkMapping(both(fields)), `/field_mappings/1/${option}`, /^x: /);
      checkMapping(definition(fields));
      checkMapping(definition(fields, { direction: 'export' }));
    }
    const own: FieldMapping = { source: 's', target: 'x', expression: 'a', export_expression: 'x', default: 'D' };
    checkMapping(both([own]));
    for (const transformation of [{ op: 'trim', field: 's' } as const, { op: 'set', field: 's', value: 1 } as const]) {
      const mapping = both([pairs[0]!], { transformations: [transformation] });
      invalid(() => checkMapping(mapping), '/transformations/0', /cannot be read backwards/);
    }
  });

  it('of both ways refuse each value that they would write back as another one', async () => {
    const cases: [Partial<FieldMapping>, unknown[], unknown[]][] = [
      [{ type: 'string', trim: true }, ['b', null, '  '], ['  a ', 'a ']],
      [{ type: 'string', pad: { length: 5, with: '0' } }, ['7', '0', 7], ['00012', '00000']],
      [{ type: 'string', pad: { length: 5, with: '0', on: 'export' } }, ['00012', '00000'], ['12', '000012']],
      [{ type: 'integer' }, ['7', 7, '7.0', '-7'], ['007', ' 7', '+7', '-07']],
      [{ type: 'decimal' }, ['1.500', 1.5, '0.50', '-0.5'], ['01.5', '1.5 ']],
      [{ type: 'decimal', decimal_separator: ',' }, ['1.234,50', '7,0'], ['007,5']],
      [{ type: 'date' }, ['2026-02-28', '2026-02-28T00:00:00'], ['2026-02-28T23:00:00-05:00', '2026-02-28 10:00']],
      [{ type: 'date', format: 'YYYYMMDD' }, ['20260228', '00000000'], [' 20260228']],
      [
        { type: 'datetime' },
        ['2026-01-01T10:00:00Z', '2026-01-01T10:00:00.120000Z', '2026-01-01 12:00:00+02:00'],
        ['2026-01-01T10:00:00.123456Z'],
      ],
      [{ type: 'datetime', timezone: 'America/Sao_Paulo' }, ['2026-01-01T10:00:00Z'], ['2026-01-01T10:00:00']],
      [{ type: 'datetime', format: 'unix' }, [1767261600, '1767261600.5'], ['1767261600.12345']],
      [{ type: 'boolean' }, [true, 0, 'true'], ['yes', '1']],
      [{ type: 'boolean', format: '1|0' }, ['1', '0'], []],
      [{ lookup: { A: '1' }, trim: true }, ['A'], [' A']],
      [{ type: 'json' }, [{ a: 1 }], []],
      [{}, ['x', ' y ', 5, true, { a: [1] }], []],
    ];
    for (const [options, kept, lost] of cases) {
      const fields = [{ source: 'v', target: 'x', ...options }];
      const records = [...kept, ...lost].map((v) => ({ v }));
      const results = await mapAll(both(fields), records);
      assert.deepEqual(
        results.map((result) => (result.outcome === 'failed' ? `${result.error.code} ${result.rule}` : result.outcome)),
        [...kept.map(() => 'mapped'), ...lost.map(() => 'PCP_VALUE_ROUND_TRIP round_trip')],
        JSON.stringify([options, records]),
      );
      const oneWay = await mapAll(definition(fields), records);
      assert.ok(oneWay.every(({ outcome }) => outcome === 'mapped'));
    }
  });

  it('take no transformations', () => {
    const mapping = definition(pairs, { direction: 'export', transformations: [{ op: 'upper', field: 'status' }] });
    invalid(() => checkMapping(mapping), '/transformations', /an export has none/);
  });

  it('are refused for platform fields that do not exist', () => {
    const mapping = definition([{ source: 'A', target: 'quantitty' }], { direction: 'export' });
    const targetSchema = { type: 'object', required: ['quantity'], properties: { quantity: { type: 'string' } } };
    invalid(() => checkMapping(mapping, { targetSchema }), '/field_mappings/0/target', /has no field "quantitty"/);
  });

  it('turn transformations of both ways round', async () => {
    const mapping = both(
      [
        { source: 'id', target: 'order_number', type: 'string' },
        { source: 'tags', target: 'tags', type: 'json' },
      ],
      {
        key_fields: ['order_number'],
        transformations: [
          { op: 'rename', field: 'ID', to: 'id' },
          { op: 'split', field: 'tags', separator: ';' },
        ],
      },
    );
    const external = { ID: '7', tags: 'a;b' };
    const platform = { order_number: '7', tags: ['a', 'b'] };
    assert.deepEqual(await mapOne(mapping, external), platform);
    assert.deepEqual(await mapOne(mapping, platform, { direction: 'export' }), external);
    assert.deepEqual(compileMapping(mapping, 'export', { expressions: noExpressions }).keyFields, ['ID']);
    for (const op of ['upper', 'explode'] as const) {
      const lossy = both([pairs[0]!], { transformations: [{ op, field: 'AUFNR' }] });
      invalid(() => checkMapping(lossy), '/transformations/0', /cannot be read backwards/);
    }
  });

  it('turn filters of both ways round, and take those of exports as they are', async () => {
    const mapping = both(pairs, {
      filters: [
        { field: 'STAT', operator: 'in', value: ['REL'] },
        { field: 'START', operator: 'ge', value: '24/11/2026' },
      ],
    });
    const exported = compileMapping(mapping, 'export', { expressions: noExpressions });
    assert.deepEqual(exported.pushdown, [
      { field: 'status', operator: 'in', value: ['released'] },
      { field: 'planned_start', operator: 'ge', value: '2026-11-24', byValue: true },
    ]);
    const records = ['2026-11-23', '2026-11-24'].map((planned_start) => ({
      order_number: '1',
      status: 'released',
      planned_start,
    }));
    const outcomes = (await exported.map(records)).map(({ outcome }) => outcome);
    assert.deepEqual(outcomes, ['filtered', 'mapped']);
    const unmapped = both(pairs, { filters: [{ field: 'WERKS', operator: 'eq', value: '1' }] });
    invalid(() => checkMapping(unmapped), '/filters/0/field', /no field mapping has it as its source/);
    const own = definition(pairs, {
      direction: 'export',
      filters: [{ field: 'quantity', operator: 'gt', value: '9' }],
    });
    const quantities = ['10', '9', '8.5'].map((quantity) => ({ order_number: '1', quantity }));
    const kept = (await mapAll(own, quantities)).map(({ outcome }) => outcome);
    assert.deepEqual(kept, ['mapped', 'filtered', 'filtered']);
  });
});
