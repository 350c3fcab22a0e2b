import { createHash } from 'node:crypto';
import type { IntegrationError } from '../../model/errors';
import { MqttConnection } from './connection';
import type { IncomingMessage, MqttOptions, TopicSubscription } from './options';
import { matches, withoutShare } from './topic';

/** Who gets the messages of some subscriptions. */
export interface Consumer {
  subscriptions: readonly TopicSubscription[];
  /** The message counts as taken when `acknowledge` was called, by every consumer that got it. */
  receive(message: IncomingMessage): void;
}

/**
 * How long messages wait for who subscribes to them: streams and nodes that are deployed anew come back within seconds, and
 * must not lose what arrived meanwhile, or waited in the session that the broker kept.
 */
const GRACE_MS = 30_000;
const LARGEST_ID = 268_435_455;
const MOST_ROUTES = 10_000;

interface Delivery {
  message: IncomingMessage;
  /** Who has it and did not acknowledge it. */
  holders: Set<Consumer>;
}

/** One connection whose messages go to several consumers. */
export class MqttSession {
  readonly connection: MqttConnection;
  readonly #options: MqttOptions;
  readonly #graceMs: number;
  readonly #consumers = new Set<Consumer>();
  /** In place of consumers that went, and of those that did not come yet. */
  readonly #standIns = new Map<Consumer, NodeJS.Timeout>();
  readonly #deliveries = new Set<Delivery>();
  /** Who gets the messages of a topic. */
  readonly #routes = new Map<string, readonly Consumer[]>();
  #strangers: Consumer | undefined;
  #isOver = false;
  #hasToldLoss = false;

