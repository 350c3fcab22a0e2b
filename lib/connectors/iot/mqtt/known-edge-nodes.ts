import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { EdgeNodeName } from '../../../protocols/sparkplug/topics';
import type { ConnectorEnvironment } from '../../contract';

const MOST = 10_000;
/** The births of a whole plant, after a restart of the broker, are one write. */
const WRITE_AFTER_MS = 1000;

/**
 * The edge nodes that were born while the hub listened, kept in a file. They speak only when something changes: after a lost
 * connection, or a restart, this is who has to be asked.
 */
export class KnownEdgeNodes {
  readonly #names = new Map<string, EdgeNodeName>();
  #writing: NodeJS.Timeout | undefined;

  /** @param file absent where nothing can be kept */
  constructor(
    private readonly file: string | undefined,
    private readonly log: ConnectorEnvironment['log'],
  ) {
    for (const { group, edgeNode } of this.#read()) this.#names.set(`${group}/${edgeNode}`, { group, edgeNode });
  }

  [Symbol.iterator](): Iterator<EdgeNodeName> {
    return this.#names.values();
  }

  add({ group, edgeNode }: EdgeNodeName): void {
    const key = `${group}/${edgeNode}`;
    if (this.#names.has(key) || this.#names.size >= MOST) return;
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
      writeFileSync(`${file}.new`, JSON.stringify([...this.#names.values()]));
      renameSync(`${file}.new`, file);
    } catch (error) {
      this.log('warn', `The known Sparkplug edge nodes cannot be kept: ${(error as Error).message}`);
    }
  }

  #read(): EdgeNodeName[] {
    if (this.file === undefined) return [];
    try {
      const names = JSON.parse(readFileSync(this.file, 'utf8')) as EdgeNodeName[];
      return names.filter(({ group, edgeNode }) => typeof group === 'string' && typeof edgeNode === 'string');
    } catch {
      // There is none yet, or a damaged one: they are learnt anew.
      return [];
    }
  }
}
