import { setTimeout as delay } from 'node:timers/promises';
import { MqttConnection } from '../../../lib/protocols/mqtt/connection';
import type { MqttOptions } from '../../../lib/protocols/mqtt/options';
import { SparkplugEdgeNode } from '../../../lib/protocols/sparkplug/edge-node/edge-node';
import type { MetricUpdate } from '../../../lib/protocols/sparkplug/edge-node/published-metrics';
import type { Message } from '../../../lib/protocols/sparkplug/message';
import { SeededRandom } from '../../random';
import { FASTEST, LOTS_TOPIC, type Lot, PRESS, PRESS_HOST, Press, SPEED_METRIC } from '../press';
import { type MachineTask, runMachine } from './machine-process';

const TICK_MS = 1000;
const TIMEOUT_MS = 3000;
/** Values that the press keeps while nobody listens, and how many of them go into one message. */
const MOST_KEPT = 20_000;
const PER_MESSAGE = 500;
/** A host that has just come takes a moment until it has subscribed to the lots, too. */
const LOTS_AFTER_TICKS = 3;

/** The edge node of the press: it publishes while its host listens, and keeps what happens meanwhile for later. */
class PressEdgeNode {
  readonly #press = new Press(new SeededRandom(Date.now()));
  // A process that was killed does not know its last number: the time has gone on since.
  readonly #node = new SparkplugEdgeNode({
    group: PRESS.group,
    edgeNode: PRESS.edgeNode,
    primaryHostId: PRESS_HOST,
    bdSeq: Math.floor(Date.now() / 1000) % 256,
  });
  readonly #told = new Map<string, unknown>();
  #connection: MqttConnection | undefined;
  #kept: MetricUpdate[] = [];
  #lots: Lot[] = [];
  #ticksListenedTo = 0;
  #sent: Promise<void> = Promise.resolve();

  /** Once a second: what happened, and what of it can be told. */
  tick(now: number): void {
    const lot = this.#press.advance(TICK_MS / 1000, now);
    if (lot) this.#lots.push(lot);
    const changed = this.#press.metrics(now).filter(({ metric, value }) => this.#told.get(metric) !== value);
    for (const { metric, value } of changed) this.#told.set(metric, value);
    if (!this.#node.isBorn) {
      this.#node.update(changed, now);
      this.#kept.push(...changed);
      if (this.#kept.length > MOST_KEPT) this.#kept.splice(0, this.#kept.length - MOST_KEPT);
      this.#ticksListenedTo = 0;
      return;
    }
    const history = this.#takeHistory();
    while (history.length > 0) this.#publish(this.#node.update(history.splice(0, PER_MESSAGE), now));
    this.#publish(this.#node.update(changed, now));
    if (++this.#ticksListenedTo > LOTS_AFTER_TICKS) for (const waiting of this.#lots.splice(0)) this.#report(waiting);
  }

  /** What was kept, without the last value of each metric: births have told that. */
  #takeHistory(): MetricUpdate[] {
    const last = new Map(this.#kept.map((update) => [update.metric, update]));
    return this.#kept
      .splice(0)
      .filter((update) => last.get(update.metric) !== update)
      .map((update) => ({ ...update, isHistorical: true }));
  }

  /** Connects, again and again. */
  async run(options: MqttOptions): Promise<never> {
    for (;;) {
      try {
        await this.#connect(options);
      } catch {
        // The broker is away, and will be back.
      }
      this.#node.disconnected();
      this.#connection = undefined;
      await delay(TICK_MS);
    }
  }

  /** Resolves when the connection has ended. */
  async #connect(options: MqttOptions): Promise<void> {
    const will = this.#node.connecting(Date.now());
    const limit = AbortSignal.timeout(TIMEOUT_MS);
    const connection = await MqttConnection.open(
      { ...options, will },
      (message) => {
        message.acknowledge();
        this.#receive(message.topic, message.payload);
      },
      limit,
    );
    this.#connection = connection;
    try {
      for (const subscription of this.#node.subscriptions()) await connection.subscribe(subscription, limit);
      this.#publish(this.#node.connected(Date.now()));
      await connection.ended;
    } finally {
      await connection.close();
    }
  }

  #receive(topic: string, payload: Buffer): void {
    const { publish, commands, disconnect } = this.#node.receive(topic, payload, Date.now());
    this.#publish(publish);
    for (const { metric, value } of commands) {
      if (metric === SPEED_METRIC) this.#press.strokesPerMinute = Math.min(FASTEST, Math.max(0, Number(value)));
    }
    if (disconnect) void this.#sent.then(() => this.#connection?.close());
  }

  /** A lot is reported when the broker has it. */
  #report(lot: Lot): void {
    this.#publish([{ topic: LOTS_TOPIC, payload: Buffer.from(JSON.stringify(lot)), qos: 1, retain: false }], () =>
      this.#lots.push(lot),
    );
  }

  /** Messages leave in their sequence; with the end of the connection what has not left is over. */
  #publish(messages: readonly Message[], onFailure?: () => void): void {
    const connection = this.#connection;
    this.#sent = this.#sent
      .then(async () => {
        for (const message of messages) await connection?.publish(message, AbortSignal.timeout(TIMEOUT_MS));
      })
      .catch(onFailure);
  }
}

async function start({ port }: MachineTask): Promise<void> {
  const edgeNode = new PressEdgeNode();
  setInterval(() => edgeNode.tick(Date.now()), TICK_MS);
  void edgeNode.run({
    servers: [new URL(`mqtt://127.0.0.1:${port}`)],
    version: 4,
    clientId: `${PRESS.edgeNode}-edge`,
    tls: {},
    keepaliveSeconds: 5,
    sessionExpirySeconds: 0,
    receiveMaximum: 100,
    maxMessageBytes: 1_000_000,
    timeoutMs: TIMEOUT_MS,
    onProblem: () => undefined,
  });
}

runMachine(start);
