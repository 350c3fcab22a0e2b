import { isDeepStrictEqual } from 'node:util';

interface Metric {
  labels?: Record<string, string>;
  value: string;
}

interface MetricFamily {
  name: string;
  help: string;
  type: string;
  metrics: Metric[];
}

/** A parser that comes without types. */
const parse: (text: string) => MetricFamily[] = require('parse-prometheus-text-format');

export interface Samples {
  families: MetricFamily[];
  value(name: string, labels: Record<string, string>): number | undefined;
  histogram(
    name: string,
    labels: Record<string, string>,
  ): { buckets: Record<string, number>; sum: number | undefined; count: number | undefined };
}

/** What a parser that is not ours makes of the text. */
export function parsed(text: string): Samples {
  // It gives histograms without their labels; as plain samples they keep them.
  const samples = parse(text.replaceAll(/^# TYPE \S+ histogram$/gm, ''));
  const metricsOf = (name: string) =>
    samples.filter((family) => family.name === name).flatMap(({ metrics }) => metrics);
  const value = (name: string, labels: Record<string, string>) => {
    const found = metricsOf(name).find((metric) => isDeepStrictEqual(metric.labels ?? {}, labels));
    return found === undefined ? undefined : Number(found.value);
  };
  return {
    families: parse(text),
    value,
    histogram: (name, labels) => ({
      buckets: Object.fromEntries(
        metricsOf(`${name}_bucket`).flatMap(({ labels: { le = '', ...rest } = {}, value: within }) =>
          isDeepStrictEqual(rest, labels) ? [[le, Number(within)]] : [],
        ),
      ),
      sum: value(`${name}_sum`, labels),
      count: value(`${name}_count`, labels),
    }),
  };
}

/** What is wrong with the text by the rules of Prometheus' own linter, and with labels that could become too many. */
export function lint(text: string): string[] {
  const found: string[] = [];
  const lines = text.trimEnd().split('\n');
  const samples = lines.filter((line) => !line.startsWith('#'));
  const series = samples.map((line) => line.replace(/ \S+$/, ''));
  for (const one of series) if (series.indexOf(one) !== series.lastIndexOf(one)) found.push(`${one} is there twice`);
  const names = [...new Set(lines.map((line) => /^(?:# (?:HELP|TYPE) )?(\w+)/.exec(line)?.[1] ?? ''))];
  const { families, histogram } = parsed(text);
  for (const { name, help, type, metrics } of families) {
    if (!/^integration_[a-z]+(_[a-z]+)*$/.test(name)) found.push(`${name} is no name`);
    if (help === '') found.push(`${name} has no help`);
    if (/_(count|sum|bucket|info|milliseconds|minutes|hours|kilobytes)$/.test(name)) found.push(`${name}: suffix`);
    if ((type === 'COUNTER') !== name.endsWith('_total')) found.push(`${name}: _total is for counters`);
    if (metrics.length === 0) found.push(`${name} is empty`);
    const declared = lines.indexOf(`# TYPE ${name} ${type.toLowerCase()}`);
    const own = lines.flatMap((line, index) =>
      new RegExp(`^${name}(_bucket|_sum|_count)?[{ ]`).test(line) ? [index] : [],
    );
    if (own[0] !== declared + 1 || own.at(-1) !== declared + own.length) found.push(`${name} is not in one place`);
  }
  for (const name of names.filter((one) => one.endsWith('_bucket'))) {
    const family = name.replace(/_bucket$/, '');
    for (const sample of series.filter((one) => one.startsWith(`${family}_count`))) {
      const labels = Object.fromEntries([...sample.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]));
      const { buckets, count, sum } = histogram(family, labels);
      const within = Object.entries(buckets)
        .sort(([a], [b]) => Number(a.replace('+Inf', 'Infinity')) - Number(b.replace('+Inf', 'Infinity')))
        .map(([, value]) => value);
      const grows = within.every((value, index) => index === 0 || value >= (within[index - 1] ?? 0));
      if (!grows || within.length < 2 || buckets['+Inf'] !== count || sum === undefined)
        found.push(`${sample}: buckets`);
    }
  }
  for (const [, label, value] of text.matchAll(/([^{,\s]+)="([^"]*)"/g)) {
    if (!/^[a-z_]+$/.test(label ?? '')) found.push(`${label} is no name of a label`);
    if (!/^(\d+|[a-z0-9_]{0,20}|\+Inf|\d+\.\d+)$/.test(value ?? ''))
      found.push(`${label}="${value}" is no id and no kind`);
  }
  return found;
}
