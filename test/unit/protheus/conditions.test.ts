import assert from 'node:assert/strict';
import { pushedDown, since } from '../../../lib/connectors/erp/protheus/conditions';
import type { PushedFilter } from '../../../lib/model/mapping';

const TYPES = { B1_COD: 'C', B1_PESO: 'N', B1_UREV: 'D', B1_MSBLQL: 'L' } as const;
const pushed = (filter: PushedFilter) => pushedDown(TYPES, [filter]);

describe('protheus: what the database decides', () => {
  it('is what the mapping would: no text by its value, none in an order, none of other characters', () => {
    const filter = { field: 'B1_COD', operator: 'eq', value: '007' } as const;
    assert.deepEqual(pushed(filter), [{ field: 'B1_COD', operator: '=', value: '007' }]);
    assert.deepEqual(pushed({ ...filter, byValue: true }), []);
    assert.deepEqual(pushed({ ...filter, value: 7 }), []);
    assert.deepEqual(pushed({ ...filter, value: 'ção' }), []);
    assert.deepEqual(pushed({ ...filter, operator: 'ge' }), []);
  });

  it('is of numbers and days in any comparison, also by value', () => {
    const number = { field: 'B1_PESO', operator: 'ge', value: '1.5', byValue: true } as const;
    assert.deepEqual(pushed(number), [{ field: 'B1_PESO', operator: '>=', value: '1.5' }]);
    assert.deepEqual(pushed({ ...number, value: "1 OR '1'='1'" }), []);
    const days = ['2026-11-27', '2026-11-28'];
    const day = { field: 'B1_UREV', operator: 'in', value: days } as const;
    assert.deepEqual(pushed(day), [{ field: 'B1_UREV', operator: 'in', value: days }]);
    assert.deepEqual(pushed({ ...day, value: [] }), []);
  });

  it('begins anew at a day, or some rows back', () => {
    assert.deepEqual(since('B1_UREV', '2026-11-28', 86_400), [
      { field: 'B1_UREV', operator: '>=', value: '2026-11-27' },
    ]);
    assert.deepEqual(since('R_E_C_N_O_', '5000'), [{ field: 'R_E_C_N_O_', operator: '>', value: 4000 }]);
    assert.deepEqual([since(null, '5000'), since('R_E_C_N_O_', null)], [[], []]);
  });
});
