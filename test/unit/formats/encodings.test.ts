import assert from 'node:assert/strict';
import {
  byteOrderMark,
  ENCODINGS,
  type Encoding,
  encode,
  StrictDecoder,
  unencodable,
  xmlDeclaredEncoding,
} from '../../../lib/protocols/formats/encodings';

function decode(bytes: Buffer, encoding: Encoding, pieceLength = bytes.length || 1): string {
  const decoder = new StrictDecoder(encoding, 'a.csv', 0);
  let text = '';
  for (let at = 0; at < bytes.length; at += pieceLength) text += decoder.write(bytes.subarray(at, at + pieceLength));
  decoder.end();
  return text;
}

describe('encodings', () => {
  const TEXTS: Record<Encoding, string> = {
    'utf-8': 'Peça € 😀 ß',
    'utf-16le': 'Peça € 😀 ß',
    'utf-16be': 'Peça € 😀 ß',
    'windows-1252': 'Peça € “x” Œ – ÿ',
    'iso-8859-1': 'Peça § ÿ \u0085',
  };

  for (const encoding of ENCODINGS) {
    it(`${encoding}: reads what it writes, in pieces of any length`, () => {
      const bytes = encode(TEXTS[encoding], encoding);
      assert.equal(unencodable(TEXTS[encoding], encoding), null);
      for (let length = 1; length <= bytes.length; length++)
        assert.equal(decode(bytes, encoding, length), TEXTS[encoding]);
    });
  }

  it('agrees with the platform on windows-1252', () => {
    assert.deepEqual([...encode('€ƒž', 'windows-1252')], [0x80, 0x83, 0x9e]);
    assert.equal(decode(Buffer.from([0x80, 0x83, 0x9e, 0xe7]), 'windows-1252'), '€ƒžç');
  });

  it('names the byte that does not fit the encoding', () => {
    const CASES: [Encoding, Buffer, number][] = [
      ['utf-8', Buffer.from('abc\xe7def', 'latin1'), 3],
      ['utf-8', Buffer.from([0x61, 0xed, 0xa0, 0x80, 0x61]), 1],
      ['utf-8', Buffer.from([0x61, 0xc3]), 1],
      ['utf-16le', Buffer.from([0x61, 0, 0x00, 0xdc, 0x61, 0]), 2],
      ['utf-16be', Buffer.from([0, 0x61, 0xd8]), 2],
      ['windows-1252', Buffer.from([0x61, 0x62, 0x81]), 2],
    ];
    for (const [encoding, bytes, offset] of CASES) {
      for (const length of [1, 2, 100]) {
        assert.throws(
          () => decode(bytes, encoding, length),
          (thrown: Error & { code?: string }) =>
            thrown.code === 'PCP_FILE_ENCODING' && thrown.message.includes(`(byte ${offset})`),
          `${encoding} ${bytes.toString('hex')} by ${length}`,
        );
      }
    }
  });

  it('names the character that an encoding cannot write', () => {
    assert.equal(unencodable('a😀b', 'windows-1252'), '😀');
    assert.equal(unencodable('a€b', 'iso-8859-1'), '€');
    assert.equal(unencodable('a\u0081', 'windows-1252'), '\u0081');
    assert.notEqual(unencodable('\ud800', 'utf-8'), null);
  });

  it('sees byte order marks and XML declarations', () => {
    assert.deepEqual(byteOrderMark(Buffer.from('\ufeffa')), { encoding: 'utf-8', length: 3 });
    assert.deepEqual(byteOrderMark(Buffer.from('\ufeffa', 'utf16le')), { encoding: 'utf-16le', length: 2 });
    assert.equal(byteOrderMark(Buffer.from('a')), null);
    assert.equal(
      xmlDeclaredEncoding(Buffer.from(`<?xml version="1.0" encoding='ISO-8859-1'?>`), 'a.xml'),
      'iso-8859-1',
    );
    assert.equal(xmlDeclaredEncoding(Buffer.from('<?xml version="1.0" encoding="UTF-8"?>'), 'a.xml'), 'utf-8');
    assert.equal(xmlDeclaredEncoding(Buffer.from('<a encoding="utf-8"/>'), 'a.xml'), null);
    for (const name of ['ebcdic-cp-us', 'iso-8859-15', 'UTF-16', 'no such']) {
      assert.throws(() => xmlDeclaredEncoding(Buffer.from(`<?xml version="1.0" encoding="${name}"?>`), 'a.xml'), {
        code: 'PCP_FILE_ENCODING',
        class: 'data',
      });
    }
  });
});
