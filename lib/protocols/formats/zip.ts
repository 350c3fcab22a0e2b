import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';

export interface ArchivedFile {
  name: string;
  content: Buffer;
}

/** An archive that is broken, or larger than it may be; the message goes on after "The archive ". */
export class ArchiveProblem extends Error {}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 65_535;
const VERSION = 20;
const UTF8_NAMES = 0x0800;
const ENCRYPTED = 0x0001;
const STORED = 0;
const DEFLATED = 8;
/** 1 January 1980, the earliest that an archive can name. */
const NO_DATE = 0x0021;

/** The same files give the same bytes. */
export function zip(files: readonly ArchivedFile[]): Buffer {
  const pieces: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content } of files) {
    const packed = deflateRawSync(content);
    const nameBytes = Buffer.from(name);
    // What both headers say of a file.
    const facts = numbers([
      [2, VERSION],
      [2, UTF8_NAMES],
      [2, DEFLATED],
      [2, 0],
      [2, NO_DATE],
      [4, crc32(content)],
      [4, packed.length],
      [4, content.length],
      [2, nameBytes.length],
      [2, 0],
    ]);
    const local = [numbers([[4, LOCAL]]), facts, nameBytes, packed];
    pieces.push(...local);
    const place = numbers([
      [2, 0],
      [2, 0],
      [2, 0],
      [4, 0],
      [4, offset],
    ]);
    directory.push(
      numbers([
        [4, CENTRAL],
        [2, VERSION],
      ]),
      facts,
      place,
      nameBytes,
    );
    offset += local.reduce((bytes, piece) => bytes + piece.length, 0);
  }
  const listed = Buffer.concat(directory);
  const end = numbers([
    [4, END],
    [2, 0],
    [2, 0],
    [2, files.length],
    [2, files.length],
    [4, listed.length],
    [4, offset],
    [2, 0],
  ]);
  return Buffer.concat([...pieces, listed, end]);
}

/**
 * The files of an archive, by their directory.
 * @param mostBytes of all of them, unpacked
 * @throws ArchiveProblem
 */
export function unzip(archive: Buffer, mostBytes: number): ArchivedFile[] {
  try {
    return filesOf(archive, mostBytes);
  } catch (thrown) {
    if (thrown instanceof ArchiveProblem) throw thrown;
    throw new ArchiveProblem('is broken', { cause: thrown });
  }
}

function filesOf(archive: Buffer, mostBytes: number): ArchivedFile[] {
  const end = endOf(archive);
  const files: ArchivedFile[] = [];
  let left = mostBytes;
  let at = archive.readUInt32LE(end + 16);
  for (let count = archive.readUInt16LE(end + 10); count > 0; count--) {
    if (archive.readUInt32LE(at) !== CENTRAL) throw new ArchiveProblem('has no directory');
    const size = archive.readUInt32LE(at + 24);
    const nameLength = archive.readUInt16LE(at + 28);
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength);
    left -= size;
    if (left < 0) throw new ArchiveProblem(`holds more than ${mostBytes} bytes`);
    if (!name.endsWith('/')) files.push({ name, content: contentOf(archive, at, name) });
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return files;
}

/** @param entry where the directory tells about the file */
function contentOf(archive: Buffer, entry: number, name: string): Buffer {
  const [flags, method] = [archive.readUInt16LE(entry + 8), archive.readUInt16LE(entry + 10)];
  if ((flags & ENCRYPTED) !== 0) throw new ArchiveProblem('is encrypted');
  const [checksum, packedSize, size] = [16, 20, 24].map((field) => archive.readUInt32LE(entry + field));
  const local = archive.readUInt32LE(entry + 42);
  if (archive.readUInt32LE(local) !== LOCAL) throw new ArchiveProblem(`has no file "${name}"`);
  const begin = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  const packed = archive.subarray(begin, begin + packedSize!);
  if (method !== STORED && method !== DEFLATED) throw new ArchiveProblem('is packed in a way that is not known here');
  // More than it says of itself is not unpacked.
  const content = method === STORED ? packed : inflateRawSync(packed, { maxOutputLength: Math.max(1, size!) });
  if (content.length !== size || crc32(content) !== checksum) throw new ArchiveProblem(`holds "${name}" broken`);
  return content;
}

function endOf(archive: Buffer): number {
  const first = Math.max(0, archive.length - END_BYTES - LONGEST_COMMENT);
  for (let at = archive.length - END_BYTES; at >= first; at--) if (archive.readUInt32LE(at) === END) return at;
  throw new ArchiveProblem('has no directory: it was cut off, or is none');
}

/** Little-endian numbers of so many bytes. */
function numbers(fields: readonly (readonly [bytes: 2 | 4, value: number])[]): Buffer {
  const buffer = Buffer.alloc(fields.reduce((total, [bytes]) => total + bytes, 0));
  let at = 0;
  for (const [bytes, value] of fields) at = buffer.writeUIntLE(value, at, bytes);
  return buffer;
}
