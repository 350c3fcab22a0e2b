/** Keys of an RFC 6901 pointer. */
export function pointerKeys(pointer: string): string[] {
  if (pointer === '') return [];
  const keys = pointer.slice(1).split('/');
  return pointer.includes('~') ? keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~')) : keys;
}

/** The value that a pointer names, own keys only, "-1" the last one of a list; undefined where there is none. */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const name of pointerKeys(pointer)) {
    const key = name === '-1' && Array.isArray(value) ? String(value.length - 1) : name;
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** A value in an answer: at a pointer in its body ("/meta/total"), or in the header of that name. */
export function valueIn(
  answer: { document?: unknown; headers: Readonly<Record<string, string>> },
  source: string | undefined,
): unknown {
  if (source === undefined) return undefined;
  return source.startsWith('/') ? valueAt(answer.document, source) : answer.headers[source.toLowerCase()];
}

/** `{"order": value}` for "/order". */
export function wrapped(value: unknown, pointer: string | undefined): unknown {
  return pointerKeys(pointer ?? '').reduceRight((inner: unknown, key) => ({ [key]: inner }), value);
}
