import type { Node, NodeAPI, NodeStatus } from 'node-red';
import { IntegrationError } from '../../lib/model/errors';

/** Progress is shown at most this often. */
const INTERVAL_MS = 500;

/** The line under a node, in words of its own locale file. Texts with figures are translated on the server. */
export class NodeStatusLine {
  readonly #RED: NodeAPI;
  readonly #node: Node;
  #shownAt = 0;
  #later: NodeJS.Timeout | undefined;

  constructor(RED: NodeAPI, node: Node) {
    this.#RED = RED;
    this.#node = node;
  }

  #show(fill: NodeStatus['fill'], shape: NodeStatus['shape'], key: string, values?: Record<string, string | number>) {
    clearTimeout(this.#later);
    const path = `${this.#node.type}.status.${key}`;
    this.#node.status({ fill, shape, text: values ? this.#RED._(path, values) : path });
  }

  clear(): void {
    clearTimeout(this.#later);
    this.#node.status({});
  }

  waiting(): void {
    this.#show('grey', 'ring', 'waiting');
  }

  /** Nothing is to be done here for now. */
  resting(key: string): void {
    this.#show('grey', 'ring', key);
  }

  /** Work goes on; `values.count` and the like fill the text's gaps. */
  working(key: string, values?: Record<string, string | number>): void {
    const now = Date.now();
    if (values && now - this.#shownAt < INTERVAL_MS) return;
    this.#shownAt = now;
    this.#show('blue', 'dot', key, values);
  }

  /** It goes on by itself, and something has just come of it. */
  active(key: string, values: Record<string, string | number>): void {
    const wait = this.#shownAt + INTERVAL_MS - Date.now();
    if (wait > 0) {
      // The last figure stays to be seen when nothing more comes.
      clearTimeout(this.#later);
      this.#later = setTimeout(() => this.active(key, values), wait).unref();
      return;
    }
    this.#shownAt = Date.now();
    this.#show('green', 'dot', key, values);
  }

  finished(key: string, values?: Record<string, string | number>): void {
    this.#show('green', 'dot', key, values);
  }

  /** It worked, with something to look at. */
  attention(key: string, values?: Record<string, string | number>): void {
    this.#show('yellow', 'dot', key, values);
  }

  failed(thrown: unknown): void {
    const error = IntegrationError.from(thrown);
    if (error.class === 'cancelled') this.#show('grey', 'dot', 'cancelled');
    else this.#show('red', error.class === 'transient' ? 'ring' : 'dot', `class.${error.class}`);
  }
}
