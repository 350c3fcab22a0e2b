import type { OpcUaClient } from '../../../protocols/opcua/client';
import { missingValue, readValues } from '../../../protocols/opcua/read';
import type { TagValue } from '../../live';
import type { OpcUaSettings } from './settings';
import { nodesOf, tagsNamed, tagValue } from './tags';

/** Values now, one per tag, in order. */
export async function readNow(
  client: OpcUaClient,
  settings: OpcUaSettings,
  names: readonly string[],
  signal: AbortSignal,
): Promise<TagValue[]> {
  const tags = tagsNamed(names, settings);
  const open = await client.open(signal);
  const values = await readValues(client, open, await nodesOf(client, open, tags, signal), signal);
  return tags.map((tag, index) => tagValue(tag, values[index] ?? missingValue('BadNoData')));
}
