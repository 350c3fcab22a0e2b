import assert from 'node:assert/strict';
import { isAlike, isSame } from '../../../lib/connectors/erp/same-record';

describe('records that a system holds already', () => {
  it('are the same in other notations', () => {
    const held = { a: '1.500', b: '2026-11-28T10:00:00+01:00', c: 'x', more: 1 };
    assert.equal(isSame({ a: '1.5', b: '2026-11-28T09:00:00Z', c: 'x' }, held), true);
    assert.equal(isSame({ a: '1.5', c: 'y' }, held), false);
    assert.equal(isSame({ c: '0123' }, { c: 'x' }), false);
    assert.equal(isSame({ notShown: '1', c: null }, held), true);
  });

  it('hold an item of their own for each of ours, in any order, and may hold others', () => {
    const [one, two] = [
      { Material: 'A', Quantity: '1' },
      { Material: 'A', Quantity: '2' },
    ];
    assert.equal(isAlike([one, two], [two, one, { Material: 'B' }]), true);
    assert.equal(isAlike([one, one], [one, two]), false);
    assert.equal(isAlike([one, one], [one, { ...one, Item: '2' }]), true);
    assert.equal(isAlike([one], { ...one }), false);
  });
});
