import { shortDigest } from '../../../model/digest';
import type { SqlValue } from '../database';

/**
 * Rows as one JSON text, undefined when JSON cannot hold a value exactly (dates, bytes, integers of 64 bits, NaN, -0). To
 * write it, copy it to another thread and read it takes a third of the processor time of a copy value by value.
 */
export function textOfRows(rows: readonly (readonly SqlValue[])[]): string | undefined {
  for (const row of rows) {
    for (const value of row) {
      if (typeof value === 'string' || value === null) continue;
      if (typeof value === 'number' ? !Number.isFinite(value) || Object.is(value, -0) : typeof value !== 'boolean') {
        return undefined;
      }
    }
  }
  return JSON.stringify(rows);
}

export function rowsOfText(text: string): SqlValue[][] {
  return JSON.parse(text);
}

/** Lines of a `LinesRequest` as one text, and what their rows share. */
export interface DigestedLines {
  text: string;
  shared: readonly SqlValue[];
}

/** Stands between two lines of what is one JSON array of them all: no line holds a line break. */
const BETWEEN = '\n,';

export function textOfLines(lines: readonly string[]): string {
  return `[${lines.join(BETWEEN)}]`;
}

export function rowsOfLines({ text, shared }: DigestedLines): SqlValue[][] {
  const rows: SqlValue[][] = JSON.parse(text);
  const lines = text.slice(1, -1).split(BETWEEN);
  rows.forEach((row, index) => {
    row[0] = shortDigest(lines[index] as string);
    for (const value of shared) row.push(value);
  });
  return rows;
}
