import { phrase } from '../../../model/phrase';
import type { OpcUaClient } from '../../../protocols/opcua/client';
import { statusError } from '../../../protocols/opcua/errors';
import { writeValues } from '../../../protocols/opcua/write';
import { checkWrite } from '../../../protocols/opcua/write-rules';
import type { TagWrite, TagWriteResult } from '../../live';
import type { OpcUaSettings } from './settings';
import { nodesOf, rawValue, scaled, tagsNamed } from './tags';

/**
 * Writes what the connection allows, each value at most once, and reads it back. Nothing is written when one is refused.
 * @throws permission PCP_WRITE_REFUSED
 */
export async function writeTags(
  client: OpcUaClient,
  settings: OpcUaSettings,
  writes: readonly TagWrite[],
  signal: AbortSignal,
  validUntil?: number,
): Promise<TagWriteResult[]> {
  for (const { tag, value } of writes) checkWrite(tag, value, settings.writable);
  const tags = tagsNamed(
    writes.map(({ tag }) => tag),
    settings,
  );
  const values = tags.map((tag, index) => rawValue(tag, writes[index]?.value));
  const open = await client.open(signal);
  const nodes = await nodesOf(client, open, tags, signal);
  const known = tags.flatMap((tag, index) => {
    const nodeId = nodes[index];
    return nodeId ? [{ index, nodeId, name: tag.name, value: values[index] }] : [];
  });
  const outcomes = await writeValues(client, open, known, signal, validUntil);
  const results: TagWriteResult[] = writes.map(({ tag }) => ({
    tag,
    outcome: 'failed',
    error: statusError('BadNoMatch', phrase`writing ${tag}`),
  }));
  known.forEach(({ index, name }, at) => {
    const outcome = outcomes[at];
    if (outcome === undefined) return;
    const value = outcome.outcome === 'written' && {
      value: scaled(outcome.value, tags[index]?.setting ?? { node_id: '' }),
    };
    results[index] = { tag: name, ...outcome, ...value };
  });
  return results;
}
