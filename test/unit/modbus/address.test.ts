import assert from 'node:assert/strict';
import { type Addressing, formatAddress, parseAddress } from '../../../lib/protocols/modbus/address';
import type { Table } from '../../../lib/protocols/modbus/pdu';

describe('Modbus addresses', () => {
  it('are counted from 0, from 1, or with the table as first digit', () => {
    for (const [address, table, addressing, expected] of [
      [0, undefined, 'zero_based', { table: 'holding', address: 0 }],
      ['0x1F4', 'input', 'zero_based', { table: 'input', address: 500 }],
      [40_001, 'holding', 'zero_based', { table: 'holding', address: 40_001 }],
      [65_535, undefined, 'zero_based', { table: 'holding', address: 65_535 }],
      [1, 'coil', 'one_based', { table: 'coil', address: 0 }],
      [65_536, 'holding', 'one_based', { table: 'holding', address: 65_535 }],
      [40_001, undefined, 'modicon', { table: 'holding', address: 0 }],
      ['30101', undefined, 'modicon', { table: 'input', address: 100 }],
      [10_001, 'discrete', 'modicon', { table: 'discrete', address: 0 }],
      ['00005', undefined, 'modicon', { table: 'coil', address: 4 }],
      [5, undefined, 'modicon', { table: 'coil', address: 4 }],
      [465_536, undefined, 'modicon', { table: 'holding', address: 65_535 }],
    ] as [number | string, Table | undefined, Addressing, unknown][]) {
      assert.deepEqual(parseAddress(address, table, addressing, 'tag "t"'), expected, `${address} ${addressing}`);
    }
    assert.equal(formatAddress({ table: 'holding', address: 0 }, 'modicon'), '40001');
    assert.equal(formatAddress({ table: 'coil', address: 4 }, 'modicon'), '00005');
    assert.equal(formatAddress({ table: 'input', address: 9 }, 'one_based'), '10');
  });

  it('are refused with a reason when they are of another notation', () => {
    for (const [address, table, addressing, words] of [
      [0, undefined, 'one_based', /from 1 to 65536/],
      [65_536, undefined, 'zero_based', /from 0 to 65535/],
      [-1, undefined, 'zero_based', /zero-based/],
      [1.5, undefined, 'zero_based', /zero-based/],
      ['x', undefined, 'zero_based', /zero-based/],
      [40_001, undefined, 'zero_based', /first digit may be the table/],
      [30_010, undefined, 'one_based', /first digit may be the table/],
      [40_000, undefined, 'modicon', /counted from 1/],
      [20_001, undefined, 'modicon', /first is 0, 1, 3 or 4/],
      [465_537, undefined, 'modicon', /counted from 1/],
      [30_001, 'holding', 'modicon', /in table "input", not in "holding"/],
    ] as [number | string, Table | undefined, Addressing, RegExp][]) {
      assert.throws(() => parseAddress(address, table, addressing, 'tag "t"'), {
        code: 'PCP_MODBUS_ADDRESS',
        message: words,
      });
    }
  });
});