  private constructor(connection: MqttConnection, options: MqttOptions, graceMs: number) {
    this.connection = connection;
    this.#options = options;
    this.#graceMs = graceMs;
    void connection.ended.then(() => this.#stop());
  }

  /** @throws as `MqttConnection.open` */
  static async open(options: MqttOptions, signal: AbortSignal, graceMs = GRACE_MS): Promise<MqttSession> {
    // The broker may send what it kept before the promise has settled.
    const early: IncomingMessage[] = [];
    let receive = (message: IncomingMessage): void => void early.push(message);
    const connection = await MqttConnection.open(options, (message) => receive(message), signal);
    const session = new MqttSession(connection, options, graceMs);
    receive = (message) => session.#dispatch(message);
    early.forEach(receive);
    return session;
  }

  /** Resolves when the broker has granted every subscription. @throws as `MqttConnection.subscribe` */
  async add(consumer: Consumer, signal: AbortSignal): Promise<void> {
    this.#consumers.add(consumer);
    this.#routes.clear();
    for (const delivery of this.#deliveries) {
      const standIns = [...delivery.holders].filter((holder) => this.#standIns.has(holder));
      if (standIns.length === 0 || !isMeant(consumer, delivery.message)) continue;
      for (const standIn of standIns) delivery.holders.delete(standIn);
      this.#give(delivery, consumer);
    }
    try {
      for (const subscription of consumer.subscriptions) {
        await this.connection.subscribe(this.#asked(subscription), signal);
      }
    } catch (thrown) {
      this.remove(consumer);
      throw thrown;
    }
  }

  /** What the consumer did not acknowledge waits for the next one. */
  remove(consumer: Consumer): void {
    if (!this.#consumers.delete(consumer) || this.#isOver) return;
    const standIn = this.#standIn(consumer.subscriptions);
    for (const { holders } of this.#deliveries) if (holders.delete(consumer)) holders.add(standIn);
  }

  close(): Promise<void> {
    this.#stop();
    return this.connection.close();
  }

  /** A filter that several consumers have is subscribed with the highest QoS of them. */
  #asked(subscription: TopicSubscription): TopicSubscription {
    const { filter } = subscription;
    const same = [...this.#consumers].flatMap(({ subscriptions }) =>
      subscriptions.filter((one) => one.filter === filter),
    );
    const qos = Math.max(...same.map((one) => one.qos)) as TopicSubscription['qos'];
    return { ...subscription, qos, ...(this.#options.version === 5 && { id: idOf(filter) }) };
  }

  #dispatch(message: IncomingMessage): void {
    const delivery = { message, holders: new Set<Consumer>() };
    if (message.qos > 0) this.#deliveries.add(delivery);
    const consumers = this.#route(message);
    for (const consumer of consumers) this.#give(delivery, consumer);
    if (consumers.length === 0) this.#settle(delivery);
  }

  #give(delivery: Delivery, consumer: Consumer): void {
    const { message, holders } = delivery;
    holders.add(consumer);
    consumer.receive({ ...message, acknowledge: () => this.#release(delivery, consumer) });
  }

  #release(delivery: Delivery, consumer: Consumer): void {
    const { holders } = delivery;
    if (holders.delete(consumer) && holders.size === 0) this.#settle(delivery);
  }

  #settle(delivery: Delivery): void {
    this.#deliveries.delete(delivery);
    delivery.message.acknowledge();
  }

  #route(message: IncomingMessage): readonly Consumer[] {
    const { topic, subscriptionIds } = message;
    const key = `${subscriptionIds.join()} ${topic}`;
    let consumers = this.#routes.get(key);
    if (consumers === undefined) {
      const all = [...this.#consumers, ...this.#standIns.keys()];
      const found = all.filter((consumer) => isMeant(consumer, message));
      const known = new Set(all.flatMap(({ subscriptions }) => subscriptions.map(({ filter }) => idOf(filter))));
      const isStrange =
        subscriptionIds.length === 0 ? found.length === 0 : subscriptionIds.some((id) => !known.has(id));
      consumers = isStrange ? [...found, this.#expectStrangers()] : found;
      if (this.#routes.size >= MOST_ROUTES) this.#routes.clear();
      this.#routes.set(key, consumers);
    }
    return consumers;
  }

  /** Holds what nobody has subscribed to yet. */
  #expectStrangers(): Consumer {
    this.#strangers ??= this.#standIn([]);
    return this.#strangers;
  }

  #standIn(subscriptions: readonly TopicSubscription[]): Consumer {
    const standIn: Consumer = { subscriptions, receive: () => undefined };
    this.#standIns.set(standIn, setTimeout(() => this.#dismiss(standIn), this.#graceMs).unref());
    this.#routes.clear();
    return standIn;
  }

  /** Nobody came: what waited is given up, and the broker is told to send no more. */
  #dismiss(standIn: Consumer): void {
    this.#standIns.delete(standIn);
    this.#routes.clear();
    if (standIn === this.#strangers) this.#strangers = undefined;
    const given = [...this.#deliveries].filter(({ holders }) => holders.has(standIn));
    for (const delivery of given) this.#release(delivery, standIn);
    // Once for each connection: a filter that the broker has kept of an earlier one goes on sending.
    if (given.length > 0 && !this.#hasToldLoss) {
      this.#hasToldLoss = true;
      const topics = [...new Set(given.map(({ message }) => message.topic))].slice(0, 5).join(', ');
      this.#options.onProblem(`Messages that nobody subscribes to any more are left out: ${topics}.`);
    }
    const wanted = new Set(
      [...this.#consumers, ...this.#standIns.keys()].flatMap(({ subscriptions }) =>
        subscriptions.map((one) => one.filter),
      ),
    );
    for (const { filter } of standIn.subscriptions) if (!wanted.has(filter)) this.#unsubscribe(filter);
  }

  #unsubscribe(filter: string): void {
    const limit = AbortSignal.timeout(this.#options.timeoutMs);
    this.connection.unsubscribe(filter, limit).catch(({ message }: IntegrationError) => {
      this.#options.onProblem(`The subscription to "${filter}" could not be ended: ${message}`);
    });
  }

  #stop(): void {
    this.#isOver = true;
    for (const timer of this.#standIns.values()) clearTimeout(timer);
  }
}

/**
 * By the identifiers in the message, where it has some: a broker may send one copy for each subscription, and a consumer
 * wants one of them. Else by its topic alone.
 */
function isMeant({ subscriptions }: Consumer, { topic, subscriptionIds }: IncomingMessage): boolean {
  const first = subscriptions.find(({ filter }) => matches(withoutShare(filter), topic));
  return first !== undefined && (subscriptionIds.length === 0 || subscriptionIds.includes(idOf(first.filter)));
}

const ids = new Map<string, number>();

/** The same in every process, since a kept session keeps the identifiers of its subscriptions. */
function idOf(filter: string): number {
  let id = ids.get(filter);
  if (id === undefined) {
    id = (createHash('sha256').update(filter).digest().readUInt32BE(0) % LARGEST_ID) + 1;
    ids.set(filter, id);
  }
  return id;
}
