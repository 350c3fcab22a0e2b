import { IntegrationError } from '../../../model/errors';
import type { DataType } from '../../../protocols/sparkplug/codec/data-types';
import { integerType } from '../../../protocols/sparkplug/codec/integers';
import { type MetricUpdate, toMetric } from '../../../protocols/sparkplug/edge-node/published-metrics';
import { deviceTopic, type EdgeNodeName, nodeTopic } from '../../../protocols/sparkplug/topics';
import type { DescribedRequest, WriteRecord, WriteResult, Writer, WriteTarget } from '../../contract';
import type { EdgeNodeConnection } from './sparkplug-edge-node';
import type { SparkplugSettings } from './sparkplug-settings';

/** As mappings and databases write it. */
const ABSENT: ReadonlySet<string> = new Set(['false', '0']);

/** Publishes records as an edge node: each key is a device, each field a metric of it. Where a record says so the device is gone. */
export class SparkplugWriter implements Writer {
  constructor(
    private readonly connect: (signal: AbortSignal) => Promise<EdgeNodeConnection>,
    private readonly target: Pick<WriteTarget, 'keyFields'>,
    private readonly node: EdgeNodeName,
    private readonly settings: Pick<SparkplugSettings, 'metrics' | 'onlineField'>,
  ) {}

  async write(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]> {
    signal.throwIfAborted();
    const connection = await this.connect(signal);
    const results: WriteResult[] = [];
    for (const record of records) {
      try {
        const gone = this.#deviceGone(record);
        if (gone !== null) await connection.deviceGone(gone, signal);
        else await connection.update(this.#updates(record), signal);
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
    const gone = this.#deviceGone(record);
    if (gone !== null) return described(deviceTopic('DDEATH', this.node, gone), []);
    const updates = this.#updates(record);
    for (const update of updates) toMetric(update);
    const device = updates[0]?.device;
    return described(
      device === undefined ? nodeTopic('NDATA', this.node) : deviceTopic('DDATA', this.node, device),
      updates.map(({ metric, dataType, value }) => ({ metric, data_type: dataType, value })),
    );
  }

  async finish(): Promise<void> {
    // Every value has left when it is written.
  }

  async abandon(): Promise<void> {
    // As for finish: there is nothing to take back.
  }

  #device({ data }: WriteRecord): string | undefined {
    const key = this.target.keyFields.map((field) => String(data[field] ?? '')).join(',');
    return this.target.keyFields.length === 0 ? undefined : escaped(key);
  }

  /** The device that a record says to be gone. The edge node itself goes with its connection. */
  #deviceGone(record: WriteRecord): string | null {
    const { onlineField } = this.settings;
    const isGone = onlineField !== undefined && ABSENT.has(String(record.data[onlineField]).toLowerCase());
    return isGone ? (this.#device(record) ?? null) : null;
  }

  #updates(record: WriteRecord): MetricUpdate[] {
    const timestamp = Date.now();
    const device = this.#device(record);
    const { metrics, onlineField } = this.settings;
    return Object.entries(record.data).flatMap(([metric, value]): MetricUpdate[] => {
      if (metric === onlineField) return [];
      const { data_type: declared, unit } = metrics.get(metric) ?? {};
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

function described(url: string, metrics: object[]): DescribedRequest {
  return { method: 'PUBLISH', url, headers: { qos: '0', retain: 'false' }, body: JSON.stringify(metrics) };
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
