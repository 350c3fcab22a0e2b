import Big from 'big.js';
import { IntegrationError } from '../../../model/errors';
import type { OpcUaClient, OpenSession } from '../../../protocols/opcua/client';
import type { NodeId } from '../../../protocols/opcua/library';
import type { Deadband } from '../../../protocols/opcua/monitor';
import { isAddress, resolveAddresses } from '../../../protocols/opcua/node-ids';
import type { NodeValue } from '../../../protocols/opcua/read';
import { exactNumber, noNumber } from '../../../protocols/opcua/write-rules';
import type { TagValue } from '../../live';
import type { OpcUaSettings, TagSetting } from './settings';

/** A tag as it was asked for, with what the connection says of it. */
export interface Tag {
  name: string;
  setting: TagSetting;
}

/** Divides to more digits than any type has. */
const Exact = Big();
Exact.DP = 40;

/** Nodes that were found, for as long as a session lives: namespaces keep their index within it. */
const found = new WeakMap<OpenSession, Map<string, NodeId>>();

/** @throws config PCP_OPCUA_TAG for what is neither a name nor an address */
export function tagsNamed(names: readonly string[], { tags }: OpcUaSettings): Tag[] {
  return names.map((name) => {
    const setting = tags.get(name) ?? (isAddress(name) ? { node_id: name } : undefined);
    if (setting !== undefined) return { name, setting };
    throw new IntegrationError(
      'config',
      'PCP_OPCUA_TAG',
      `"${name}" is neither a tag of the connection nor the address of a node.`,
      {
        value: name,
        hint: `Add it to "tags" of the connection. There are: ${[...tags.keys()].slice(0, 20).join(', ') || 'none yet'}.`,
      },
    );
  });
}

/** The nodes of tags; null where nothing lies at a path. */
export async function nodesOf(
  client: OpcUaClient,
  open: OpenSession,
  tags: readonly Tag[],
  signal: AbortSignal,
): Promise<(NodeId | null)[]> {
  const known = found.get(open) ?? new Map<string, NodeId>();
  found.set(open, known);
  const addresses = tags.map(({ setting }) => setting.node_id);
  const unknown = [...new Set(addresses)].filter((address) => !known.has(address));
  const nodes = await resolveAddresses(client, open, unknown, signal);
  unknown.forEach((address, index) => {
    const node = nodes[index];
    if (node) known.set(address, node);
  });
  return addresses.map((address) => known.get(address) ?? null);
}

export function tagValue(
  { name, setting }: Tag,
  given: NodeValue,
  { backfilled = false, unchanged = false } = {},
): TagValue {
  return {
    tag: name,
    ...given,
    value: scaled(given.value, setting),
    received_at: new Date().toISOString(),
    ...(setting.unit !== undefined && { unit: setting.unit }),
    ...(backfilled && { backfilled }),
    ...(unchanged && { unchanged }),
  };
}

/**
 * What a node is to hold so that the tag has this value; a text of digits keeps all of them.
 * @throws permission PCP_WRITE_REFUSED when a tag with a scale is to be something else than a number
 */
export function rawValue(tag: Tag, value: unknown): unknown {
  const { scale = 1, offset = 0 } = tag.setting;
  if (scale === 1 && offset === 0) return value;
  if (Array.isArray(value)) return value.map((item) => rawValue(tag, item));
  const number = exactNumber(value);
  if (number === undefined) throw noNumber(tag.name, value);
  const raw = new Exact(number).minus(offset).div(scale);
  if (typeof value !== 'number') return raw.toString();
  // Beyond these digits is only what binary fractions left over where the value was calculated.
  return Number.isInteger(raw.toNumber()) ? raw.toNumber() : Number(raw.toPrecision(15));
}

/** Integers too large for a number stay exact. */
export function scaled(value: unknown, setting: TagSetting): unknown {
  const { scale = 1, offset = 0 } = setting;
  if (scale === 1 && offset === 0) return value;
  if (Array.isArray(value)) return value.map((item) => scaled(item, setting));
  if (typeof value !== 'number' && !(typeof value === 'string' && /^-?\d+$/.test(value))) return value;
  const result = new Big(value).times(scale).plus(offset);
  return typeof value === 'number' ? result.toNumber() : result.toFixed();
}

export function deadbandOf({ deadband }: Pick<TagSetting, 'deadband'>): Deadband | undefined {
  return typeof deadband === 'number' ? { type: 'absolute', value: deadband } : deadband;
}
