import assert from 'node:assert/strict';
import { booleanConversion } from '../../../lib/mapping/conversions/booleans';
import { jsonOf } from '../../../lib/mapping/conversions/json-values';
import { padText, stripText, textOf } from '../../../lib/mapping/conversions/texts';
import { convertUnit, unitConversion } from '../../../lib/mapping/conversions/units';
import { refused } from './support';

describe('units', () => {
  const convert = (value: string, from: string, to: string, scale?: number) =>
    convertUnit(unitConversion(from, to), value, scale);

  it('converts exactly where a decimal can hold the result', () => {
    assert.equal(convert('1234', 'g', 'kg'), '1.234');
    assert.equal(convert('-0.001', 't', 'kg'), '-1');
    assert.equal(convert('3', 'lb', 'kg'), '1.36077711');
    assert.equal(convert('1', 'in', 'mm'), '25.4');
    assert.equal(convert('90', 'min', 's'), '5400');
    assert.equal(convert('100', 'C', 'F'), '212');
    assert.equal(convert('-40', '°C', '°F'), '-40');
    assert.equal(convert('0', 'C', 'K'), '273.15');
    assert.equal(convert('1', 'kWh', 'MJ'), '3.6');
    assert.equal(convert('2', 'DZN', 'PCE'), '24');
    assert.equal(convert('1', 'kcal', 'J'), '4184');
    assert.equal(convert('1', 'E14', 'J'), '4186.8');
    assert.equal(convert('2.5', 'm3', 'L'), '2500');
    assert.equal(convert('12.5', '%', '1'), '0.125');
  });

  it('rounds where it cannot', () => {
    assert.equal(unitConversion('kg', 'lb').exact, false);
    assert.equal(convert('1', 'kg', 'lb', 4), '2.2046');
    assert.equal(convert('100', 'F', 'C', 3), '37.778');
    assert.equal(convert('-100', 'F', 'C', 3), '-73.333');
  });

  it('refuses unknown units and different kinds', () => {
    assert.throws(() => unitConversion('kg', 'm'), /kg is a unit of mass and m one of length/);
    assert.throws(() => unitConversion('stone', 'kg'), /the unit "stone" is unknown/);
    assert.throws(() => unitConversion('__proto__', 'kg'), /unknown/);
    for (const [milli, base] of ['mW W', 'mJ J', 'mPa Pa', 'mWh Wh', 'Mg kg'].map((pair) => pair.split(' '))) {
      assert.throws(() => unitConversion(milli!, base!), /not told from/, milli);
    }
    assert.equal(convert('2', 'MJ', 'J'), '2000000');
  });
});

describe('booleans', () => {
  it('reads the usual words', () => {
    const { parse } = booleanConversion(undefined);
    for (const yes of [true, 1, '1', 'true', 'TRUE', ' yes ', 'Y']) assert.equal(parse(yes), true, String(yes));
    for (const no of [false, 0, '0', 'false', 'no', 'N']) assert.equal(parse(no), false, String(no));
    assert.equal(parse(' '), undefined);
    for (const other of [2, 'maybe', 'S', {}, []]) refused(() => parse(other), 'PCP_VALUE_TYPE', 'boolean');
  });

  it('reads and writes the words of its format and no others', () => {
    const { parse, format } = booleanConversion('S|N');
    assert.deepEqual([parse('S'), parse('N'), format(true), format(false)], [true, false, 'S', 'N']);
    refused(() => parse('Y'), 'PCP_VALUE_TYPE', 'boolean');
    const flag = booleanConversion('X|');
    assert.deepEqual([flag.parse('X'), flag.parse(''), flag.parse(' '), flag.format(false)], [true, false, false, '']);
    for (const wrong of ['X', 'a|a', 'a|b|c']) assert.throws(() => booleanConversion(wrong), /two different words/);
  });
});

describe('texts', () => {
  it('reads scalars, never objects', () => {
    assert.deepEqual([textOf(1.5), textOf(-0), textOf(true), textOf(5n)], ['1.5', '0', 'true', '5']);
    for (const value of [{}, [], Number.NaN, () => 1]) refused(() => textOf(value), 'PCP_VALUE_TYPE', 'string');
  });

  it('pads and strips', () => {
    assert.equal(padText('4711', { length: 8, with: '0' }), '00004711');
    assert.equal(padText('ab', { length: 4, side: 'end' }), 'ab  ');
    assert.equal(padText('123456', { length: 4, with: '0' }), '123456');
    assert.equal(stripText('00004711', { length: 8, with: '0' }), '4711');
    assert.equal(stripText('0000', { length: 8, with: '0' }), '0');
    assert.equal(stripText('ab  ', { length: 4, side: 'end' }), 'ab');
  });
});

describe('json values', () => {
  it('parses text and copies values', () => {
    assert.deepEqual(jsonOf('{"a":[1,null]}'), { a: [1, null] });
    assert.deepEqual(jsonOf({ a: new Date(0), b: 5n, c: undefined }), { a: '1970-01-01T00:00:00.000Z', b: '5' });
    assert.deepEqual(jsonOf('{"id":9007199254740993,"n":[1.50]}'), { id: '9007199254740993', n: [1.5] });
    assert.equal(jsonOf(' '), undefined);
  });

  it('refuses what is no JSON, too deep, or holds __proto__', () => {
    refused(() => jsonOf('{"a":'), 'PCP_VALUE_TYPE', 'json');
    refused(() => jsonOf({ a: () => 1 }), 'PCP_VALUE_TYPE', 'json');
    refused(() => jsonOf('{"a":{"__proto__":{"polluted":1}}}'), 'PCP_VALUE_TYPE', 'unsafe_key');
    refused(() => jsonOf(`${'['.repeat(100)}${']'.repeat(100)}`), 'PCP_VALUE_RANGE', 'json_depth');
  });
});
