import assert from 'node:assert/strict';
import { parseIdocs } from '../../../lib/protocols/idoc/parse';
import type { IdocType } from '../../../lib/protocols/idoc/types';
import { idocXml } from '../../../lib/protocols/idoc/write';

const TYPE: IdocType = {
  type: 'ZORDERS01',
  message: 'ZORDERS',
  direction: 'in',
  segments: [
    { name: 'E1HEAD', fields: { MATNR: 18, TEXT: 40 }, segments: [{ name: 'Z1OWN', fields: { ZZCOLOR: 10, E1X: 5 } }] },
  ],
};
const document = (segments: string, type = 'ZORDERS01') =>
  `<${type}><IDOC BEGIN="1"><EDI_DC40 SEGMENT="1"><IDOCTYP>${type}</IDOCTYP></EDI_DC40>${segments}</IDOC></${type}>`;
const dataOf = (segments: string, type?: string) => parseIdocs(document(segments, type), [TYPE])[0]!.data;

describe('idocs', () => {
  it("keep the fields of a customer's own segments, whatever they are called", () => {
    const own = '<Z1OWN SEGMENT="1"><ZZCOLOR>RED</ZZCOLOR><E1X>7</E1X></Z1OWN>';
    const expected = { ZZCOLOR: 'RED', E1X: '7' };
    assert.deepEqual(dataOf(`<E1HEAD SEGMENT="1"><MATNR>1</MATNR>${own}</E1HEAD>`), {
      E1HEAD: { MATNR: '1', Z1OWN: expected },
    });
    assert.deepEqual(dataOf(own, 'UNKNOWN'), { Z1OWN: [expected] });
    assert.deepEqual(dataOf('<Z1OWN><ZZCOLOR/><E1INNER><A>1</A></E1INNER></Z1OWN>', 'UNKNOWN'), {
      Z1OWN: [{ ZZCOLOR: '', E1INNER: [{ A: '1' }] }],
    });
  });

  it('are refused where a segment comes again that the type has once: neither is the one', () => {
    const twice = '<E1HEAD SEGMENT="1"><MATNR>1</MATNR></E1HEAD><E1HEAD SEGMENT="1"><MATNR>2</MATNR></E1HEAD>';
    assert.throws(() => dataOf(twice), { code: 'PCP_IDOC_INVALID', message: /E1HEAD/ });
    assert.equal((dataOf(twice, 'UNKNOWN').E1HEAD as unknown[]).length, 2);
  });

  it('may have very many segments', () => {
    // One by one this takes a moment; where each is copied with all before it, minutes.
    const many = dataOf('<E1POS SEGMENT="1"><A>1</A></E1POS>'.repeat(200_000), 'UNKNOWN');
    assert.equal((many.E1POS as unknown[]).length, 200_000);
  });

  it('hold every character that a field has, or are refused', () => {
    const xml = idocXml(TYPE, {}, { E1HEAD: { TEXT: 'a\r\nb\tç <&> 🏭' } });
    assert.deepEqual(parseIdocs(xml, [TYPE])[0]!.data, { E1HEAD: { TEXT: 'a\r\nb\tç <&> 🏭' } });
    for (const text of ['a\u0000b', 'a\u0008b', 'a\ufffeb', 'a\ud83cb']) {
      assert.throws(() => idocXml(TYPE, {}, { E1HEAD: { TEXT: text } }), {
        code: 'PCP_IDOC_VALUE',
        path: 'E1HEAD.TEXT',
      });
    }
  });

  it('have no field but those of their type', () => {
    for (const name of ['OTHER', 'toString', 'constructor']) {
      assert.throws(() => idocXml(TYPE, {}, { E1HEAD: { [name]: 'x' } }), { code: 'PCP_IDOC_VALUE' });
    }
  });
});
