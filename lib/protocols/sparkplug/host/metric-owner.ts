import type { Metric, Template } from '../codec/payload';
import { tooMany } from '../errors';
import { BD_SEQ, REBIRTH } from '../metrics';
import type { Capacity } from './capacity';
import { KnownMetrics } from './known-metrics';
import { type MetricValue, metricValues, type Origin, staleValue } from './metric-values';

/** Serves the protocol, and says nothing about the plant. */
const PROTOCOL_METRICS = new Set([BD_SEQ, REBIRTH]);

/** An edge node or a device: the metrics it declared and their last values. */
export class MetricOwner {
  isOnline = false;
  known = new KnownMetrics();
  /** By tag; the rows of a flattened DataSet share one. */
  #last = new Map<string, MetricValue[]>();
  #declared = 0;
  #kept = 0;

  constructor(private readonly capacity: Capacity) {}

  /**
   * All metrics anew. What the birth no longer has is stale.
   * @throws guard PCP_SPARKPLUG_TOO_MANY
   */
  birth(metrics: readonly Metric[], origin: Origin, definitions: ReadonlyMap<string, Template>): MetricValue[] {
    this.capacity.giveBack(this.#declared);
    this.#declared = this.capacity.take(metrics.length, true) ? metrics.length : 0;
    if (this.#declared < metrics.length) throw tooMany('The edge nodes have too many metrics.');
    this.isOnline = true;
    this.known = new KnownMetrics(metrics, definitions);
    const before = this.#last;
    this.capacity.giveBack(this.#kept);
    this.#kept = 0;
    this.#last = new Map();
    const values = this.#values(metrics, origin);
    const gone = [...before].filter(([tag]) => !this.#last.has(tag)).flatMap(([, last]) => last);
    return [...values, ...stale(gone, new Date(origin.now).toISOString(), origin.now)];
  }

  /** @returns the values, and how many metrics have an alias that no birth told */
  data(metrics: readonly Metric[], origin: Origin): { values: MetricValue[]; unknown: number } {
    const nameable = metrics.filter((metric) => this.#nameOf(metric) !== undefined);
    return { values: this.#values(nameable, origin), unknown: metrics.length - nameable.length };
  }

  /** @param at when it went, ISO 8601 */
  death(at: string, now: number): MetricValue[] {
    this.isOnline = false;
    const gone = stale([...this.#last.values()].flat(), at, now);
    this.#remember(gone, true);
    return gone;
  }

  /** A tag that should be there by now. @returns its value, unless the tag is there */
  endUnseen(value: MetricValue): MetricValue[] {
    if (this.last(value.tag).length > 0) return [];
    this.#remember([value], true);
    return [value];
  }

  /** The last values of a tag; empty where none came, or there was no room for it. */
  last(tag: string): MetricValue[] {
    return this.#last.get(tag) ?? [];
  }

  *lastValues(): Generator<MetricValue> {
    for (const values of this.#last.values()) yield* values;
  }

  #nameOf(metric: Metric): string | undefined {
    return metric.name || this.known.find(metric)?.name;
  }

  #values(metrics: readonly Metric[], origin: Origin): MetricValue[] {
    const values: MetricValue[] = [];
    for (const metric of metrics) {
      const name = this.#nameOf(metric);
      if (name === undefined || PROTOCOL_METRICS.has(name)) continue;
      const known = this.known.find(metric);
      // Without its declaration a number has no sign and no meaning.
      const doubt = known === undefined && metric.datatype === undefined ? 'not in birth' : origin.doubt;
      const ofMetric = metricValues(metric, name, known, { ...origin, doubt });
      for (const value of ofMetric) values.push(value);
      if (!metric.is_historical) this.#remember(ofMetric, known !== undefined);
    }
    return values;
  }

  #remember(values: readonly MetricValue[], isDeclared: boolean): void {
    for (const [tag, last] of Map.groupBy(values, (value) => value.tag)) {
      const more = last.length - this.last(tag).length;
      if (!this.capacity.take(more, isDeclared)) continue;
      this.#kept += more;
      this.#last.set(tag, last);
    }
  }
}

function stale(values: readonly MetricValue[], at: string, now: number): MetricValue[] {
  return values.filter((value) => value.status !== 'stale').map((value) => staleValue(value, at, now));
}
