import { isAscii, isUtf8 } from 'node:buffer';
import { IntegrationError } from '../../model/errors';
import { type Phrase, phrase } from '../../model/phrase';

export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'iso-8859-1'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** What can be read; ASCII only where an XML declaration names it. */
type Decoded = Encoding | 'us-ascii';

/** Code points of the bytes 0x80 to 0x9F in windows-1252; 0 = undefined there. */
const WINDOWS_1252_HIGH = [
  0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0, 0,
  0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178,
];
const WINDOWS_1252_BYTES = new Map(WINDOWS_1252_HIGH.map((code, index) => [code, 0x80 + index] as const));
WINDOWS_1252_BYTES.delete(0);

/** The C1 control characters, whose bytes windows-1252 uses for others. */
const C1 = /[\u0080-\u009f]/g;
const NOT_LATIN1 = /[\u0100-\uffff]/;

/**
 * Decodes a stream of bytes piece by piece, strictly: what is not valid in the encoding is an error that names its byte,
 * never a replacement character.
 */
export class StrictDecoder {
  readonly #encoding: Decoded;
  readonly #fileName: string;
  /** Bytes of a character that is cut by the end of a piece. */
  #pending: Buffer = Buffer.alloc(0);
  #offset: number;

  /** @param offset of the first byte that will come, for messages */
  constructor(encoding: Decoded, fileName: string, offset: number) {
    this.#encoding = encoding;
    this.#fileName = fileName;
    this.#offset = offset;
  }

  /** @throws data PCP_FILE_ENCODING */
  write(piece: Buffer): string {
    const bytes = this.#pending.length === 0 ? piece : Buffer.concat([this.#pending, piece]);
    const complete = bytes.length - this.#incompleteTail(bytes);
    // Copied: the caller may use the memory of the piece again.
    this.#pending = complete === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(complete));
    const text = this.#decode(bytes.subarray(0, complete));
    this.#offset += complete;
    return text;
  }

  /** @throws data PCP_FILE_ENCODING when the file ends inside a character */
  end(): void {
    if (this.#pending.length > 0) throw this.#invalid(0, phrase`the file ends inside a character`);
  }

  #incompleteTail(bytes: Buffer): number {
    switch (this.#encoding) {
      case 'utf-8':
        return incompleteUtf8(bytes);
      case 'utf-16le':
      case 'utf-16be':
        return incompleteUtf16(bytes, this.#encoding === 'utf-16be');
      default:
        return 0;
    }
  }

  #decode(bytes: Buffer): string {
    if (bytes.length === 0) return '';
    switch (this.#encoding) {
      case 'utf-8':
        if (isAscii(bytes)) return bytes.toString('latin1');
        if (!isUtf8(bytes)) throw this.#invalid(firstInvalidUtf8(bytes), phrase`the byte is not valid UTF-8`);
        return bytes.toString('utf8');
      case 'utf-16le':
      case 'utf-16be': {
        const text =
          this.#encoding === 'utf-16be' ? Buffer.from(bytes).swap16().toString('utf16le') : bytes.toString('utf16le');
        if (!text.isWellFormed()) throw this.#invalid(firstLoneSurrogate(text) * 2, phrase`half a surrogate pair`);
        return text;
      }
      case 'windows-1252': {
        const text = bytes.toString('latin1');
        if (isAscii(bytes)) return text;
        return text.replace(C1, (character: string, index: number) => {
          const code = WINDOWS_1252_HIGH[character.charCodeAt(0) - 0x80]!;
          if (code === 0) throw this.#invalid(index, phrase`the byte is not defined in windows-1252`);
          return String.fromCharCode(code);
        });
      }
      case 'iso-8859-1':
        return bytes.toString('latin1');
      case 'us-ascii':
        if (!isAscii(bytes)) {
          const index = bytes.findIndex((byte) => byte > 0x7f);
          throw this.#invalid(index, phrase`the byte is not ASCII, as the file says it is`);
        }
        return bytes.toString('latin1');
    }
  }

  #invalid(index: number, what: Phrase): IntegrationError {
    const said = phrase`${this.#fileName}: ${what} (byte ${this.#offset + index}), read as ${this.#encoding}.`;
    const hint = `Set the encoding the file is really written in (${ENCODINGS.join(', ')}).`;
    return new IntegrationError('data', 'PCP_FILE_ENCODING', said, { hint });
  }
}

