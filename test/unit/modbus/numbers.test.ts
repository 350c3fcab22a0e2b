import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeTag } from '../../../lib/protocols/modbus/decode';
import { encodeTag } from '../../../lib/protocols/modbus/encode';
import { parseTag, type TagSetting } from '../../../lib/protocols/modbus/tag';
import { NUMBER_TYPES } from '../../../lib/protocols/modbus/value-types';

const DEFAULTS = { unitId: 1, addressing: 'zero_based', byteOrder: 'ABCD' } as const;
const tag = (setting: Partial<TagSetting>) => parseTag('t', { address: 0, ...setting }, DEFAULTS);
const decode = (setting: Partial<TagSetting>, hex: string, power = 0) =>
  decodeTag(tag(setting), Buffer.from(hex.replaceAll(' ', ''), 'hex'), power);
const value = (setting: Partial<TagSetting>, hex: string, power = 0) => decode(setting, hex, power).value;
const written = (setting: Partial<TagSetting>, wanted: unknown, power = 0) => {
  const encoded = encodeTag(tag(setting), wanted, power);
  return encoded.kind === 'registers' ? encoded.registers.toString('hex') : encoded;
};

describe('Modbus values', () => {
  it('come in every word and byte order', () => {
    assert.equal(value({ type: 'float32', byte_order: 'ABCD' }, '449A 5000'), 1234.5);
    assert.equal(value({ type: 'float32', byte_order: 'CDAB' }, '5000 449A'), 1234.5);
    assert.equal(value({ type: 'float32', byte_order: 'BADC' }, '9A44 0050'), 1234.5);
    assert.equal(value({ type: 'float32', byte_order: 'DCBA' }, '0050 9A44'), 1234.5);
    assert.equal(value({ type: 'uint16', byte_order: 'DCBA' }, '3930'), 0x3039);
    assert.equal(value({ type: 'uint16', byte_order: 'CDAB' }, '3039'), 0x3039);
    const wide = { type: 'int64', byte_order: 'ABCD' } as const;
    assert.equal(value(wide, '0102 0304 0506 0708'), '72623859790382856');
    for (const [order, hex] of [
      ['CDAB', '0708 0506 0304 0102'],
      ['GHEFCDAB', '0708 0506 0304 0102'],
      ['BADC', '0201 0403 0605 0807'],
      ['DCBA', '0807 0605 0403 0201'],
      ['HGFEDCBA', '0807 0605 0403 0201'],
      ['EFGHABCD', '0506 0708 0102 0304'],
    ] as const) {
      assert.equal(value({ ...wide, byte_order: order }, hex), '72623859790382856', order);
    }
  });

  it('are exact: integers beyond 2^53 and decimals of many digits are texts', () => {
    assert.equal(value({ type: 'uint64' }, '001FFFFFFFFFFFFF'), Number.MAX_SAFE_INTEGER);
    assert.equal(value({ type: 'uint64' }, '0020000000000001'), '9007199254740993');
    assert.equal(value({ type: 'int64' }, 'FFDFFFFFFFFFFFFF'), '-9007199254740993');
    assert.equal(value({ type: 'uint64' }, 'FFFFFFFFFFFFFFFF'), '18446744073709551615');
    assert.equal(value({ type: 'uint16', scale: '0.1' }, '0003'), 0.3);
    assert.equal(value({ type: 'int16', scale: 0.1, offset: -40 }, 'FFFB'), -40.5);
    assert.equal(value({ type: 'uint64', scale: '0.001' }, '0020000000000001'), '9007199254740.993');
    assert.equal(value({ type: 'uint64', scale: '1e-6' }, '7FFFFFFFFFFFFFFF'), '9223372036854.775807');
  });

  it('are read in every type', () => {
    assert.equal(value({ type: 'int8' }, '7F80'), -128);
    assert.equal(value({ type: 'int8', byte: 'high' }, '7F80'), 127);
    assert.equal(value({ type: 'uint8', byte: 'high' }, 'FE01'), 254);
    assert.equal(value({ type: 'int16' }, 'CFC7'), -12345);
    assert.equal(value({ type: 'int32' }, 'F8A432EB'), -123456789);
    assert.equal(value({ type: 'float16' }, '3E00'), 1.5);
    assert.equal(value({ type: 'float64' }, 'C0C34A4587E7C06E'), -9876.54321);
    assert.equal(value({ type: 'bcd16' }, '1234'), 1234);
    assert.equal(value({ type: 'bcd64' }, '9999999999999999'), '9999999999999999');
    assert.equal(value({ type: 'unix_time' }, '6925E680'), '2025-11-25T17:25:20.000Z');
    assert.equal(value({ type: 'unix_time_ms' }, '0000019ABC5F8BB9'), new Date(0x19abc5f8bb9).toISOString());
    assert.equal(value({ type: 'string', length: 4 }, '4C69 6E65 2031 2000'), 'Line 1');
    assert.equal(value({ type: 'string', length: 3, byte_order: 'BA' }, '694C 656E 0031'), 'Line1');
    assert.equal(value({ bit: 4 }, '0010'), true);
    assert.equal(value({ bit: 5 }, '0010'), false);
    assert.deepEqual(value({ bits: { running: 0, alarm: 1, mode: [4, 7] } }, '00A1'), {
      running: true,
      alarm: false,
      mode: 10,
    });
  });

  it('are null and bad where the device has none', () => {
    const absent = { value: null, status: 'not available' };
    assert.deepEqual(decode({ type: 'float32' }, '7FC00000'), absent);
    assert.deepEqual(decode({ type: 'float32' }, 'FF800000'), absent);
    assert.deepEqual(decode({ type: 'float16' }, '7E00'), absent);
    assert.deepEqual(decode({ type: 'float64' }, '7FF8000000000000'), absent);
    assert.deepEqual(decode({ type: 'int16', not_available: true }, '8000'), absent);
    assert.deepEqual(decode({ type: 'uint16', not_available: true }, 'FFFF'), absent);
    assert.deepEqual(decode({ type: 'int32', not_available: true }, '80000000'), absent);
    assert.deepEqual(decode({ type: 'uint32', not_available: true }, 'FFFFFFFF'), absent);
    assert.deepEqual(decode({ type: 'int64', not_available: true }, '8000000000000000'), absent);
    assert.deepEqual(decode({ type: 'int32', not_available: true, byte_order: 'DCBA' }, '00000080'), absent);
    assert.deepEqual(decode({ type: 'uint16', not_available: ['0x7FFF', 0] }, '7FFF'), absent);
    assert.deepEqual(decode({ type: 'int16', not_available: [-1] }, 'FFFF'), absent);
    assert.equal(value({ type: 'int16' }, '8000'), -32768);
    assert.deepEqual(decode({ type: 'bcd16' }, '12A4'), { value: null, status: 'not a decimal digit' });
  });

  it('follow a scale factor by powers of ten', () => {
    assert.equal(value({ type: 'int16', scale_factor: 'sf' }, '092B', -2), 23.47);
    assert.equal(value({ type: 'uint16', scale_factor: 'sf' }, '0017', 2), 2300);
  });

  it('agree with the engine on all 65,536 halves', function () {
    const view = new DataView(new ArrayBuffer(2)) as DataView & { getFloat16?(offset: number): number };
    if (view.getFloat16 === undefined) this.skip();
    const half = NUMBER_TYPES.float16;
    for (let bits = 0; bits < 65_536; bits++) {
      view.setUint16(0, bits);
      const expected = view.getFloat16(0);
      const bytes = Buffer.from(view.buffer);
      assert.equal(half.decode(bytes), Number.isFinite(expected) ? expected : null);
      if (Number.isFinite(expected)) assert.deepEqual(half.encode(expected), bytes, String(bits));
    }
    assert.equal(half.encode(65_520), undefined);
    assert.equal(half.encode(2049)?.readUInt16BE(0), half.encode(2048)?.readUInt16BE(0));
  });

  it('come back as they were written, in any type, order and scale', () => {
    const integers = [
      'int8',
      'uint8',
      'int16',
      'uint16',
      'int32',
      'uint32',
      'int64',
      'uint64',
      'bcd16',
      'bcd32',
      'bcd64',
    ] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...integers),
        fc.constantFrom('ABCD', 'CDAB', 'BADC', 'DCBA'),
        fc.constantFrom('1', '0.1', '0.001', '25', '-0.5'),
        fc.constantFrom('0', '-40', '0.25'),
        fc.uint8Array({ minLength: 8, maxLength: 8 }),
        (type, order, scale, offset, bytes) => {
          const size = NUMBER_TYPES[type].bytes;
          const own = type.startsWith('bcd')
            ? bytes.map((byte) => ((byte >> 4) % 10) * 16 + ((byte & 15) % 10))
            : bytes;
          const data = Buffer.from(own).subarray(0, Math.max(2, size));
          const setting = { type, scale, offset, ...(size > 1 && { byte_order: order }) };
          const { value: read } = decodeTag(tag(setting), data);
          const encoded = encodeTag(tag(setting), read);
          if (encoded.kind === 'registers') assert.deepEqual(encoded.registers, data);
          else if (encoded.kind === 'mask') assert.equal(encoded.value, data.readUInt16BE(0) & encoded.mask);
          else assert.fail();
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('are refused where the register cannot hold them exactly', () => {
    const refuses = (setting: Partial<TagSetting>, wanted: unknown, words: RegExp) =>
      assert.throws(
        () => written(setting, wanted),
        (error: { code: string; message: string }) => {
          assert.equal(error.code, 'PCP_MODBUS_VALUE');
          assert.match(error.message, words);
          return true;
        },
      );
    refuses({ type: 'uint16' }, 65_536, /within uint16/);
    refuses({ type: 'uint16' }, -1, /within uint16/);
    refuses({ type: 'int16' }, 1.5, /step is 1/);
    refuses({ type: 'int16', scale: '0.1' }, 23.55, /step is 0.1/);
    refuses({ type: 'int32' }, 'abc', /takes a number/);
    refuses({ type: 'int32' }, null, /takes a number/);
    refuses({ type: 'float32' }, 1e39, /within float32/);
    refuses({ type: 'bcd16' }, 12_345, /within bcd16/);
    refuses({ type: 'string', length: 2 }, 'Line 1', /room for 4 bytes/);
    refuses({ type: 'bool', bit: 3 }, 'true', /true or false/);
    refuses({ type: 'unix_time' }, '2026-11-24T05:00:00.500Z', /whole seconds/);
    refuses({ bits: { a: 0 } }, { a: true }, /tag for the bit/);
    assert.equal(written({ type: 'int16', scale: '0.1' }, 23.5), '00eb');
    assert.equal(written({ type: 'int16', scale_factor: 'sf' }, '23.47', -2), '092b');
    assert.equal(written({ type: 'unix_time' }, '2025-11-25T17:25:20Z'), '6925e680');
    assert.deepEqual(written({ type: 'bool', bit: 3 }, true), { kind: 'mask', mask: 8, value: 8 });
    assert.deepEqual(written({ type: 'uint8', byte: 'high' }, 255), { kind: 'mask', mask: 0xff00, value: 0xff00 });
  });

  it('are not configured in ways that make no sense', () => {
    const refuses = (setting: Partial<TagSetting>, words: RegExp) =>
      assert.throws(() => tag(setting), { code: 'PCP_MODBUS_TAG', message: words });
    refuses({ table: 'coil', type: 'int16' }, /coil holds a bool/);
    refuses({ type: 'string' }, /needs "length"/);
    refuses({ type: 'int16', byte_order: 'ABDC' }, /no byte order of 2 bytes/);
    refuses({ type: 'int32', byte_order: 'AACD' }, /no byte order of 4 bytes/);
    refuses({ type: 'int16', bit: 3 }, /"bit" means nothing for int16/);
    refuses({ type: 'uint16', bits: { a: 16 } }, /within its 16 bits/);
    refuses({ type: 'uint16', scale: 0 }, /scale/);
    refuses({ type: 'uint16', scale: 'x' }, /no number/);
    refuses({ type: 'uint16', not_available: ['0x10000'] }, /no raw value/);
    refuses({ address: 65_535, type: 'int32' }, /beyond the last address/);
  });
});
