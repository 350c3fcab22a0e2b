import { isDeepStrictEqual } from 'node:util';
import { IntegrationError } from '../../../model/errors';
import { matches } from '../../../protocols/mqtt/topic';
import type { SparkplugHost } from '../../../protocols/sparkplug/host/host';
import type { BrowseNode, TagValue, TagWrite, TagWriteResult } from '../../live';
import { writeRefused } from '../../write-refused';
import { hasBounds, type MqttSettings, type WriteRule } from './settings';
import type { HostConnection } from './sparkplug-host';

/** How long a machine may take to tell a value that was written. */
const READ_BACK_MS = 5000;

/** What edge nodes said last. */
export async function readSparkplugTags(
  tags: readonly string[],
  host: SparkplugHost,
  connection: HostConnection,
  signal: AbortSignal,
): Promise<TagValue[]> {
  await connection.births(tags, (tag) => host.last(tag).length > 0, signal);
  signal.throwIfAborted();
  return tags.map((tag) => {
    const values = host.last(tag);
    const [first] = values;
    if (first === undefined) {
      const received_at = new Date().toISOString();
      return { tag, value: null, quality: 'bad', status: 'no value', source_timestamp: null, received_at };
    }
    return values.length === 1 ? first : { ...first, value: values.map(({ value }) => value) };
  });
}

/** Each at most once, by a command to its edge node or device; the value that comes back tells whether it was obeyed. */
export async function writeSparkplugTags(
  writes: readonly TagWrite[],
  settings: MqttSettings,
  host: SparkplugHost,
  open: (signal: AbortSignal) => Promise<HostConnection>,
  signal: AbortSignal,
): Promise<TagWriteResult[]> {
  for (const write of writes) checkWritable(write, settings);
  const connection = await open(signal);
  const tags = writes.map(({ tag }) => tag);
  await connection.births(tags, (tag) => host.isOnline(tag), signal);
  return Promise.all(writes.map((write) => writeOne(write, host, connection, signal)));
}

/** @throws permission PCP_WRITE_REFUSED */
function checkWritable({ tag, value }: TagWrite, { writesEnabled, writable }: MqttSettings): void {
  if (!writesEnabled) {
    throw writeRefused(`"${tag}"`, '/config/writes_enabled', 'Turn "writes_enabled" on in the connection.');
  }
  const rules = writable.filter(({ filter }) => matches(filter, tag));
  if (rules.length === 0) {
    throw writeRefused(`"${tag}"`, '/config/writable', 'Add the tag, or a filter as "group/node/#", to "writable".');
  }
  if (!rules.some((rule) => allows(rule, value))) {
    throw writeRefused(`this value to "${tag}"`, '/config/writable', 'It is outside of "min" and "max" in "writable".');
  }
}

function allows(rule: WriteRule, value: unknown): boolean {
  if (!hasBounds(rule)) return true;
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = rule;
  const isNumeric = typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value));
  return isNumeric && Number(value) >= min && Number(value) <= max;
}

async function writeOne(
  { tag, value }: TagWrite,
  host: SparkplugHost,
  connection: HostConnection,
  signal: AbortSignal,
): Promise<TagWriteResult> {
  try {
    const { message, expected } = host.write(tag, value, Date.now());
    if (signal.aborted) throw expired(tag);
    await connection.publish(message, signal);
    const isObeyed = () => isDeepStrictEqual(host.last(tag)[0]?.value, expected);
    const verified = await connection.until(isObeyed, AbortSignal.any([signal, AbortSignal.timeout(READ_BACK_MS)]));
    return { tag, outcome: 'written', verified, value: host.last(tag)[0]?.value ?? null };
  } catch (thrown) {
    const error = IntegrationError.from(thrown);
    return { tag, outcome: error.outcomeUnknown ? 'unknown' : 'failed', error };
  }
}

/** The tree of tags by the slashes in them: groups, edge nodes, devices, and folders in names of metrics. */
export function browseSparkplug(parent: string | null, host: SparkplugHost): BrowseNode[] {
  const prefix = parent === null ? '' : `${parent}/`;
  const children = new Map<string, BrowseNode>();
  for (const { tag, dataType, unit, isReadOnly } of host.metrics()) {
    if (!tag.startsWith(prefix)) continue;
    const [name = '', ...below] = tag.slice(prefix.length).split('/');
    const address = `${prefix}${name}`;
    const known = children.get(address) ?? { address, name, kind: 'folder', has_children: false };
    if (below.length > 0) known.has_children = true;
    else
      Object.assign(known, {
        kind: 'tag',
        data_type: dataType,
        writable: !isReadOnly,
        ...(unit !== undefined && { unit }),
      });
    children.set(address, known);
  }
  return [...children.values()].sort((a, b) => a.name.localeCompare(b.name));
}

function expired(tag: string): IntegrationError {
  return new IntegrationError('transient', 'PCP_WRITE_EXPIRED', 'The write was too old before its turn came.', {
    path: tag,
    hint: 'It was not sent. Write again, or let it be valid for longer.',
  });
}
