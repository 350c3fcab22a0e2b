import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { checkMapping, compileMapping } from '../../../lib/mapping/compile';
import type { JsonSchema } from '../../../lib/model/entity';
import type { FieldMapping } from '../../../lib/model/mapping';
import { definition, failOne, invalid, mapAll, mapOne, noExpressions } from './support';

const order: FieldMapping[] = [
  { source: 'AUFNR', target: 'order_number', type: 'string', required: true },
  { source: 'GSTRP', target: 'planned_start', type: 'date', format: 'YYYYMMDD' },
  { source: 'GAMNG', target: 'quantity', type: 'decimal' },
  { source: 'STAT', target: 'status', lookup: { REL: 'released', TECO: 'completed' }, lookup_default: 'open' },
  { target: 'plant', constant: '1000' },
];

const schema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['order_number'],
  properties: {
    order_number: { type: 'string', maxLength: 12 },
    planned_start: { type: 'string', format: 'date' },
    quantity: { type: 'string', format: 'decimal' },
    status: { type: 'string', enum: ['released', 'completed', 'open'] },
    plant: { type: 'string' },
    priority: { type: 'integer', minimum: 0, maximum: 9 },
    changed_at: { type: 'string', format: 'date-time' },
    details: { type: 'object' },
  },
};

