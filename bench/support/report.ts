/** One figure of a benchmark beside the limit it has to keep. */
export interface Figure {
  what: string;
  value: number;
  unit: string;
  /** Absent: for information only. */
  limit?: { atLeast: number } | { atMost: number };
}

const digits = (value: number) =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);

function verdict(figure: Figure): { limit: string; passed: boolean | null } {
  if (!figure.limit) return { limit: '', passed: null };
  if ('atLeast' in figure.limit) {
    return { limit: `>= ${digits(figure.limit.atLeast)}`, passed: figure.value >= figure.limit.atLeast };
  }
  return { limit: `<= ${digits(figure.limit.atMost)}`, passed: figure.value <= figure.limit.atMost };
}

/** Prints the table. @returns the number of limits that were missed */
export function printTable(title: string, figures: Figure[]): number {
  const rows = figures.map((figure) => {
    const { limit, passed } = verdict(figure);
    return [
      figure.what,
      `${digits(figure.value)} ${figure.unit}`,
      limit,
      passed === null ? '' : passed ? 'pass' : 'FAIL',
    ];
  });
  const header = ['what', 'measured', 'limit', ''];
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => (row[column] as string).length)));
  const line = (row: string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column] as number)).join(' | ')} |`;
  console.log(`\n${title}\n`);
  console.log(line(header));
  console.log(`|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  for (const row of rows) console.log(line(row));
  return rows.filter((row) => row[3] === 'FAIL').length;
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** How far the runs lie apart. */
export function spread(values: number[]): number {
  return Math.max(...values) - Math.min(...values);
}

/** @param share 0.99 for the 99th percentile */
export function quantile(values: number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}
