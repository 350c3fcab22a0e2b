const KEYS_PER_STATEMENT = 500;

/** Placeholders of a list of values. */
export function marks(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}

/** As many as a statement takes. */
export function inChunks<T>(values: readonly T[]): T[][] {
  const count = Math.ceil(values.length / KEYS_PER_STATEMENT);
  return Array.from({ length: count }, (_, at) => values.slice(at * KEYS_PER_STATEMENT, (at + 1) * KEYS_PER_STATEMENT));
}
