import { setTimeout as wait } from 'node:timers/promises';
import type { MqttOptions } from '../../../protocols/mqtt/options';
import type { SparkplugEdgeNode } from '../../../protocols/sparkplug/edge-node/edge-node';
import type { ConnectorEnvironment } from '../../contract';
import { Shared } from './shared';
import { EdgeNodeConnection } from './sparkplug-edge-node';

/** Before the next broker is tried: the primary host may be offline at all of them. */
const WALK_MS = 2_000;

/**
 * The connections of an edge node, one after the other. From a broker where its primary host is offline it goes on to the next
 * one of the list, by itself: its births are due wherever that host is, also when nothing new is to be published.
 */
export class EdgeNodeConnections {
  readonly #current: Shared<EdgeNodeConnection>;
  readonly #closing: AbortSignal;
  /** Left last; undefined = none yet. */
  #left: string | undefined;

  constructor(
    node: () => SparkplugEdgeNode,
    options: () => MqttOptions,
    log: ConnectorEnvironment['log'],
    closing: AbortSignal,
  ) {
    this.#closing = closing;
    this.#current = new Shared(
      async () => EdgeNodeConnection.open(node(), this.#onward(options()), log, closing),
      async (connection) => {
        await connection.ended;
        if (!connection.isLeft) return;
        this.#left = connection.server.href;
        void this.#walk();
      },
    );
  }

  get(signal: AbortSignal): Promise<EdgeNodeConnection> {
    return this.#current.get(signal);
  }

  close(): Promise<void> {
    return this.#current.close();
  }

  /** The one that was left comes last. */
  #onward(options: MqttOptions): MqttOptions {
    const { servers } = options;
    const next = servers.findIndex(({ href }) => href === this.#left) + 1;
    return { ...options, servers: [...servers.slice(next), ...servers.slice(0, next)] };
  }

  async #walk(): Promise<void> {
    for (;;) {
      await wait(WALK_MS, undefined, { signal: this.#closing, ref: false }).catch(() => undefined);
      if (this.#closing.aborted) return;
      try {
        await this.#current.get(this.#closing);
        return;
      } catch {
        // No broker lets it in: whoever publishes is told why.
      }
    }
  }
}
