export type Labels = Record<string, string | number>;

/** What Prometheus calls a metric: its samples and what they are. */
export interface Family {
  /** Without the prefix that all have. */
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  samples: Sample[];
}

export interface Sample {
  labels: Labels;
  value: number;
  /** Of a histogram: `_bucket`, `_sum` or `_count`. */
  suffix?: string;
}

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The text format of Prometheus, version 0.0.4. Families without samples are left out. */
export function exposition(families: readonly Family[]): string {
  const lines: string[] = [];
  for (const { name, type, help, samples } of families) {
    if (samples.length === 0) continue;
    const full = `integration_${name}`;
    lines.push(`# HELP ${full} ${escaped(help)}`, `# TYPE ${full} ${type}`);
    for (const { labels, value, suffix = '' } of samples) {
      lines.push(`${full}${suffix}${labelText(labels)} ${numberText(value)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** @param within counts of observations up to each bucket's end, in the order of the ends */
export function histogram(
  labels: Labels,
  ends: readonly number[],
  within: readonly number[],
  total: { count: number; sum: number },
): Sample[] {
  return [
    ...ends.map((le, index) => ({ suffix: '_bucket', labels: { ...labels, le }, value: within[index] ?? 0 })),
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: total.count },
    { suffix: '_sum', labels, value: total.sum },
    { suffix: '_count', labels, value: total.count },
  ];
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${escaped(String(value)).replaceAll('"', '\\"')}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
