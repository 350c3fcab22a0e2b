import type { MqttOptions } from '../../../protocols/mqtt/options';
import { guessPayload } from '../../../protocols/mqtt/payload';
import type { BrowseNode } from '../../live';
import { sample } from './sample';

/** More would fill no list that a person reads. */
const MOST_NODES = 1000;

/** The levels below a topic, as far as messages show them that come within moments. */
export async function browseTopics(
  parent: string | null,
  options: MqttOptions,
  signal: AbortSignal,
): Promise<BrowseNode[]> {
  const nodes = new Map<string, BrowseNode>();
  const prefix = parent === null ? '' : `${parent}/`;
  await sample(
    `${prefix}#`,
    ({ topic, payload }) => {
      // The filter covers the parent itself, too.
      if (!topic.startsWith(prefix)) return true;
      const [name = '', ...below] = topic.slice(prefix.length).split('/');
      const address = `${prefix}${name}`;
      const known = nodes.get(address) ?? { address, name, kind: 'folder', has_children: false };
      const isTag = below.length === 0;
      nodes.set(address, {
        ...known,
        ...(isTag && { kind: 'tag', data_type: typeof guessPayload(payload) }),
        has_children: known.has_children || !isTag,
      });
      return nodes.size < MOST_NODES;
    },
    options,
    signal,
  );
  return [...nodes.values()].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}