/** The encoding that a byte order mark at the start of a file names, and its length. */
export function byteOrderMark(head: Buffer): { encoding: Encoding; length: number } | null {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return { encoding: 'utf-8', length: 3 };
  if (head[0] === 0xff && head[1] === 0xfe) return { encoding: 'utf-16le', length: 2 };
  if (head[0] === 0xfe && head[1] === 0xff) return { encoding: 'utf-16be', length: 2 };
  return null;
}

/** Names in XML declarations, without what spellings differ in. */
const DECLARED = new Map<string, Decoded>([
  ...ENCODINGS.map((encoding) => [plainName(encoding), encoding] as const),
  ['cp1252', 'windows-1252'],
  ['latin1', 'iso-8859-1'],
  ['usascii', 'us-ascii'],
  ['ascii', 'us-ascii'],
]);

/**
 * The encoding that an XML declaration names, or null when there is none.
 * @throws data PCP_FILE_ENCODING for one that cannot be read here, or in which the declaration itself is not written
 */
export function xmlDeclaredEncoding(head: Buffer, fileName: string): Decoded | null {
  const [, declared] =
    /^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([^"']{1,80})["']/.exec(head.toString('latin1', 0, 200)) ?? [];
  if (declared === undefined) return null;
  const encoding = DECLARED.get(plainName(declared));
  if (encoding !== undefined && !encoding.startsWith('utf-16')) return encoding;
  const what = encoding === undefined ? phrase`which is not known here` : phrase`which it is not written in`;
  throw new IntegrationError('data', 'PCP_FILE_ENCODING', phrase`${fileName}: it declares "${declared}", ${what}.`, {
    hint: `Set "encoding" of the entity to the one the file is really written in (${ENCODINGS.join(', ')}).`,
  });
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '');
}

/** @returns the first character that the encoding cannot write, or null */
export function unencodable(text: string, encoding: Encoding): string | null {
  if (encoding === 'iso-8859-1') return NOT_LATIN1.exec(text)?.[0] ?? null;
  if (encoding === 'windows-1252') {
    for (const character of text) {
      const code = character.codePointAt(0)!;
      const isPlain = code < 0x80 || (code >= 0xa0 && code <= 0xff);
      if (!isPlain && !WINDOWS_1252_BYTES.has(code)) return character;
    }
    return null;
  }
  return text.isWellFormed() ? null : '\ufffd';
}

/** @param text without characters that `unencodable` names */
export function encode(text: string, encoding: Encoding): Buffer {
  switch (encoding) {
    case 'utf-8':
      return Buffer.from(text, 'utf8');
    case 'utf-16le':
      return Buffer.from(text, 'utf16le');
    case 'utf-16be':
      return Buffer.from(text, 'utf16le').swap16();
    case 'windows-1252':
      return Buffer.from(
        text.replace(/[\u0100-\uffff]/g, (character) => {
          return String.fromCharCode(WINDOWS_1252_BYTES.get(character.charCodeAt(0)) ?? 0x3f);
        }),
        'latin1',
      );
    case 'iso-8859-1':
      return Buffer.from(text, 'latin1');
  }
}

/** Bytes at the end that are the beginning of a character. */
export function incompleteUtf8(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? back : 0;
  }
  return 0;
}

function incompleteUtf16(bytes: Buffer, bigEndian: boolean): number {
  const odd = bytes.length % 2;
  const last = bytes.length - odd - 2;
  if (last < 0) return odd;
  const unit = bigEndian ? bytes.readUInt16BE(last) : bytes.readUInt16LE(last);
  return odd + (unit >= 0xd800 && unit <= 0xdbff ? 2 : 0);
}

/** Index of the first byte of the first invalid sequence, by halving: a prefix is valid or only cut. */
function firstInvalidUtf8(bytes: Buffer): number {
  let valid = 0;
  let invalid = bytes.length;
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1;
    const prefix = bytes.subarray(0, middle);
    if (isUtf8(prefix.subarray(0, middle - incompleteUtf8(prefix)))) valid = middle;
    else invalid = middle;
  }
  return valid - incompleteUtf8(bytes.subarray(0, valid));
}

function firstLoneSurrogate(text: string): number {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0xd800 || code > 0xdfff) continue;
    const next = text.charCodeAt(index + 1);
    if (code > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return index;
    index++;
  }
  return 0;
}
