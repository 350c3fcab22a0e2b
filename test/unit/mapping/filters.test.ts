import assert from 'node:assert/strict';
import fc from 'fast-check';
import { checkMapping, compileMapping } from '../../../lib/mapping/compile';
import { likeTest } from '../../../lib/mapping/filters';
import type { FieldMapping, Filter, FilterOperator } from '../../../lib/model/mapping';
import { definition, failOne, invalid, mapAll, noExpressions } from './support';

const fields: FieldMapping[] = [{ source: 'id', target: 'id' }];

async function kept(filter: Filter, values: unknown[], more: FieldMapping[] = []): Promise<unknown[]> {
  const mapping = definition([...fields, ...more], { filters: [filter] });
  const results = await mapAll(
    mapping,
    values.map((v, id) => ({ id, v })),
  );
  return values.filter((_, index) => {
    assert.notEqual(results[index]?.outcome, 'failed', JSON.stringify(results[index]));
    return results[index]?.outcome === 'mapped';
  });
}

function pushed(filter: Filter, more: FieldMapping[] = []): boolean {
  const mapping = definition([...fields, ...more], { filters: [filter] });
  return compileMapping(mapping, 'import', { expressions: noExpressions }).pushdown.length === 1;
}

describe('filters', () => {
  const cases: [FilterOperator, unknown, unknown[], unknown[]][] = [
    ['eq', '1000', ['1000', 1000, '01000', '', null], ['1000', 1000]],
    ['eq', 5, [5, '5', '5.0', '05', 'five'], [5, '5', '5.0', '05']],
    ['eq', true, [true, 'true', 1, 'Y', false, 'x'], [true, 'true', 1, 'Y']],
    ['ne', 'A', ['A', 'B', '', null, undefined], ['B', '', null, undefined]],
    ['lt', 10, [9, '9.99', '10', 11], [9, '9.99']],
    ['le', '10', ['9', '10', '100'], ['9', '10']],
    [
      'gt',
      '2026-01-01',
      ['2025-12-31', '2026-01-01', '2026-01-01T00:00:01Z', '2027-01-01'],
      ['2026-01-01T00:00:01Z', '2027-01-01'],
    ],
    ['ge', 'b', ['a', 'b', 'c'], ['b', 'c']],
    ['between', [1, 3], [0, 1, '2', 3, 4], [1, '2', 3]],
    ['in', ['A', 'B'], ['A', 'C', '', null], ['A']],
    ['not_in', ['A', 'B'], ['A', 'C', '', null], ['C', '', null]],
    ['like', 'A%_1', ['A01', 'Axx1', 'A1', 'a01', ''], ['A01', 'Axx1']],
    ['is_null', undefined, [null, undefined, '', 0, 'x', false], [null, undefined, '']],
    ['not_null', undefined, [null, undefined, '', 0, 'x', false], [0, 'x', false]],
    ['gt', '99999999999999999999', ['100000000000000000000', '99999999999999999998'], ['100000000000000000000']],
  ];
  for (const [operator, value, values, expected] of cases) {
    it(`${operator} ${JSON.stringify(value)}`, async () => {
      assert.deepEqual(await kept({ field: 'v', operator, value }, values), expected);
    });
  }

  it('read a field in the notation of its pair', async () => {
    const date: FieldMapping = { source: 'v', target: 'd', type: 'date', format: 'DD/MM/YYYY' };
    const from: Filter = { field: 'v', operator: 'ge', value: '01/02/2026' };
    assert.deepEqual(await kept(from, ['31/01/2027', '31/01/2026', '01/02/2026'], [date]), [
      '31/01/2027',
      '01/02/2026',
    ]);
    const decimal: FieldMapping = { source: 'v', target: 'q', type: 'decimal', decimal_separator: ',' };
    assert.deepEqual(await kept({ field: 'v', operator: 'gt', value: '1.000,5' }, ['1.000,6', '999'], [decimal]), [
      '1.000,6',
    ]);
    const sap: FieldMapping = { source: 'v', target: 'd', type: 'date', format: 'YYYYMMDD' };
    const other: Filter = { field: 'v', operator: 'ne', value: '20260101' };
    assert.deepEqual(await kept(other, ['20260101', '20260102', '00000000'], [sap]), ['20260102', '00000000']);
    const text: FieldMapping = { source: 'v', target: 't', type: 'string', trim: true };
    assert.deepEqual(await kept({ field: 'v', operator: 'eq', value: 'REL' }, ['REL  ', 'RELX'], [text]), ['REL  ']);
  });

  it('fail a record whose value cannot be judged', async () => {
    const mapping = definition(fields, { filters: [{ field: 'v', operator: 'gt', value: 0 }] });
    const failure = await failOne(mapping, { id: 1, v: 'abc' });
    assert.deepEqual([failure.field, failure.rule, failure.value], ['v', 'filter', 'abc']);
  });

  it('go down to the source only where it cannot exclude too much', () => {
    const date: FieldMapping = { source: 'v', target: 'd', type: 'date', format: 'DD/MM/YYYY' };
    assert.ok(pushed({ field: 'v', operator: 'eq', value: '1000' }));
    assert.ok(pushed({ field: 'v', operator: 'gt', value: 5 }));
    assert.ok(pushed({ field: 'v', operator: 'ge', value: '2026-01-01' }));
    assert.ok(pushed({ field: 'v', operator: 'not_null' }));
    assert.ok(!pushed({ field: 'v', operator: 'is_null' }));
    assert.ok(!pushed({ field: 'v', operator: 'ge', value: 'b' }));
    assert.ok(!pushed({ field: 'v', operator: 'ge', value: '01/02/2026' }, [date]));
    assert.ok(!pushed({ field: 'a.b', operator: 'eq', value: '1' }));
  });

  it('tell the source where texts are compared by what they stand for', async () => {
    const decimal: FieldMapping = { source: 'v', target: 'q', type: 'decimal' };
    const filter: Filter = { field: 'v', operator: 'eq', value: '7' };
    assert.deepEqual(await kept(filter, ['7', '007', '7.00', '70'], [decimal]), ['7', '007', '7.00']);
    const pushdown = (pair: FieldMapping) =>
      compileMapping(definition([...fields, pair], { filters: [filter] }), 'import', { expressions: noExpressions })
        .pushdown;
    assert.deepEqual(pushdown(decimal), [{ ...filter, byValue: true }]);
    assert.deepEqual(pushdown({ source: 'v', target: 't', type: 'string' }), [filter]);
  });

  it('are refused when they make no sense', () => {
    const refuse = (filter: object, member: string, message: RegExp) =>
      invalid(() => checkMapping(definition(fields, { filters: [filter as Filter] })), `/filters/0${member}`, message);
    refuse({ field: 'v', operator: 'equals', value: 1 }, '/operator', /no operator of/);
    refuse({ field: 'v', operator: 'eq', value: null }, '/value', /use is_null/);
    refuse({ field: 'v', operator: 'in', value: 'A' }, '/value', /needs a list/);
    refuse({ field: 'v', operator: 'between', value: [1] }, '/value', /needs two values/);
    refuse({ field: '__proto__', operator: 'eq', value: 1 }, '/field', /not allowed/);
    refuse({ field: 'v', operator: 'eq', value: { $gt: '' } }, '/value', /plain values/);
  });

  it('like agrees with a regular expression and does not explode', () => {
    const piece = fc.constantFrom('a', 'b', '%', '_', '\\%', '.', '*');
    const toRegExp = (pieces: string[]) =>
      new RegExp(
        `^${pieces.map((one) => (one === '%' ? '.*' : one === '_' ? '.' : one === '\\%' ? '%' : one.replace(/[.*]/, '\\$&'))).join('')}$`,
        's',
      );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }),
        fc.string({ unit: fc.constantFrom('a', 'b', '%', '.'), maxLength: 10 }),
        (pieces, text) => {
          assert.equal(likeTest(pieces.join(''))(text), toRegExp(pieces).test(text));
        },
      ),
    );
    // One that tries every way to match does not come to an end.
    assert.equal(likeTest('%a'.repeat(30))(`${'a'.repeat(20_000)}b`), false);
  });
});
