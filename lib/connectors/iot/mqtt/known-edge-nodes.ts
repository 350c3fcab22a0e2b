import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RememberedTag } from '../../../protocols/sparkplug/host/edge-node-session';
import type { MetricValue } from '../../../protocols/sparkplug/host/metric-values';
import type { EdgeNodeName } from '../../../protocols/sparkplug/topics';
import type { ConnectorEnvironment } from '../../contract';

const MOST = 10_000;
/** Beyond them tags of edge nodes that die while the hub is away keep their last values. */
const MOST_TAGS = 100_000;
/** The births of a whole plant, after a restart of the broker, are one write. */
const WRITE_AFTER_MS = 5000;

interface Remembered extends EdgeNodeName {
  tags: RememberedTag[];
}

/**
 * The edge nodes that were born while the hub listened, and their tags that live, kept in a file. They speak only when something
 * changes: after a lost connection, or a restart, this is who has to be asked, and whose last values are those of before.
 */
export class KnownEdgeNodes {
  readonly #names = new Map<string, EdgeNodeName>();
  #remembered: Remembered[];
  #values: () => Iterable<MetricValue> = () => [];
  #writing: NodeJS.Timeout | undefined;

  /** @param file absent where nothing can be kept */
  constructor(
    private readonly file: string | undefined,
    private readonly log: ConnectorEnvironment['log'],
  ) {
    this.#remembered = this.#read();
    for (const { group, edgeNode } of this.#remembered) this.#names.set(`${group}/${edgeNode}`, { group, edgeNode });
  }

  [Symbol.iterator](): Iterator<EdgeNodeName> {
    return this.#names.values();
  }

  /** @param values the last ones of all tags */
  track(values: () => Iterable<MetricValue>): void {
    this.#values = values;
  }

  /** The tags from before the restart, once. */
  takeRemembered(): Remembered[] {
    return this.#remembered.splice(0);
  }

  /** It, or a device of it, was born. */
  add({ group, edgeNode }: EdgeNodeName): void {
    const key = `${group}/${edgeNode}`;
    if (!this.#names.has(key) && this.#names.size >= MOST) return;
    this.#names.set(key, { group, edgeNode });
    if (this.file !== undefined) this.#writing ??= setTimeout(() => this.#write(this.file!), WRITE_AFTER_MS);
  }

  close(): void {
    if (this.#writing !== undefined && this.file !== undefined) this.#write(this.file);
  }

  #write(file: string): void {
    clearTimeout(this.#writing);
    this.#writing = undefined;
    try {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(`${file}.new`, JSON.stringify(this.#living()));
      renameSync(`${file}.new`, file);
    } catch (error) {
      this.log('warn', `The known Sparkplug edge nodes cannot be kept: ${(error as Error).message}`);
    }
  }

  #living(): Remembered[] {
    const nodes = new Map([...this.#names].map(([key, name]): [string, Remembered] => [key, { ...name, tags: [] }]));
    let count = 0;
    let last: string | undefined;
    for (const {
      tag,
      status,
      group_id,
      edge_node_id,
      device_id: device,
      metric,
      data_type: dataType,
    } of this.#values()) {
      // The rows of a DataSet share a tag.
      if (status === 'stale' || tag === last || count === MOST_TAGS) continue;
      last = tag;
      count++;
      nodes
        .get(`${group_id}/${edge_node_id}`)
        ?.tags.push({ ...(device !== undefined && { device }), metric, dataType });
    }
    return [...nodes.values()];
  }

  #read(): Remembered[] {
    if (this.file === undefined) return [];
    try {
      const nodes = JSON.parse(readFileSync(this.file, 'utf8')) as Remembered[];
      return nodes.filter(
        ({ group, edgeNode, tags }) =>
          typeof group === 'string' && typeof edgeNode === 'string' && Array.isArray(tags) && tags.every(isTag),
      );
    } catch {
      // There is none yet, or a damaged one: they are learnt anew.
      return [];
    }
  }
}

function isTag({ device, metric, dataType }: RememberedTag): boolean {
  return ['string', 'undefined'].includes(typeof device) && typeof metric === 'string' && typeof dataType === 'string';
}
