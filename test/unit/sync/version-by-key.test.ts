import assert from 'node:assert/strict';
import { VersionByKey } from '../../../lib/sync/version-by-key';

describe('versions of records by their keys', () => {
  for (const [order, keys] of [
    ['in order', ['a', 'b', 'c', 'd']],
    ['against their order', ['d', 'c', 'b', 'a']],
    ['in no order', ['c', 'a', 'd', 'b']],
  ] as const) {
    it(`are found whose keys come ${order}, and no others`, () => {
      const known = new VersionByKey();
      for (const key of keys) {
        assert.equal(known.get(key), undefined);
        known.set(key, `version of ${key}`);
      }
      for (const key of keys) assert.equal(known.get(key), `version of ${key}`);
      for (const key of ['', 'aa', 'e']) assert.equal(known.has(key), false, key);
    });
  }

  it('change and go, whether keys are in order or not', () => {
    const known = new VersionByKey();
    known.set('a', '1');
    known.set('b', '2');
    known.delete('b');
    assert.equal(known.has('b'), false);
    assert.equal(known.add('a', '3'), '1');
    assert.equal(known.get('a'), '1');
    known.set('a', '3');
    known.set('b', '4');
    assert.deepEqual([known.get('a'), known.get('b')], ['3', '4']);
  });
});
