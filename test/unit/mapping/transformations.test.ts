import assert from 'node:assert/strict';
import { checkMapping, compileMapping } from '../../../lib/mapping/compile';
import type { FieldMapping, Transformation } from '../../../lib/model/mapping';
import { definition, invalid, mapAll, mapOne, noExpressions } from './support';

/** The record after the steps, as far as these fields go. */
async function changed(steps: Transformation[], record: Record<string, unknown>, ...names: string[]): Promise<unknown> {
  const fields: FieldMapping[] = names.map((name) => ({ source: name, target: name }));
  return mapOne(definition(fields, { transformations: steps }), record);
}

describe('transformations', () => {
  it('change texts and lists', async () => {
    assert.deepEqual(
      await changed(
        [
          { op: 'split', field: 'a', separator: ';' },
          { op: 'trim', field: 'a' },
        ],
        { a: 'x; y' },
        'a',
      ),
      { a: ['x', 'y'] },
    );
    assert.deepEqual(await changed([{ op: 'join', field: 'a', separator: '-' }], { a: ['x', null, 1] }, 'a'), {
      a: 'x--1',
    });
    assert.deepEqual(
      await changed(
        [
          { op: 'upper', field: 'a' },
          { op: 'lower', field: 'b' },
        ],
        { a: 'é', b: 'Ç' },
        'a',
        'b',
      ),
      { a: 'É', b: 'ç' },
    );
    assert.deepEqual(await changed([{ op: 'replace', field: 'a', search: '.', with: '$&' }], { a: '1.2.3' }, 'a'), {
      a: '1$&2$&3',
    });
    assert.deepEqual(
      await changed([{ op: 'substring', field: 'a', start: 2, length: 3, to: 'b' }], { a: 'abcdefg' }, 'a', 'b'),
      { a: 'abcdefg', b: 'cde' },
    );
    assert.deepEqual(await changed([{ op: 'substring', field: 'a', start: -2 }], { a: 'abc' }, 'a'), { a: 'bc' });
    assert.deepEqual(await changed([{ op: 'upper', field: 'a' }], { a: null }, 'a'), { a: null });
  });

  it('move, set, remove and put together fields', async () => {
    const steps: Transformation[] = [
      { op: 'concat', fields: ['NUM', 'ITEM'], separator: '-', to: 'key' },
      { op: 'rename', field: 'OLD', to: 'new' },
      { op: 'remove', field: 'NUM' },
      { op: 'set', field: 'x.y', value: [1] },
    ];
    assert.deepEqual(await changed(steps, { NUM: '1', ITEM: 2, OLD: 3 }, 'key', 'new', 'NUM', 'x'), {
      key: '1-2',
      new: 3,
      NUM: null,
      x: { y: [1] },
    });
    assert.deepEqual(await changed([{ op: 'concat', fields: ['a', 'b'], separator: '-', to: 'c' }], {}, 'c'), {
      c: null,
    });
  });

  it('explode lists into several records of one index', async () => {
    const fields: FieldMapping[] = [
      { source: 'order', target: 'order' },
      { source: 'items.sku', target: 'sku', required: true },
    ];
    const mapping = definition(fields, { transformations: [{ op: 'explode', field: 'items' }] });
    const results = await mapAll(mapping, [
      { order: 1, items: [{ sku: 'a' }, { sku: '' }, { sku: 'c' }] },
      { order: 2, items: [] },
      { order: 3, items: { sku: 'single' } },
    ]);
    assert.deepEqual(
      results.map((result) => [result.index, result.outcome, result.outcome === 'mapped' ? result.data.sku : null]),
      [
        [0, 'mapped', 'a'],
        [0, 'failed', null],
        [0, 'mapped', 'c'],
        [1, 'filtered', null],
        [2, 'mapped', 'single'],
      ],
    );
  });

  it('leave the record as it was read alone', async () => {
    const record = { a: { b: 'x' }, tags: 'p;q' };
    const before = structuredClone(record);
    await changed(
      [
        { op: 'upper', field: 'a.b' },
        { op: 'split', field: 'tags', separator: ';' },
      ],
      record,
      'a',
      'tags',
    );
    assert.deepEqual(record, before);
  });

  it('fail a record that they cannot work on', async () => {
    const mapping = definition([{ source: 'a', target: 'a' }], { transformations: [{ op: 'upper', field: 'a' }] });
    const [result] = await mapAll(mapping, [{ a: { b: 1 } }]);
    assert.ok(result?.outcome === 'failed');
    assert.deepEqual([result.field, result.rule, result.error.code], ['a', 'upper', 'PCP_VALUE_TYPE']);
    assert.match(result.error.message, /^a: upper: \{"b":1\} is not a text\.$/);
  });

  it('know which fields they need', () => {
    const transformations: Transformation[] = [
      { op: 'rename', field: 'OLD', to: 'new' },
      { op: 'concat', fields: ['x', 'y'], to: 'key' },
      { op: 'set', field: 'made', value: 1 },
    ];
    const fields: FieldMapping[] = ['new', 'key', 'other', 'made'].map((name) => ({ source: name, target: name }));
    const compiled = compileMapping(definition(fields, { transformations }), 'import', { expressions: noExpressions });
    assert.deepEqual(new Set(compiled.inputFields), new Set(['OLD', 'x', 'y', 'other', 'made']));
    assert.deepEqual(new Set(compiled.namedFields), new Set(['OLD', 'x', 'y', 'other']));
  });

  it('are refused when they make no sense', () => {
    const refuse = (step: object, path: string, message: RegExp) =>
      invalid(
        () => checkMapping(definition([{ source: 'a', target: 'a' }], { transformations: [step as Transformation] })),
        `/transformations/0${path}`,
        message,
      );
    refuse({ op: 'shout', field: 'a' }, '/op', /unknown op/);
    refuse({ op: 'split', field: 'a', separator: '' }, '/separator', /not empty/);
    refuse({ op: 'rename', field: 'a', to: '__proto__' }, '/to', /not allowed/);
    refuse({ op: 'explode', field: 'a.b' }, '/field', /top-level/);
    refuse({ op: 'substring', field: 'a', start: 0.5 }, '', /whole numbers/);
    refuse({ op: 'concat', fields: [], to: 'a' }, '/fields', /no fields/);
  });
});
