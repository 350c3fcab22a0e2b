import { createHash } from 'node:crypto';
import type { OpenConnection } from '../model/connection';
import { SharedConnection, type SharedConnectionOptions } from './shared-connection';

/**
 * A connection that nobody uses stays open so long: a deploy closes nodes and opens them again at once, and a flow reads again
 * in a while.
 */
const LINGER_MS = 60_000;

interface Entry {
  connectionId: number;
  shared: SharedConnection;
  users: number;
  closing: NodeJS.Timeout | undefined;
}

/** The open connections of the shop floor: one for all nodes and streams that use the same settings. */
export class SharedConnections {
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly options: SharedConnectionOptions,
    private readonly lingerMs = LINGER_MS,
  ) {}

  /** Whoever acquires it gives it back by `release`. */
  acquire(connection: OpenConnection): { shared: SharedConnection; release(): void } {
    const key = settingsKey(connection);
    let entry = this.entries.get(key);
    if (entry === undefined) {
      // One that still lingers under other settings would be a second session of the same client.
      const others = [...this.entries].filter(
        ([, { connectionId, users }]) => connectionId === connection.id && users === 0,
      );
      const gone = Promise.all(others.map(([otherKey]) => this.close(otherKey)));
      entry = {
        connectionId: connection.id,
        shared: new SharedConnection(connection, this.options, gone),
        users: 0,
        closing: undefined,
      };
      this.entries.set(key, entry);
    }
    const used = entry;
    clearTimeout(used.closing);
    used.users++;
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      used.users--;
      if (used.users > 0 || this.entries.get(key) !== used) return;
      used.closing = setTimeout(() => void this.close(key), this.lingerMs);
    };
    return { shared: used.shared, release };
  }

  get size(): number {
    return this.entries.size;
  }

  /** All that failed try again at once. */
  retry(): void {
    for (const { shared } of this.entries.values()) shared.retry();
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.entries.keys()].map((key) => this.close(key)));
  }

  private async close(key: string): Promise<void> {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    clearTimeout(entry.closing);
    this.entries.delete(key);
    await entry.shared.close();
  }
}

function settingsKey({ id, connector_type, config, credentials }: OpenConnection): string {
  return createHash('sha256')
    .update(JSON.stringify([id, connector_type, config, credentials]))
    .digest('base64');
}
