import assert from 'node:assert/strict';
import { XmlParser } from '../../../lib/protocols/formats/xml-parser';
import { parsePieces } from '../file/support';

const context = { fileName: 'a.xml', maxRecordLength: 1000 };
const parse = (text: string, recordElement: string, pieceLength = text.length, stripPrefix = true) =>
  parsePieces(text, pieceLength, (sink) => new XmlParser({ recordElement, stripPrefix }, context, sink));

const refusal = (text: string, recordElement = 'o', pieceLength?: number) => {
  try {
    parse(text, recordElement, pieceLength);
  } catch (thrown) {
    return thrown as { code: string; message: string };
  }
  return assert.fail(`${text.slice(0, 50)} was accepted`);
};

describe('XML parser', () => {
  it('gives attributes, text, nested and repeated elements, however the pieces fall', () => {
    const text = `<?xml version="1.0"?>
<n:os xmlns:n="urn:n" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><head>x</head>
<n:o id="000123" n:k="v"><n:q unit="kg"> 12.50 </n:q><i>1</i><i><![CDATA[<2>]]></i><e/><z xsi:nil="true"/><t> a &amp; &#66; </t></n:o>
<n:o><c><d>1</d></c></n:o></n:os>`;
    const records = [
      {
        '@id': '000123',
        '@k': 'v',
        q: { '@unit': 'kg', '#text': '12.50' },
        i: ['1', '<2>'],
        e: '',
        z: null,
        t: ' a & B ',
      },
      { c: { d: '1' } },
    ];
    for (const name of ['o', 'os/o']) {
      for (let length = 1; length <= text.length; length += 3) {
        assert.deepEqual(parse(text, name, length), { records, places: [3, 4] }, `${name}, pieces of ${length}`);
      }
    }
    assert.deepEqual(Object.keys(parse(text, 'n:o', text.length, false).records[0]!).slice(0, 3), [
      '@id',
      '@n:k',
      'n:q',
    ]);
  });

  it('takes each child of the root when no element is named, and only the path that is named', () => {
    assert.deepEqual(parse('<r><a><x>1</x></a><b>t</b></r>', '').records, [{ x: '1' }, { '#text': 't' }]);
    assert.deepEqual(parse('<r><o><x>1</x></o><p><o><x>2</x></o></p></r>', 'r/p/o').records, [{ x: '2' }]);
  });

  it('takes an empty list for one, and elements of other names for an error', () => {
    for (const [text, name] of [
      ['<r/>', ''],
      ['<r> </r>', 'o'],
      ['<r/>', 'r/o'],
      ['<e><head/><os/></e>', 'e/os/o'],
    ] as const) {
      assert.deepEqual(parse(text, name).records, [], text);
    }
    for (const [text, name] of [
      ['<r><Order/></r>', 'Ordre'],
      ['<r><Order/></r>', 'r/Ordre'],
      ['<r><o/></r>', 'q/o'],
      ['<e><oss/></e>', 'e/os/o'],
      ['<e><os><p/></os></e>', 'e/os/o'],
    ] as const) {
      assert.equal(refusal(text, name).code, 'PCP_XML_PATH', text);
    }
  });

  it('refuses truncated and malformed documents, naming the line', () => {
    for (const text of [
      '<os>\n<o><a>1</a></o>\n<o><a>1',
      '<os>\n<o>\n</a></o></os>',
      '<os>\n\n<o a=1/></os>',
      '<os/>\n\nx',
    ]) {
      for (const length of [1, 1000]) {
        const error = refusal(text, 'o', length);
        assert.equal(error.code, 'PCP_XML_INVALID', text);
        assert.match(error.message, /^a\.xml:3: /);
      }
    }
  });

  it('refuses a DOCTYPE, so that no entity expands', () => {
    const bomb = '<!DOCTYPE o [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><os><o>&b;</o></os>';
    for (const length of [1, 1000]) assert.equal(refusal(bomb, 'o', length).code, 'PCP_XML_DOCTYPE');
    assert.equal(refusal('<!DOCTYPE o SYSTEM "file:///etc/passwd"><os/>').code, 'PCP_XML_DOCTYPE');
  });

  it('refuses deep nesting, large records and reserved names', () => {
    assert.equal(refusal(`<os>${'<a>'.repeat(101)}`).code, 'PCP_XML_DEPTH');
    assert.equal(refusal('<os><o><__proto__>1</__proto__></o></os>').code, 'PCP_XML_NAME');
    for (const length of [50, 5000]) {
      assert.equal(refusal(`<os><o><a>${'x'.repeat(1001)}</a></o></os>`, 'o', length).code, 'PCP_RECORD_TOO_LARGE');
    }
    assert.equal(parse(`<os>${'<o><a>1</a></o>'.repeat(500)}</os>`, 'o', 5000).records.length, 500);
  });
});
