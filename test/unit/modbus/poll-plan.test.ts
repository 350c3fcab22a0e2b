import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  Holes,
  longest,
  overlaps,
  type PlanLimits,
  planBlocks,
  type Range,
} from '../../../lib/protocols/modbus/poll-plan';

const LIMITS: PlanLimits = { maxGap: 10, maxRegisters: 125, maxBits: 2000, forbidden: [] };
const item = (address: number, count = 1, unitId = 1, table: Range['table'] = 'holding'): Range => ({
  unitId,
  table,
  address,
  count,
});
const plan = (items: Range[], limits: Partial<PlanLimits> = {}, holes = new Holes()) =>
  planBlocks(items, { ...LIMITS, ...limits }, holes).map(({ address, count }) => [address, count]);

describe('Modbus poll plan', () => {
  it('reads neighbours together, with gaps and lengths up to the limits', () => {
    assert.deepEqual(plan([item(12), item(0), item(1, 2)]), [[0, 13]]);
    assert.deepEqual(plan([item(0), item(12)]), [
      [0, 1],
      [12, 1],
    ]);
    assert.deepEqual(plan(Array.from({ length: 130 }, (_, address) => item(address))), [
      [0, 125],
      [125, 5],
    ]);
    assert.deepEqual(plan([item(0, 124), item(124, 2)]), [
      [0, 124],
      [124, 2],
    ]);
    assert.deepEqual(plan([item(0, 4), item(1), item(2)]), [[0, 4]]);
    assert.deepEqual(plan([item(0), item(1, 1, 2), item(2, 1, 1, 'input')]).length, 3);
    const bits = Array.from({ length: 2100 }, (_, address) => item(address, 1, 1, 'coil'));
    assert.deepEqual(plan(bits), [
      [0, 2000],
      [2000, 100],
    ]);
  });

  it('never reads across a forbidden range, a cut or what was refused', () => {
    assert.deepEqual(plan([item(0), item(4)], { forbidden: [item(2)] }), [
      [0, 1],
      [4, 1],
    ]);
    assert.deepEqual(plan([item(0), item(4)], { forbidden: [item(2, 1, 2)] }), [[0, 5]]);
    assert.equal(plan([item(0), item(4)], { forbidden: [{ ...item(2), unitId: undefined }] }).length, 2);
    const holes = new Holes();
    const known = holes.of(item(0));
    known.cut(1, 4);
    assert.deepEqual(plan([item(0), item(1), item(4), item(6)], {}, holes), [
      [0, 2],
      [4, 3],
    ]);
    known.refuse(item(6));
    assert.deepEqual(plan([item(4), item(6), item(8)], {}, holes), [
      [4, 1],
      [6, 1],
      [8, 1],
    ]);
    known.allow(item(6));
    assert.deepEqual(plan([item(4), item(6), item(8)], {}, holes), [[4, 5]]);
  });

  it('reads every item once and whole, within all limits, for any items', () => {
    const range = fc.record({
      unitId: fc.constantFrom(1, 2),
      table: fc.constantFrom('holding', 'input', 'coil') as fc.Arbitrary<Range['table']>,
      address: fc.nat(600),
      count: fc.integer({ min: 1, max: 8 }),
    });
    const limits = fc.record({
      maxGap: fc.nat(60),
      maxRegisters: fc.integer({ min: 8, max: 125 }),
      maxBits: fc.integer({ min: 8, max: 2000 }),
      forbidden: fc.array(range, { maxLength: 4 }),
    });
    fc.assert(
      fc.property(fc.array(range, { maxLength: 120 }), limits, (all, limit) => {
        const allowed = all.filter((each) => !limit.forbidden.some((no) => touches(no, each)));
        const blocks = planBlocks(allowed, limit, new Holes());
        assert.deepEqual(new Set(blocks.flatMap(({ items }) => items)), new Set(allowed));
        assert.equal(blocks.flatMap(({ items }) => items).length, allowed.length);
        for (const block of blocks) {
          assert.ok(block.count <= longest(block.table, limit));
          assert.ok(!limit.forbidden.some((no) => touches(no, block)));
          for (const { address, count, unitId, table } of block.items) {
            assert.ok(unitId === block.unitId && table === block.table);
            assert.ok(address >= block.address && address + count <= block.address + block.count);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

function touches(a: Range, b: Range): boolean {
  return a.unitId === b.unitId && a.table === b.table && overlaps(a, b.address, b.address + b.count);
}
