import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compareDecimals, decimalOf, shiftDecimal, toScale } from '../../../lib/mapping/conversions/decimals';
import { integerOf, numberOf } from '../../../lib/mapping/conversions/numbers';
import { isDecimal } from '../../../lib/model/formats';
import { refused } from './support';

describe('decimals', () => {
  const canonical: [unknown, string | undefined][] = [
    ['0', '0'],
    ['-0', '0'],
    ['-0.00', '0'],
    ['.0000', '0'],
    ['12.50', '12.5'],
    ['0012.500', '12.5'],
    ['-00.5', '-0.5'],
    ['5.', '5'],
    ['.5', '0.5'],
    ['+3', '3'],
    [' 7 ', '7'],
    ['12.50-', '-12.5'],
    ['1.5E3', '1500'],
    ['1e-7', '0.0000001'],
    ['123456789012345678901234567890.123456789', '123456789012345678901234567890.123456789'],
    ['', undefined],
    ['   ', undefined],
    [12.5, '12.5'],
    [1e-7, '0.0000001'],
    [-0, '0'],
    [10n ** 30n, `1${'0'.repeat(30)}`],
  ];
  for (const [input, expected] of canonical) {
    it(`reads ${typeof input} ${String(input)} as ${expected}`, () => assert.equal(decimalOf(input), expected));
  }

  it('reads the decimal comma with points between thousands, and the other way round', () => {
    assert.equal(decimalOf('1.234.567,80', ','), '1234567.8');
    assert.equal(decimalOf('-1.234,5', ','), '-1234.5');
    assert.equal(decimalOf('1234,5', ','), '1234.5');
    assert.equal(decimalOf('1,234.50', '.'), '1234.5');
    assert.equal(decimalOf('1.234', ','), '1234');
    assert.equal(decimalOf('-1.234', ','), '-1234');
    assert.equal(decimalOf('1.234-', ','), '-1234');
    assert.equal(decimalOf('0,123', ','), '0.123');
  });

  it('refuses what is ambiguous, badly grouped or no number', () => {
    const texts: [unknown, ('.' | ',')?][] = [
      ['1,234'],
      ['12.34.56', ','],
      ['1.23,4', ','],
      ['1,234,5', ','],
      ['1,2.3', ','],
      ['0.123', ','],
      ['-0.123', ','],
      ['01.234', ','],
      ['0.000,5', ','],
      ['0,123', '.'],
      ['.123', ','],
      ['1.234.', ','],
      ['abc'],
      ['12a'],
      ['-'],
      ['.'],
      ['+-1'],
      ['-1-'],
      ['1e'],
      ['0x10'],
      ['NaN'],
      ['Infinity'],
      ['١٢'],
      [true],
      [{}],
      [Number.NaN],
    ];
    for (const [text, separator] of texts) {
      refused(() => decimalOf(text, separator), 'PCP_VALUE_TYPE', 'decimal');
    }
  });

  it('refuses binary numbers that have lost digits, and absurd lengths', () => {
    refused(() => decimalOf(2 ** 53), 'PCP_VALUE_RANGE', 'precision');
    refused(() => decimalOf('1e300'), 'PCP_VALUE_RANGE', 'digits');
    refused(() => decimalOf('9'.repeat(79)), 'PCP_VALUE_RANGE', 'digits');
    refused(() => decimalOf('9'.repeat(1000)), 'PCP_VALUE_RANGE', 'digits');
    assert.equal(decimalOf('9'.repeat(78)), '9'.repeat(78));
  });

  it('keeps, fills or rounds to a scale, half away from zero', () => {
    assert.equal(toScale('1.5', 2, false), '1.50');
    assert.equal(toScale('1', 2, false), '1.00');
    assert.equal(toScale('1.005', 2, true), '1.01');
    assert.equal(toScale('-1.005', 2, true), '-1.01');
    assert.equal(toScale('-0.4', 0, true), '0');
    assert.equal(toScale('0.999', 2, true), '1.00');
    refused(() => toScale('1.005', 2, false), 'PCP_VALUE_RANGE', 'scale');
  });

  it('is canonical for every decimal, however it is written', () => {
    const digits = fc.stringMatching(/^[0-9]{0,20}$/);
    fc.assert(
      fc.property(fc.boolean(), digits, digits, (negative, integer, fraction) => {
        fc.pre(integer + fraction !== '');
        const text = `${negative ? '-' : ''}${integer}${fraction === '' ? '' : `.${fraction}`}`;
        const result = decimalOf(text)!;
        assert.match(result, /^(0|-?(0|[1-9]\d*)(\.\d*[1-9])?)$/);
        assert.ok(isDecimal(result));
        assert.equal(decimalOf(result), result);
        assert.equal(Number(result), Number(text) === 0 ? 0 : Number(text));
        assert.equal(decimalOf(text.replace('.', ','), ','), result);
        assert.equal(decimalOf(shiftDecimal(shiftDecimal(result, 5), -5)), result);
      }),
    );
  });

  it('compares by value', () => {
    assert.equal(compareDecimals('10', '9'), 1);
    assert.equal(compareDecimals('-10', '9.5'), -1);
    assert.equal(compareDecimals('1.50', '1.5'), 0);
  });
});

describe('integers and numbers', () => {
  it('reads integers', () => {
    assert.equal(integerOf('0042'), 42);
    assert.equal(integerOf('-7'), -7);
    assert.equal(integerOf('1.000', ','), 1000);
    assert.equal(integerOf('5.00'), 5);
    assert.equal(integerOf(3), 3);
    assert.ok(Object.is(integerOf('-0'), 0));
    assert.equal(integerOf(''), undefined);
    assert.equal(integerOf('9007199254740991'), Number.MAX_SAFE_INTEGER);
  });

  it('refuses fractions, text and what a double cannot hold', () => {
    refused(() => integerOf('1.5'), 'PCP_VALUE_TYPE', 'integer');
    refused(() => integerOf(1.5), 'PCP_VALUE_TYPE', 'integer');
    refused(() => integerOf('twelve'), 'PCP_VALUE_TYPE', 'integer');
    refused(() => integerOf('9007199254740992'), 'PCP_VALUE_RANGE', 'integer');
    refused(() => integerOf(2 ** 60), 'PCP_VALUE_RANGE', 'precision');
    refused(() => numberOf('1e400'), 'PCP_VALUE_RANGE', 'number');
    refused(() => numberOf('1,5'), 'PCP_VALUE_TYPE', 'number');
    refused(() => numberOf(Number.POSITIVE_INFINITY), 'PCP_VALUE_TYPE', 'number');
  });

  it('reads numbers', () => {
    assert.equal(numberOf('1,5', ','), 1.5);
    assert.equal(numberOf('-2.25'), -2.25);
    assert.equal(numberOf(0.1), 0.1);
  });
});
