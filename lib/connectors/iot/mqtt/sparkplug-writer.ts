import { IntegrationError } from '../../../model/errors';
import type { DataType } from '../../../protocols/sparkplug/codec/data-types';
import { integerType } from '../../../protocols/sparkplug/codec/integers';
import { type MetricUpdate, toMetric } from '../../../protocols/sparkplug/edge-node/published-metrics';
import { deviceTopic, type EdgeNodeName, nodeTopic } from '../../../protocols/sparkplug/topics';
import type { DescribedRequest, WriteRecord, WriteResult, Writer, WriteTarget } from '../../contract';
import type { EdgeNodeConnection } from './sparkplug-edge-node';
import type { PublishedMetric } from './sparkplug-settings';

/** Publishes records as an edge node: each key is a device, each field a metric of it. */
export class SparkplugWriter implements Writer {
  constructor(
    private readonly connect: (signal: AbortSignal) => Promise<EdgeNodeConnection>,
    private readonly target: Pick<WriteTarget, 'keyFields'>,
    private readonly node: EdgeNodeName,
    private readonly metrics: ReadonlyMap<string, PublishedMetric>,
  ) {}

  async write(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]> {
    signal.throwIfAborted();
    const connection = await this.connect(signal);
    const results: WriteResult[] = [];
    for (const record of records) {
      try {
        await connection.update(this.#updates(record), signal);
        results.push({ outcome: 'updated' });
      } catch (thrown) {
        const error = IntegrationError.from(thrown);
        if (error.class !== 'data') throw error;
        results.push({ outcome: 'failed', error });
      }
    }
    return results;
  }

  /** Whether it becomes a birth is known when it is sent. */
  describeWrite(record: WriteRecord): DescribedRequest {
    const updates = this.#updates(record);
    for (const update of updates) toMetric(update);
    const device = updates[0]?.device;
    return {
      method: 'PUBLISH',
      url: device === undefined ? nodeTopic('NDATA', this.node) : deviceTopic('DDATA', this.node, device),
      headers: { qos: '0', retain: 'false' },
      body: JSON.stringify(updates.map(({ metric, dataType, value }) => ({ metric, data_type: dataType, value }))),
    };
  }

  async finish(): Promise<void> {
    // Every value has left when it is written.
  }

  async abandon(): Promise<void> {
    // As for finish: there is nothing to take back.
  }

  #updates({ data }: WriteRecord): MetricUpdate[] {
    const timestamp = Date.now();
    const key = this.target.keyFields.map((field) => String(data[field] ?? '')).join(',');
    const device = this.target.keyFields.length === 0 ? undefined : escaped(key);
    return Object.entries(data).flatMap(([metric, value]): MetricUpdate[] => {
      const { data_type: declared, unit } = this.metrics.get(metric) ?? {};
      const dataType = declared ?? typeOf(value);
      // A null says nothing about the type of a metric that is not declared.
      if (dataType === undefined) return [];
      return [
        {
          metric,
          dataType,
          value: fitted(value, dataType),
          timestamp,
          ...(device !== undefined && { device }),
          ...(unit !== undefined && { unit }),
        },
      ];
    });
  }
}

/** Keys of records may have what ids must not have. */
function escaped(key: string): string {
  return key === '' ? '%' : key.replace(/[%+#/]/g, (character) => encodeURIComponent(character));
}

function typeOf(value: unknown): DataType | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'number') return 'Double';
  return typeof value === 'boolean' ? 'Boolean' : 'String';
}

/** Decimals of the platform are texts. */
function fitted(value: unknown, type: DataType): unknown {
  if (value === null || value === undefined) return null;
  if (type === 'String' || type === 'Text') return typeof value === 'string' ? value : JSON.stringify(value);
  const isNumeric = typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value);
  if ((type === 'Float' || type === 'Double') && isNumeric) return Number(value);
  if (integerType(type) !== undefined && isNumeric) return value.replace(/\.0+$/, '');
  return value;
}
