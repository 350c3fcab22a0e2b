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
  const metricsOf = (name: string) => samples.find((family) => family.name === name)?.metrics ?? [];
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