describe('import mappings', () => {
  it('map a record of an ERP', async () => {
    const record = { AUFNR: '000001', GSTRP: '20261124', GAMNG: '12.500', STAT: 'CRTD' };
    assert.deepEqual(
      await mapOne(definition(order, { key_fields: ['order_number'] }), record, { targetSchema: schema }),
      {
        order_number: '000001',
        planned_start: '2026-11-24',
        quantity: '12.5',
        status: 'open',
        plant: '1000',
      },
    );
  });

  it('check what a conversion does not: the format of what it does not make, and all else of what it makes', async () => {
    const pairs: FieldMapping[] = [
      { source: 'n', target: 'order_number', type: 'string' },
      { source: 'q', target: 'quantity', type: 'decimal', scale: 30 },
    ];
    const record = { n: '1', q: '9'.repeat(60) };
    const failure = await failOne(definition(pairs, { key_fields: ['order_number'] }), record, {
      targetSchema: schema,
    });
    assert.deepEqual([failure.stage, failure.field, failure.rule], ['validate', 'quantity', 'format']);
    const late = {
      ...schema,
      properties: { ...schema.properties, planned_start: { type: 'string', format: 'date', enum: ['2026-11-24'] } },
    };
    const dated = definition(
      [
        { source: 'n', target: 'order_number' },
        { source: 'd', target: 'planned_start' },
      ],
      { key_fields: ['order_number'] },
    );
    const other = await failOne(dated, { n: '1', d: '2026-11-25' }, { targetSchema: late });
    assert.deepEqual([other.stage, other.field, other.rule], ['validate', 'planned_start', 'enum']);
  });

  it('say what they read and write', () => {
    const mapping = definition(order, {
      key_fields: ['order_number'],
      filters: [{ field: 'WERKS', operator: 'eq', value: '1' }],
    });
    const compiled = compileMapping(mapping, 'import', { expressions: noExpressions });
    assert.deepEqual(compiled.inputFields, ['AUFNR', 'GSTRP', 'GAMNG', 'STAT', 'WERKS']);
    assert.deepEqual(compiled.namedFields, compiled.inputFields);
    assert.deepEqual(compiled.outputFields, ['order_number', 'planned_start', 'quantity', 'status', 'plant']);
    assert.deepEqual(compiled.keyFields, ['order_number']);
    assert.deepEqual(compiled.pushdown, mapping.filters);
    const dotted = definition([{ source: 'a.b', target: 'c' }]);
    assert.equal(compileMapping(dotted, 'import', { expressions: noExpressions }).inputFields, undefined);
    const mixed = definition([
      { source: 'a.b', target: 'c' },
      { source: 'd', target: 'd' },
      { expression: 'e', target: 'e' },
    ]);
    assert.deepEqual(compileMapping(mixed, 'import', { expressions: noExpressions }).namedFields, ['d']);
  });

  it('fail bad records alone, with field, value and rule', async () => {
    const mapping = definition([...order, { source: 'PRIO', target: 'priority', type: 'integer' }], {
      key_fields: ['order_number'],
      field_mappings: [
        ...order.slice(0, 3),
        { source: 'STAT', target: 'status', lookup: { REL: 'released' } },
        { source: 'PRIO', target: 'priority', type: 'integer' },
      ],
    });
    const good = { AUFNR: '1', GSTRP: '20261124', GAMNG: '1', STAT: 'REL', PRIO: '5' };
    const bad: [object, string, string, string, unknown][] = [
      [{ AUFNR: '' }, 'order_number', 'PCP_VALUE_REQUIRED', 'required', null],
      [{ GSTRP: '20260230' }, 'planned_start', 'PCP_VALUE_DATE', 'date', '20260230'],
      [{ GAMNG: 'twelve' }, 'quantity', 'PCP_VALUE_TYPE', 'decimal', 'twelve'],
      [{ STAT: 'BLQ' }, 'status', 'PCP_VALUE_LOOKUP', 'lookup', 'BLQ'],
      [{ PRIO: '9'.repeat(20) }, 'priority', 'PCP_VALUE_RANGE', 'integer', '9'.repeat(20)],
      [{ PRIO: '10' }, 'priority', 'PCP_VALUE_RANGE', 'maximum', 10],
      [{ AUFNR: 'x'.repeat(13) }, 'order_number', 'PCP_VALUE_RANGE', 'maxLength', 'x'.repeat(13)],
      [{ AUFNR: { nested: true } }, 'order_number', 'PCP_VALUE_TYPE', 'string', { nested: true }],
    ];
    const records = bad.flatMap(([change]) => [good, { ...good, ...change }]);
    const results = await mapAll(mapping, records, { targetSchema: schema });
    bad.forEach(([, field, code, rule, value], index) => {
      assert.equal(results[2 * index]?.outcome, 'mapped');
      const result = results[2 * index + 1]!;
      assert.ok(result.outcome === 'failed', `${field} ${rule}`);
      assert.deepEqual([result.field, result.error.code, result.rule, result.value], [field, code, rule, value]);
      assert.equal(result.error.class, 'data');
      assert.ok(result.error.message.startsWith(field), result.error.message);
    });
  });

  it('name every wrong field of a record, whatever is wrong with it', async () => {
    const mapping = definition([...order, { source: 'PRIO', target: 'priority', type: 'integer' }], {
      key_fields: ['order_number'],
    });
    const wrongOf = async (change: object) => {
      const failure = await failOne(
        mapping,
        { AUFNR: '1', GSTRP: '20261124', GAMNG: '1', PRIO: '5', ...change },
        {
          targetSchema: schema,
        },
      );
      return [failure, ...(failure.further ?? [])].map(({ field, rule }) => `${field} ${rule}`);
    };
    assert.deepEqual(await wrongOf({ GAMNG: 'x', PRIO: 'y' }), ['quantity decimal', 'priority integer']);
    assert.deepEqual(await wrongOf({ GAMNG: 'x', PRIO: '10' }), ['quantity decimal', 'priority maximum']);
    assert.deepEqual(await wrongOf({ AUFNR: 'x'.repeat(13), PRIO: '10' }), [
      'order_number maxLength',
      'priority maximum',
    ]);
    assert.deepEqual(await wrongOf({ PRIO: 'y' }), ['priority integer']);
    const wide = definition(Array.from({ length: 50 }, (_, n) => ({ source: 'a', target: `n${n}`, type: 'decimal' })));
    const failure = await failOne(wide, { a: 'x' });
    assert.equal(failure.further?.length, 20);
    assert.equal(JSON.parse(JSON.stringify(failure.further))[0].message, 'n1 (from a): "x" is not a decimal number.');
  });

  it('cut long values in messages and dead letters', async () => {
    const failure = await failOne(definition([{ source: 'a', target: 'n', type: 'decimal' }]), { a: 'x'.repeat(5000) });
    assert.ok(failure.error.message.length < 200);
    assert.ok(String(failure.value).length <= 201);
    assert.match(failure.error.message, /^n \(from a\): "x+… is not a decimal number\.$/);
  });

  it('take the type of the platform field where the pair names none', async () => {
    const pairs: FieldMapping[] = [
      { source: 'n', target: 'order_number' },
      { source: 'q', target: 'quantity', decimal_separator: ',' },
      { source: 'p', target: 'priority' },
      { source: 'd', target: 'planned_start' },
      { source: 'c', target: 'changed_at', timezone: 'America/Sao_Paulo' },
      { source: 'j', target: 'details' },
    ];
    const record = { n: 12, q: '1.234,50', p: '3', d: '2026-11-24 00:00:00', c: '2026-11-24 08:00', j: '{"a":1}' };
    assert.deepEqual(await mapOne(definition(pairs), record, { targetSchema: schema }), {
      order_number: '12',
      quantity: '1234.5',
      priority: 3,
      planned_start: '2026-11-24',
      changed_at: '2026-11-24T11:00:00.000Z',
      details: { a: 1 },
    });
  });

  it('fill what is missing with defaults or null', async () => {
    const pairs: FieldMapping[] = [
      { source: 'q', target: 'quantity', type: 'decimal', default: 0 },
      { source: 's', target: 'status', type: 'string', trim: true, default: 'open', required: true },
      { source: 'd', target: 'planned_start', type: 'date', format: 'YYYYMMDD' },
    ];
    const expected = { quantity: '0', status: 'open', planned_start: null };
    for (const record of [{}, { q: null, s: null, d: null }, { q: '', s: '  ', d: '00000000' }]) {
      assert.deepEqual(await mapOne(definition(pairs), record), expected);
    }
  });

  it('convert units, scales and paddings', async () => {
    const pairs: FieldMapping[] = [
      { source: 'w', target: 'weight', unit: 'g', to_unit: 'kg', scale: 3 },
      { source: 'l', target: 'pounds', type: 'decimal', unit: 'kg', to_unit: 'lb', scale: 2, round: true },
      { source: 'm', target: 'material', pad: { length: 8, with: '0' } },
      { source: 'a', target: 'alpha', pad: { length: 12, with: '0', on: 'export' } },
      { source: 'c', target: 'count', type: 'integer', unit: 'DZN', to_unit: 'PC' },
    ];
    assert.deepEqual(await mapOne(definition(pairs), { w: '1250', l: 1, m: 4711, a: '000000004711', c: '2' }), {
      weight: '1.250',
      pounds: '2.20',
      material: '00004711',
      alpha: '4711',
      count: 24,
    });
    const failure = await failOne(definition(pairs), { w: '0.1', l: 1, m: 1, a: '1', c: 1 });
    assert.deepEqual([failure.field, failure.error.code, failure.rule], ['weight', 'PCP_VALUE_RANGE', 'scale']);
  });

  it('build nested values', async () => {
    const pairs: FieldMapping[] = [
      { source: 'a.b[0]', target: 'details.first' },
      { source: 'x', target: 'details.list[1].y' },
    ];
    assert.deepEqual(await mapOne(definition(pairs), { a: { b: [7] }, x: 8 }), {
      details: { first: 7, list: [null, { y: 8 }] },
    });
  });

  it('never pollute a prototype', async () => {
    const record = JSON.parse('{"a":{"__proto__":{"polluted":1}},"__proto__":{"polluted":2}}') as Record<
      string,
      unknown
    >;
    const failure = await failOne(definition([{ source: 'a', target: 'j', type: 'json' }]), record);
    assert.equal(failure.rule, 'unsafe_key');
    for (const text of ['__proto__', 'a.constructor.prototype', 'prototype']) {
      invalid(
        () => checkMapping(definition([{ source: text, target: 'x' }])),
        '/field_mappings/0/source',
        /not allowed/,
      );
      invalid(
        () => checkMapping(definition([{ source: 'x', target: text }])),
        '/field_mappings/0/target',
        /not allowed/,
      );
    }
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  });

  it('need their key', async () => {
    const mapping = definition(order.slice(1), { key_fields: ['planned_start'] });
    const failure = await failOne(mapping, { GSTRP: '00000000', GAMNG: '1', STAT: 'REL' });
    assert.deepEqual([failure.field, failure.error.code, failure.rule], ['planned_start', 'PCP_VALUE_REQUIRED', 'key']);
    invalid(
      () => checkMapping(definition(order, { key_fields: ['nothing'] })),
      '/key_fields/0',
      /"nothing" is not mapped/,
    );
  });

  it('are refused when they cannot work, naming the place', () => {
    const refuse = (pair: object, member: string, message: RegExp) => {
      const pairs = [order[0]!, { target: 'quantity', source: 'x', ...pair } as FieldMapping];
      invalid(() => checkMapping(definition(pairs), { targetSchema: schema }), `/field_mappings/1${member}`, message);
    };
    refuse({ typ: 'string' }, '/typ', /"typ" is no option/);
    refuse({ type: 'float' }, '/type', /must be one of/);
    refuse({ constant: 1 }, '', /exactly one of/);
    refuse({ source: undefined }, '', /exactly one of/);
    refuse({ type: 'date', format: 'dd/mm/yyyy' }, '/format', /"mm" means minutes/);
    refuse({ type: 'datetime', timezone: 'Nowhere/Else' }, '/timezone', /unknown time zone/);
    refuse({ format: 'DD/MM/YYYY' }, '/format', /needs the type date/);
    refuse({ unit: 'kg', to_unit: 'm' }, '/unit', /unit of mass/);
    refuse({ unit: 'kg' }, '/to_unit', /needs both/);
    refuse({ unit: 'kg', to_unit: 'lb' }, '/unit', /no exact decimal factor/);
    refuse({ default: 'many' }, '/default', /"many" is not a decimal number/);
    refuse({ type: 'string', pad: { length: -1 } }, '/pad', /needs a length/);
    refuse({ lookup_default: 1 }, '/lookup_default', /needs a lookup/);
    refuse({ type: 'date' }, '/type', /keeps decimal here, which the type date does not give/);
    refuse({ target: 'priority', type: 'date' }, '/type', /keeps integer here/);
    refuse({ target: 'planned_start', type: 'datetime' }, '/type', /keeps date here/);
    for (const fits of [
      { type: 'string' },
      { target: 'priority', type: 'integer' },
      { target: 'details', type: 'json' },
    ]) {
      const pairs = [order[0]!, { target: 'quantity', source: 'x', ...fits } as FieldMapping];
      checkMapping(definition(pairs), { targetSchema: schema });
    }
    refuse({ target: 'quantitty' }, '/target', /has no field "quantitty"/);
    refuse({ target: 'order_number' }, '/target', /two field mappings write order_number/);
    invalid(
      () => checkMapping(definition(order.slice(1)), { targetSchema: schema }),
      '/field_mappings',
      /needs order_number/,
    );
    invalid(() => checkMapping(definition([])), '/field_mappings', /no fields/);
    const compileExport = () => compileMapping(definition(order), 'export', { expressions: noExpressions });
    invalid(compileExport, '/direction', /for import only/);
  });

  it('stop when aborted', async () => {
    const compiled = compileMapping(definition(order), 'import', { expressions: noExpressions });
    await assert.rejects(compiled.map([{}], AbortSignal.abort()), { code: 'PCP_CANCELLED', class: 'cancelled' });
  });

  const naughty = path.resolve('../shared/data/corpora/naughty-strings/blns.json');
  const own = [
    '',
    'null',
    '__proto__',
    '١٢٣',
    '\u0000',
    '\ud800',
    '1;DROP TABLE x',
    "'; --",
    '=cmd()',
    '𝟘',
    '\u202e',
    '1e999',
    '0x1F',
    '١',
  ];
  const strings = existsSync(naughty) ? (JSON.parse(readFileSync(naughty, 'utf8')) as string[]) : own;

  it('carry any text unchanged, and never make it a number or a date by accident', async () => {
    const texts = [...own, ...strings];
    const pairs: FieldMapping[] = [{ source: 's', target: 'text', type: 'string' }];
    for (const s of texts) assert.deepEqual(await mapOne(definition(pairs), { s }), { text: s === '' ? null : s });
    const types = ['decimal', 'integer', 'number', 'date', 'datetime', 'boolean'] as const;
    for (const type of types) {
      const results = await mapAll(
        definition([{ source: 's', target: 'v', type }]),
        texts.map((s) => ({ s })),
      );
      results.forEach((result, index) => {
        if (result.outcome === 'failed') assert.equal(result.error.class, 'data');
        else if (result.outcome === 'mapped' && result.data.v !== null) {
          assert.match(
            texts[index]!.trim(),
            /^[+-]?[\d.]+([eE][+-]?\d+)?-?$|^[\d\-:TZ. +]+$|^(true|false|yes|no|[ytfn])$/i,
          );
        }
      });
    }
  });
});
