import assert from 'node:assert/strict';
import { recordHasher, recordText } from '../../../lib/sync/hash';

describe('hashes of records', () => {
  const hashOf = recordHasher(['a', 'b']);
  const record = { a: 'x', b: 'y' };

  it('are alike for alike values, in whatever order an object names its fields', () => {
    assert.equal(
      hashOf({ b: { m: [1, { y: 2, x: null }], l: 'p' }, a: 'x' }),
      hashOf({ a: 'x', b: { l: 'p', m: [1, { x: null, y: 2 }] } }),
    );
    assert.equal(hashOf({ a: 'x' }), hashOf({ a: 'x', b: null }));
  });

  for (const [name, one, other] of [
    ['where one value ends and the next begins', { a: 'x\u0001y', b: 'z' }, { a: 'x', b: 'y\u0001z' }],
    ['quotes', { a: 'x","y', b: 'z' }, { a: 'x', b: 'y","z' }],
    ['numbers and their texts', { ...record, b: 1 }, { ...record, b: '1' }],
    ['nothing and empty texts', { ...record, b: null }, { ...record, b: '' }],
    ['objects and their texts', { ...record, b: { c: 1 } }, { ...record, b: '{"c":1}' }],
    ['objects and lists of their texts', { ...record, b: { c: 1 } }, { ...record, b: ['{"c":1}'] }],
    ['lists and their texts', { ...record, b: [1] }, { ...record, b: '[1]' }],
  ] as const) {
    it(`tell apart ${name}`, () => assert.notEqual(hashOf(one), hashOf(other)));
  }

  it('tell apart the fields that the values stand in', () => {
    assert.notEqual(recordHasher(['a', 'c'])({ a: 'x', c: 'y' }), hashOf(record));
  });

  it('are of a text that is one line', () => {
    assert.doesNotMatch(recordText(['a', 'b'])({ a: 'x\ny\r\u2028', b: { c: '\n' } }), /[\n\r]/);
  });
});
