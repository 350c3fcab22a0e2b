import { type DataType, dataTypeName } from '../codec/data-types';
import { isoTimestamp } from '../codec/date-time';
import { LONGEST_NAME, type Metric, type Template } from '../codec/payload';
import { decodeProperties, decodeValue } from '../codec/values';
import type { Uint64 } from '../codec/wire-reader';
import type { EdgeNodeName } from '../topics';
import { type KnownMetric, withMemberTypes } from './known-metrics';

/** One value of a metric. */
export type MetricValue = {
  /** group/edge node[/device]/metric */
  tag: string;
  /** Plain data; see `decodeValue`. */
  value: unknown;
  quality: 'good' | 'uncertain' | 'bad';
  /** Why it is not simply good. */
  status?: string;
  source_timestamp: string | null;
  received_at: string;
  unit?: string;
  /** Sent later than it was measured. */
  backfilled?: boolean;
  /** Not meant to be stored. */
  transient?: boolean;
  /** Of a DataSet whose rows are values of their own. */
  row?: number;
  data_type: DataType;
  group_id: string;
  edge_node_id: string;
  device_id?: string;
  metric: string;
};

/** Where a value comes from, and what is known about all values of its message. */
export interface Origin {
  node: EdgeNodeName;
  device: string | undefined;
  /** Of the message, for metrics without one. */
  timestamp: Uint64 | undefined;
  now: number;
  /** DataSets become a value for each row, Templates one for each member and parameter. */
  flatten: boolean;
  /** Why values of this message cannot be relied on. */
  doubt: string | undefined;
}

const QUALITY_PROPERTY = 'Quality';
const STALE = 500;

export function tagName({ group, edgeNode }: EdgeNodeName, device: string | undefined, metric: string): string {
  return [group, edgeNode, ...(device === undefined ? [] : [device]), metric].join('/');
}

/**
 * The values of one metric: more than one only where it is flattened, none for the definition of a template. A template whose
 * members would have endless names stays one value.
 */
export function metricValues(
  metric: Metric,
  name: string,
  known: KnownMetric | undefined,
  origin: Origin,
): MetricValue[] {
  const template = metric.template_value && withMemberTypes(metric.template_value, known?.template);
  if (template?.is_definition) return [];
  if (template !== undefined && origin.flatten && isNameable(name, template)) {
    return memberValues(metric, name, template, origin);
  }
  const dataType = metric.datatype === undefined ? (known?.dataType ?? 'Unknown') : dataTypeName(metric.datatype);
  const value = oneValue({ ...metric, ...(template && { template_value: template }) }, name, dataType, known, origin);
  if (!origin.flatten || metric.dataset_value === undefined || !Array.isArray(value.value)) return [value];
  return value.value.map((row: unknown, index) => ({ ...value, value: row, row: index }));
}

function isNameable(name: string, { metrics = [], parameters = [] }: Template): boolean {
  const longest = LONGEST_NAME - name.length - 1;
  return [...metrics, ...parameters].every((member) => (member.name ?? '').length <= longest);
}

function memberValues(metric: Metric, name: string, template: Template, origin: Origin): MetricValue[] {
  const { metrics = [], parameters = [] } = template;
  // Members inherit what the template says about all of them.
  const { timestamp, is_historical: historical, is_transient: transient } = metric;
  const inherited = {
    ...(timestamp !== undefined && { timestamp }),
    ...(historical !== undefined && { is_historical: historical }),
    ...(transient !== undefined && { is_transient: transient }),
  };
  return [
    ...metrics.flatMap((member) =>
      metricValues({ ...inherited, ...member }, `${name}/${member.name ?? ''}`, undefined, origin),
    ),
    ...parameters.flatMap(({ type, ...parameter }) =>
      metricValues(
        { ...inherited, ...parameter, ...(type !== undefined && { datatype: type }) },
        `${name}/${parameter.name ?? ''}`,
        undefined,
        origin,
      ),
    ),
  ];
}

function oneValue(
  metric: Metric,
  name: string,
  dataType: DataType,
  known: KnownMetric | undefined,
  { node, device, timestamp, now, doubt }: Origin,
): MetricValue {
  const properties = metric.properties === undefined ? {} : decodeProperties(metric.properties);
  const unit = typeof properties.engUnit === 'string' ? properties.engUnit : known?.unit;
  return {
    tag: tagName(node, device, name),
    ...judged(metric, dataType, properties[QUALITY_PROPERTY], doubt),
    source_timestamp: isoTimestamp(metric.timestamp ?? timestamp) ?? null,
    received_at: new Date(now).toISOString(),
    ...(unit && { unit }),
    ...(metric.is_historical && { backfilled: true }),
    ...(metric.is_transient && { transient: true }),
    data_type: dataType,
    group_id: node.group,
    edge_node_id: node.edgeNode,
    ...(device !== undefined && { device_id: device }),
    metric: name,
  };
}

function judged(
  metric: Metric,
  dataType: DataType,
  quality: unknown,
  doubt: string | undefined,
): Pick<MetricValue, 'value' | 'quality' | 'status'> {
  let value: unknown;
  try {
    value = decodeValue(metric, dataType);
  } catch {
    return { value: null, quality: 'bad', status: `malformed ${dataType}` };
  }
  if (typeof value === 'number' && !Number.isFinite(value))
    return { value: null, quality: 'bad', status: String(value) };
  if (typeof quality === 'number' && !isGood(quality)) return { value, ...notGood(quality) };
  return doubt === undefined ? { value, quality: 'good' } : { value, quality: 'uncertain', status: doubt };
}

/** The specification has 0, 192 and 500; senders that pass on OPC qualities have their three classes. */
function isGood(code: number): boolean {
  return code >= 192 && code <= 255;
}

function notGood(code: number): Pick<MetricValue, 'quality' | 'status'> {
  if (code >= 64 && code <= 127) return { quality: 'uncertain', status: `quality ${code}` };
  return { quality: 'bad', status: code === STALE ? 'stale' : `quality ${code}` };
}

/** What is known of a tag that died while nobody listened. */
export function lostValue(
  { group, edgeNode }: EdgeNodeName,
  device: string | undefined,
  metric: string,
  dataType: DataType,
  now: number,
): MetricValue {
  const at = new Date(now).toISOString();
  return {
    ...{ tag: tagName({ group, edgeNode }, device, metric), value: null, quality: 'bad', status: 'stale' },
    ...{ source_timestamp: at, received_at: at, data_type: dataType, group_id: group, edge_node_id: edgeNode },
    ...(device !== undefined && { device_id: device }),
    metric,
  };
}

/** The same value, after its sender has gone. */
export function staleValue(value: MetricValue, at: string, now: number): MetricValue {
  const { backfilled: _late, ...rest } = value;
  return { ...rest, quality: 'bad', status: 'stale', source_timestamp: at, received_at: new Date(now).toISOString() };
}
