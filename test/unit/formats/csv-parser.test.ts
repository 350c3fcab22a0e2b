import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { type CsvOptions, CsvParser } from '../../../lib/protocols/formats/csv-parser';
import { parsePieces, sharedData } from '../file/support';

const DEFAULTS: CsvOptions = { delimiter: ',', quote: '"', header: true, columns: undefined, comment: '' };
const LIMIT = 1000;

function parse(text: string, options: Partial<CsvOptions> = {}, pieceLength = text.length || 1) {
  const context = { fileName: 'a.csv', maxRecordLength: LIMIT };
  return parsePieces(text, pieceLength, (sink) => new CsvParser({ ...DEFAULTS, ...options }, context, sink));
}

const refusal = (text: string, options: Partial<CsvOptions> = {}, pieceLength?: number) => {
  try {
    parse(text, options, pieceLength);
  } catch (thrown) {
    return thrown as { code: string; message: string };
  }
  return assert.fail(`${JSON.stringify(text)} was accepted`);
};

describe('CSV parser', () => {
  const CASES: { name: string; text: string; options?: Partial<CsvOptions>; records: Record<string, string>[] }[] = [
    {
      name: 'LF and CRLF rows',
      text: 'a,b\n1,2\r\n3,4',
      records: [
        { a: '1', b: '2' },
        { a: '3', b: '4' },
      ],
    },
    {
      name: 'doubled quotes, delimiters and line ends inside quotes',
      text: 'a,b\n"x ""y"", z","1\r\n2"\n',
      records: [{ a: 'x "y", z', b: '1\r\n2' }],
    },
    {
      name: 'literal quotes inside an unquoted field',
      text: 'a,b\n3" pipe,x"y\n',
      records: [{ a: '3" pipe', b: 'x"y' }],
    },
    { name: 'empty fields and blanks kept', text: 'a,b,c\n,"", x \n', records: [{ a: '', b: '', c: ' x ' }] },
    { name: 'empty lines skipped', text: 'a\n\n1\r\n\r\n2\n\n', records: [{ a: '1' }, { a: '2' }] },
    {
      name: 'comments, also with quotes in them',
      text: '#x "y\na\n# 2\n1\n',
      options: { comment: '#' },
      records: [{ a: '1' }],
    },
    {
      name: 'long delimiters',
      text: 'a||b\n"1"||2\nx|y||z\n',
      options: { delimiter: '||' },
      records: [
        { a: '1', b: '2' },
        { a: 'x|y', b: 'z' },
      ],
    },
    {
      name: 'no quotes at all',
      text: 'a\tb\n"1\t2"\n',
      options: { delimiter: '\t', quote: '' },
      records: [{ a: '"1', b: '2"' }],
    },
    {
      name: 'given columns without a header',
      text: '1,2\n',
      options: { header: false, columns: ['x', 'y'] },
      records: [{ x: '1', y: '2' }],
    },
    {
      name: 'given columns in place of the header',
      text: 'a,b\n1,2\n',
      options: { columns: ['x', 'y'] },
      records: [{ x: '1', y: '2' }],
    },
    {
      name: 'neither header nor columns',
      text: '1,2\n',
      options: { header: false },
      records: [{ column_1: '1', column_2: '2' }],
    },
    { name: 'a quoted last field without a line end', text: 'a,b\n1,"2"', records: [{ a: '1', b: '2' }] },
    { name: 'a header alone', text: 'a,b\n', records: [] },
    { name: 'nothing', text: '', records: [] },
  ];

  for (const { name, text, options, records } of CASES) {
    it(`reads ${name}, however the pieces fall`, () => {
      for (let length = 1; length <= Math.max(1, text.length); length++) {
        assert.deepEqual(parse(text, options, length).records, records, `pieces of ${length}`);
      }
    });
  }

  it('numbers the lines that records start at', () => {
    assert.deepEqual(parse('#c\na\n1\n\n"2\n2"\n3\n', { comment: '#' }).places, [3, 5, 7]);
    assert.deepEqual(parse('#c\na\n1\n\n"2\n2"\n3\n', { comment: '#' }, 1).places, [3, 5, 7]);
  });

  it('refuses rows with too few or too many fields, naming file and line', () => {
    for (const row of ['1', '1,2,3', '"1"', '"1","2","3"', '1,2,']) {
      const error = refusal(`a,b\nx,y\n${row}\n`);
      assert.equal(error.code, 'PCP_CSV_RAGGED_ROW', row);
      assert.match(error.message, /^a\.csv:3: the row has \d fields, expected 2/);
    }
  });

  it('refuses unclosed quotes and text after a closing quote', () => {
    const unclosed = refusal('a,b\n1,"2\n3,4\n');
    assert.equal(unclosed.code, 'PCP_CSV_UNCLOSED_QUOTE');
    assert.match(unclosed.message, /a\.csv:2/);
    for (const length of [1, 3, 100]) assert.equal(refusal('a,b\n"1"x,2\n', {}, length).code, 'PCP_CSV_QUOTE');
  });

  it('refuses columns that are double or reserved', () => {
    assert.equal(refusal('a,a\n1,2\n').code, 'PCP_CSV_HEADER');
    assert.equal(refusal('a,__proto__\n1,2\n').code, 'PCP_CSV_HEADER');
  });

  it('takes a record of the largest size and refuses one beyond it', () => {
    for (const wrap of ['', '"']) {
      const room = LIMIT - 2 * wrap.length - wrap.length;
      assert.equal(parse(`a\n${wrap}${'x'.repeat(room)}${wrap}\n`, {}, 64).records.length, 1);
      assert.equal(refusal(`a\n${wrap}${'x'.repeat(LIMIT + 1)}${wrap}\n`, {}, 64).code, 'PCP_RECORD_TOO_LARGE');
      assert.equal(refusal(`a\n${wrap}${'x'.repeat(LIMIT + 1)}${wrap}\n`).code, 'PCP_RECORD_TOO_LARGE');
    }
  });

  it('reads back any table, quoted or plain, in any pieces', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é', '😀'), maxLength: 6 });
    const table = fc.array(fc.tuple(cell, cell, cell), { maxLength: 8 });
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 30 }), fc.boolean(), (rows, pieceLength, quoteAll) => {
        const spell = (value: string) =>
          quoteAll || /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
        const text = ['x,y,z', ...rows.map((row) => row.map(spell).join(','))].join('\r\n');
        const expected = rows.map(([x, y, z]) => ({ x, y, z }));
        assert.deepEqual(parse(text, {}, pieceLength).records, expected);
      }),
      { numRuns: 500 },
    );
  });

  const spectrum = sharedData('corpora/csv-spectrum');
  (spectrum ? it : it.skip)('passes csv-spectrum', () => {
    for (const name of readdirSync(join(spectrum!, 'csvs'))) {
      const text = readFileSync(join(spectrum!, 'csvs', name), 'utf8');
      const expected: unknown = JSON.parse(readFileSync(join(spectrum!, 'json', name.replace(/csv$/, 'json')), 'utf8'));
      for (const length of [1, 7, 10_000]) assert.deepEqual(parse(text, {}, length).records, expected, name);
    }
  });
});
