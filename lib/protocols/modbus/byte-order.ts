import { configError } from './errors';

/** Where each byte of a value, highest first, stands among the bytes of its registers; null: just as they come. */
export type ByteOrder = readonly number[] | null;

/**
 * Orders of 2, 4 and 8 bytes, named by the bytes as they come (A is the highest): ABCD is big-endian, CDAB has its words
 * swapped, BADC its bytes, DCBA both. Those four words name the same order for every size; for 8 bytes any order of A to H
 * can be said.
 * @throws config PCP_MODBUS_TAG
 */
export function byteOrder(name: string, size: number, where: string): ByteOrder {
  const places = Array.from({ length: size }, (_, place) => place);
  switch (name) {
    case 'ABCD':
      return null;
    case 'BADC':
      return size === 1 ? null : places.map((place) => place ^ 1);
    case 'CDAB':
      return size < 4 ? null : places.map((place) => (size - 2 - (place & ~1)) | (place & 1));
    case 'DCBA':
      return places.toReversed();
  }
  const order = places.map((place) => name.indexOf(String.fromCharCode(65 + place)));
  if (name.length !== size || order.includes(-1)) {
    throw configError(
      'PCP_MODBUS_TAG',
      `${where}: "${name}" is no byte order of ${size} bytes.`,
      'Use ABCD (big-endian), CDAB (words swapped), BADC (bytes swapped), DCBA (little-endian), or the first letters of A to H in the order in which the bytes come.',
    );
  }
  return order;
}

/** The bytes, highest first. */
export function ordered(data: Buffer, order: ByteOrder): Buffer {
  return order === null ? data : Buffer.from(order.map((place) => data[place] as number));
}

/** What `ordered` undoes. */
export function disordered(bytes: Buffer, order: ByteOrder): Buffer {
  if (order === null) return bytes;
  const data = Buffer.alloc(bytes.length);
  order.forEach((place, index) => {
    data[place] = bytes[index] as number;
  });
  return data;
}
