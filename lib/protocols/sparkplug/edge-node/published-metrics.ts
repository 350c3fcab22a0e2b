import { IntegrationError } from '../../../model/errors';
import { type DataType, dataTypeName, dataTypeNumber } from '../codec/data-types';
import type { Metric } from '../codec/payload';
import { encodeValue } from '../codec/values';
import { BD_SEQ, REBIRTH } from '../metrics';

/** A value to publish. */
export interface MetricUpdate {
  /** Absent = of the edge node itself. */
  device?: string;
  metric: string;
  dataType: DataType;
  value: unknown;
  /** When it was measured, in milliseconds since 1970. */
  timestamp: number;
  /** Default good. */
  quality?: 'good' | 'uncertain' | 'bad';
  unit?: string;
  /** Sent later than it was measured: it does not become the current value. */
  isHistorical?: boolean;
}

interface Published {
  alias: number | undefined;
  /** As a birth has it, with name, alias and type. */
  current: Metric;
}

/** Of the three codes that the specification has. */
const QUALITY_CODES = { good: 192, uncertain: 500, bad: 0 };

/** @throws data PCP_SPARKPLUG_VALUE, PCP_SPARKPLUG_METRIC */
export function toMetric({
  metric,
  dataType,
  value,
  timestamp,
  quality = 'good',
  unit,
  isHistorical,
}: MetricUpdate): Metric {
  const properties = [
    ...(quality === 'good' ? [] : [{ key: 'Quality', type: 'Int32' as const, value: QUALITY_CODES[quality] }]),
    ...(unit === undefined ? [] : [{ key: 'engUnit', type: 'String' as const, value: unit }]),
  ];
  if (metric === '' || metric === BD_SEQ || metric === REBIRTH) {
    throw new IntegrationError('data', 'PCP_SPARKPLUG_METRIC', `"${metric}" is no name for a metric.`, {
      hint: `Choose a name that is not empty, ${BD_SEQ} or ${REBIRTH}.`,
    });
  }
  return {
    name: metric,
    timestamp,
    datatype: dataTypeNumber(dataType),
    ...(isHistorical && { is_historical: true }),
    ...(properties.length > 0 && {
      properties: {
        keys: properties.map(({ key }) => key),
        values: properties.map(({ type, value: property }) => ({
          type: dataTypeNumber(type),
          ...encodeValue(property, type),
        })),
      },
    }),
    ...encodeValue(value, dataType),
  };
}

/** The metrics of an edge node or device, with what its next birth has to say of them. */
export class PublishedMetrics {
  readonly #byName = new Map<string, Published>();
  /** From its birth to its death. */
  isAlive = true;

  /** Whether births tell of this metric with this type. */
  declares({ name = '', datatype }: Metric): boolean {
    return this.#byName.get(name)?.current.datatype === datatype;
  }

  /** A historical value only declares its metric. */
  keep(metric: Metric, nextAlias: () => number | undefined): void {
    const name = metric.name ?? '';
    const before = this.#byName.get(name);
    if (metric.is_historical && this.declares(metric)) return;
    const { is_historical: isHistorical, ...value } = metric;
    const alias = before === undefined ? nextAlias() : before.alias;
    const current = isHistorical ? withoutValue(metric) : value;
    this.#byName.set(name, { alias, current: { ...current, ...(alias !== undefined && { alias }) } });
  }

  birth(): Metric[] {
    return [...this.#byName.values()].map(({ current }) => current);
  }

  /** As data messages have it: by alias where there is one, without what the birth has told. */
  data(metric: Metric): Metric {
    const alias = this.#byName.get(metric.name ?? '')?.alias;
    if (alias === undefined) return metric;
    const { name: _name, datatype: _type, properties, ...rest } = metric;
    const isGood = !properties?.keys?.includes('Quality');
    return { ...rest, alias, ...(!isGood && properties && { properties }) };
  }

  /** The name and type of a metric that a command gives by name or alias. */
  find({ name, alias }: Metric): { name: string; dataType: DataType } | undefined {
    for (const [known, published] of this.#byName) {
      if (name === known || (name === undefined && alias !== undefined && published.alias === alias)) {
        return { name: known, dataType: dataTypeName(published.current.datatype) };
      }
    }
    return undefined;
  }
}

function withoutValue({ name, timestamp, datatype }: Metric): Metric {
  return {
    is_null: true,
    ...(name !== undefined && { name }),
    ...(timestamp !== undefined && { timestamp }),
    ...(datatype !== undefined && { datatype }),
  };
}
