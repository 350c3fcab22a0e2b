import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseExactJson } from '../../../lib/model/exact-json';
import { JsonParser } from '../../../lib/protocols/formats/json-parser';
import { NdjsonParser } from '../../../lib/protocols/formats/ndjson-parser';
import { parsePieces, sharedData } from '../file/support';

const context = { fileName: 'a.json', maxRecordLength: 1000 };
const parseJson = (text: string, path = '', pieceLength = text.length || 1) =>
  parsePieces(text, pieceLength, (sink) => new JsonParser(path === '' ? [] : path.split('.'), context, sink));
const parseNdjson = (text: string, pieceLength = text.length || 1) =>
  parsePieces(text, pieceLength, (sink) => new NdjsonParser(context, sink));

const refusal = (work: () => unknown) => {
  try {
    work();
  } catch (thrown) {
    return thrown as { code: string; message: string };
  }
  return assert.fail('accepted');
};

describe('JSON parser', () => {
  it('reads the array at the top or at a path, however the pieces fall', () => {
    const items = '[ {"a": "x]}\\"", "b": [1, {"c": null}]} , {"a": "\\\\"} ]';
    const records = [{ a: 'x]}"', b: [1, { c: null }] }, { a: '\\' }];
    for (const [path, text] of [
      ['', items],
      ['data.items', `{"meta": {"items": [1, "]", true, -1.5e3]}, "data": {"n": 2, "items": ${items}, "z": []}}\n`],
    ] as const) {
      for (let length = 1; length <= text.length; length++) {
        assert.deepEqual(parseJson(text, path, length), { records, places: [0, 1] }, `pieces of ${length}`);
      }
    }
  });

  it('takes one object in place of the array', () => {
    assert.deepEqual(parseJson('{"a": 1}').records, [{ a: 1 }]);
    assert.deepEqual(parseJson('{"order": {"a": 1}}', 'order').records, [{ a: 1 }]);
    assert.deepEqual(parseJson('[]').records, []);
  });

  it('keeps numbers exact that a binary float would change', () => {
    const text =
      '{"a":9007199254740993,"b":0.1234567890123456789,"c":1e999,"d":12.50,"e":1e-400,"f":123456789012345,"g":0.000,"h":4e-324,"i":5e-324}';
    const expected = {
      a: '9007199254740993',
      b: '0.1234567890123456789',
      c: '1e999',
      d: 12.5,
      e: '1e-400',
      f: 123456789012345,
      g: 0,
      h: '4e-324',
      i: 5e-324,
    };
    assert.deepEqual(parseExactJson(text), expected);
    assert.deepEqual(parseJson(`[${text}]`).records, [expected]);
    assert.deepEqual(parseNdjson(text).records, [expected]);
  });

  it('finds every number that needs care, wherever it stands', () => {
    const number = fc.stringMatching(/^-?(0|[1-9]\d{0,18})(\.\d{1,18})?([eE][+-]?\d{1,3})?$/);
    const other = fc.constantFrom('"6e1f-1E4a"', '"a, 1e5"', 'null', '{}', '9007199254740993');
    const space = fc.constantFrom('', ' ', '\n', '\t');
    const list = fc.array(fc.tuple(space, fc.oneof(number, other), space), { minLength: 1, maxLength: 4 });
    const parse = (json: string) => parseExactJson(json) as unknown[];
    fc.assert(
      fc.property(list, fc.boolean(), (parts, named) => {
        const members = parts.map(
          ([before, value, after], index) => `${named ? `"${index}":` : ''}${before}${value}${after}`,
        );
        const json = named ? `{${members}}` : `[${members}]`;
        // Beside one that needs care, every number is looked at.
        assert.deepEqual(parse(json), parse(`[${json},1e400]`)[0]);
        for (const [, value] of parts) assert.deepEqual(parse(value), parse(`[${value},1e400]`)[0]);
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses what is truncated, trailing, misplaced or not an object', () => {
    const CASES: [string, string, string][] = [
      ['[{"a":1},', '', 'PCP_JSON_TRUNCATED'],
      ['[{"a":1}', '', 'PCP_JSON_TRUNCATED'],
      ['[{"a":', '', 'PCP_JSON_TRUNCATED'],
      ['', '', 'PCP_JSON_TRUNCATED'],
      ['[{"a":1}] x', '', 'PCP_JSON_INVALID'],
      ['[{"a":1},]', '', 'PCP_JSON_INVALID'],
      ['[{"a":01}]', '', 'PCP_JSON_INVALID'],
      ['[1]', '', 'PCP_JSON_RECORD'],
      ['[[]]', '', 'PCP_JSON_RECORD'],
      ['"x"', '', 'PCP_JSON_PATH'],
      ['{"b":[]}', 'a', 'PCP_JSON_PATH'],
      ['{"a":[],"a":[]}', 'a', 'PCP_JSON_PATH'],
      [`[${'{"a":'.repeat(70)}1${'}'.repeat(70)}]`, '', 'PCP_JSON_DEPTH'],
      [`${'['.repeat(70)}${']'.repeat(70)}`, 'a', 'PCP_JSON_DEPTH'],
      [`[{"a":"${'x'.repeat(1001)}"}]`, '', 'PCP_RECORD_TOO_LARGE'],
    ];
    for (const [text, path, code] of CASES) {
      for (const length of [1, 5, 2000]) {
        assert.equal(refusal(() => parseJson(text, path, length)).code, code, `${text.slice(0, 40)} by ${length}`);
      }
    }
    const cut = refusal(() => parseJson('[{"a":1},{"a":', '', 5));
    assert.match(cut.message, /ends at character 14, after 1 whole records/);
    assert.match(refusal(() => parseJson('[{"a":1},{"a":x}]')).message, /a\.json\[1\]/);
  });

  it('reads back any array of objects in any pieces', () => {
    const records = fc.array(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), { maxLength: 5 });
    fc.assert(
      fc.property(records, fc.integer({ min: 1, max: 40 }), fc.constantFrom(0, 2), (values, pieceLength, indent) => {
        const text = JSON.stringify(values, null, indent);
        fc.pre(!/\d[eE.]|\d{15}|__proto__/.test(text) && text.length < 900);
        assert.deepEqual(parseJson(text, '', pieceLength).records, JSON.parse(text));
      }),
    );
  });

  const suite = sharedData('corpora/json-test-suite/test_parsing');
  (suite ? it : it.skip)('agrees with the JSON parsing test suite', () => {
    for (const name of readdirSync(suite!).filter((file) => /^[yn]_/.test(file))) {
      const bytes = readFileSync(join(suite!, name));
      let text: string;
      try {
        text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
      } catch {
        continue;
      }
      for (const length of [1, 3, 100_000]) {
        const read = () => parseJson(`{"skipped":[${text}],"records":[]}`, 'records', length);
        const where = `${name} in pieces of ${length}`;
        // Wrapped in an array, some of the suite's broken documents become valid: JSON.parse is the judge.
        if (isJson(`[${text}]`)) assert.doesNotThrow(read, where);
        else assert.throws(read, where);
      }
    }
  });
});

describe('NDJSON parser', () => {
  it('reads a record per line, skips blank ones and counts lines, however the pieces fall', () => {
    const text = '{"a":1}\r\n\n  \n{"a":"é\\n"}\n{"a":3}';
    for (let length = 1; length <= text.length; length++) {
      assert.deepEqual(parseNdjson(text, length), { records: [{ a: 1 }, { a: 'é\n' }, { a: 3 }], places: [1, 4, 5] });
    }
  });

  it('names the line of what it refuses', () => {
    const CASES: [string, string][] = [
      ['{"a":1}\n{"a":\n', 'PCP_JSON_INVALID'],
      ['{"a":1}\n[1]\n', 'PCP_JSON_RECORD'],
      ['{"a":1}\nnull', 'PCP_JSON_RECORD'],
      [`{"a":1}\n{"a":"${'x'.repeat(1000)}"}\n`, 'PCP_RECORD_TOO_LARGE'],
      [`{"a":1}\n${'{"a":'.repeat(70)}1${'}'.repeat(70)}`, 'PCP_JSON_DEPTH'],
    ];
    for (const [text, code] of CASES) {
      for (const length of [1, 2000]) {
        const error = refusal(() => parseNdjson(text, length));
        assert.equal(error.code, code, text.slice(0, 30));
        assert.match(error.message, /^a\.json:2: /);
      }
    }
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
