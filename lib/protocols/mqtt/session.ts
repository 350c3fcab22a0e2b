import { createHash } from 'node:crypto';
import type { IntegrationError } from '../../model/errors';
import { MqttConnection } from './connection';
import { heldUp } from './errors';
import type { IncomingMessage, MqttOptions, TopicSubscription } from './options';
import { matches, withoutShare } from './topic';

/** Who gets the messages of some subscriptions. */
export interface Consumer {
  subscriptions: readonly TopicSubscription[];
  /** The message counts as taken when `acknowledge` was called, by every consumer that got it. */
  receive(message: IncomingMessage): void;
  /** Others take none of theirs, and the broker sends no more until they do; null = it goes on. */
  heldUp?(error: IntegrationError | null): void;
}

/**
 * How long messages wait for who subscribes to them: streams and nodes that are deployed anew come back within seconds, and
 * must not lose what arrived meanwhile, or waited in the session that the broker kept.
 */
const GRACE_MS = 30_000;
/** While they keep others from theirs, as acknowledgements leave in order and the broker sends only so many without. */
const IN_THE_WAY_MS = 5_000;
/** The same when so much of what the broker may send is under way. */
const FILLED = 0.75;
const FILLED_MS = 2_000;
const LOOK_EVERY_MS = 1_000;
/** Of a consumer that does not take its messages. */
const HELD_UP_MS = 10_000;
/** Brokers of MQTT 3.1.1 have a window of their own, often of 20. */
const UNTOLD_WINDOW = 10;
const LARGEST_ID = 268_435_455;
const MOST_ROUTES = 10_000;

interface Delivery {
  message: IncomingMessage;
  at: number;
  /** Who has it and did not acknowledge it. */
  holders: Consumer[];
  /** Somebody acknowledged it. */
  isTaken: boolean;
}

/** In place of a consumer that went, or that did not come yet. */
interface StandIn extends Consumer {
  since: number;
  /** When it began to hold messages. */
  holdsSince: number | undefined;
}

/** One connection whose messages go to several consumers. */
export class MqttSession {
  readonly connection: MqttConnection;
  readonly #options: MqttOptions;
  readonly #graceMs: number;
  readonly #consumers = new Set<Consumer>();
  readonly #standIns = new Set<StandIn>();
  /** Filters that nobody came for: what the broker has queued of them still comes. */
  readonly #abandoned = new Set<string>();
  readonly #deliveries = new Set<Delivery>();
  /** Who gets the messages of a topic. */
  readonly #routes = new Map<string, readonly Consumer[]>();
  #strangers: StandIn | undefined;
  #looking: NodeJS.Timeout | undefined;
  #hasToldLoss = false;
  readonly #heldUp = new Set<Consumer>();

  private constructor(connection: MqttConnection, options: MqttOptions, graceMs: number) {
    this.connection = connection;
    this.#options = options;
    this.#graceMs = graceMs;
    this.#looking = setInterval(() => this.#look(), Math.min(LOOK_EVERY_MS, graceMs)).unref();
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
    for (const { filter } of consumer.subscriptions) this.#abandoned.delete(filter);
    this.#handOver(consumer);
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
    this.#heldUp.delete(consumer);
    if (!this.#consumers.delete(consumer) || this.#looking === undefined) return;
    const standIn = this.#standIn(consumer.subscriptions);
    for (const delivery of this.#deliveries) if (take(delivery.holders, consumer)) this.#give(delivery, standIn);
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
    const delivery: Delivery = { message, at: performance.now(), holders: [], isTaken: false };
    if (message.qos > 0) this.#deliveries.add(delivery);
    const consumers = this.#route(message);
    for (const consumer of consumers) this.#give(delivery, consumer);
    if (consumers.length === 0) this.#settle(delivery);
  }

  #give(delivery: Delivery, consumer: Consumer): void {
    const { message, holders } = delivery;
    holders.push(consumer);
    if (this.#heldUp.delete(consumer)) consumer.heldUp?.(null);
    const acknowledge = () => {
      delivery.isTaken = true;
      this.#release(delivery, consumer);
    };
    consumer.receive({ ...message, acknowledge });
  }

  #release(delivery: Delivery, consumer: Consumer): void {
    const { holders } = delivery;
    if (take(holders, consumer) && holders.length === 0) this.#settle(delivery);
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
      const all = [...this.#consumers, ...this.#standIns];
      const found = all.filter((consumer) => isMeant(consumer, message));
      const filters = [...filtersOf(all), ...this.#abandoned];
      const known = new Set(filters.map(idOf));
      const isStrange =
        subscriptionIds.length === 0
          ? !filters.some((filter) => matches(withoutShare(filter), topic))
          : subscriptionIds.some((id) => !known.has(id));
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

  #standIn(subscriptions: readonly TopicSubscription[]): StandIn {
    const standIn: StandIn = {
      subscriptions,
      since: performance.now(),
      holdsSince: undefined,
      receive: () => {
        standIn.holdsSince ??= performance.now();
      },
    };
    this.#standIns.add(standIn);
    this.#routes.clear();
    return standIn;
  }

  /** For each of its filters a consumer takes the place of one that had it before, and gets what that one did not take. */
  #handOver(consumer: Consumer): void {
    const before = new Set<StandIn>(this.#strangers === undefined ? [] : [this.#strangers]);
    for (const { filter } of consumer.subscriptions) {
      const standIn = [...this.#standIns].find(({ subscriptions }) =>
        subscriptions.some((one) => one.filter === filter),
      );
      if (standIn === undefined) continue;
      standIn.subscriptions = standIn.subscriptions.filter((one) => one.filter !== filter);
      before.add(standIn);
    }
    for (const delivery of this.#deliveries) {
      const { message, holders } = delivery;
      const left = [...before].filter((standIn) => holders.includes(standIn) && !isMeant(standIn, message));
      if (left.length === 0) continue;
      const isWanted = isMeant(consumer, message);
      if (isWanted) this.#give(delivery, consumer);
      for (const standIn of left) if (isWanted || standIn !== this.#strangers) this.#release(delivery, standIn);
    }
    for (const standIn of before)
      if (standIn.subscriptions.length === 0 && standIn !== this.#strangers) this.#standIns.delete(standIn);
  }

  /** Ends the waiting for who does not come. */
  #look(): void {
    const now = performance.now();
    const { version, receiveMaximum } = this.#options;
    const isFilled = this.connection.unacknowledged > receiveMaximum * FILLED;
    this.#lookForHolder(now, isFilled || (version === 4 && this.connection.unacknowledged >= UNTOLD_WINDOW));
    const patience = Math.min(this.#graceMs, isFilled ? FILLED_MS : IN_THE_WAY_MS);
    const [oldest] = this.#deliveries;
    for (const standIn of this.#standIns) {
      const { since, holdsSince = now } = standIn;
      // Whom strangers wait for is about to start, after a restart for instance.
      const isInTheWay = this.#consumers.size > 0 && standIn !== this.#strangers && oldest?.holders.includes(standIn);
      if (now - since > this.#graceMs || (isInTheWay && now - holdsSince > patience)) this.#dismiss(standIn);
    }
  }

  /** Tells all others of one that takes nothing: acknowledgements leave in order, theirs wait as well. */
  #lookForHolder(now: number, isFilled: boolean): void {
    const [oldest] = this.#deliveries;
    const isHeld = isFilled && oldest !== undefined && now - oldest.at > Math.min(HELD_UP_MS, this.#graceMs);
    for (const consumer of this.#consumers) {
      const isHeldUp = isHeld && !oldest.holders.includes(consumer);
      if (isHeldUp === this.#heldUp.has(consumer)) continue;
      if (isHeldUp) this.#heldUp.add(consumer);
      else this.#heldUp.delete(consumer);
      consumer.heldUp?.(isHeldUp ? heldUp(oldest.message.topic) : null);
    }
  }

  /** Nobody came: what waited is given up, and the broker is told to send no more. */
  #dismiss(standIn: StandIn): void {
    this.#standIns.delete(standIn);
    this.#routes.clear();
    if (standIn === this.#strangers) this.#strangers = undefined;
    const given = [...this.#deliveries].filter(({ holders }) => holders.includes(standIn));
    this.#tellLoss(given.filter(({ holders, isTaken }) => holders.length === 1 && !isTaken));
    for (const delivery of given) this.#release(delivery, standIn);
    const wanted = filtersOf([...this.#consumers, ...this.#standIns]);
    for (const { filter } of standIn.subscriptions) {
      if (wanted.includes(filter)) continue;
      this.#abandoned.add(filter);
      this.#unsubscribe(filter);
    }
  }

  /** Once for each connection: a filter that the broker has kept of an earlier one goes on sending. */
  #tellLoss(deliveries: readonly Delivery[]): void {
    if (deliveries.length === 0 || this.#hasToldLoss) return;
    this.#hasToldLoss = true;
    const topics = [...new Set(deliveries.map(({ message }) => message.topic))].slice(0, 5).join(', ');
    this.#options.onProblem(`Messages that nobody subscribes to any more are left out: ${topics}.`);
  }

  #unsubscribe(filter: string): void {
    const limit = AbortSignal.timeout(this.#options.timeoutMs);
    this.connection.unsubscribe(filter, limit).catch(({ message }: IntegrationError) => {
      this.#options.onProblem(`The subscription to "${filter}" could not be ended: ${message}`);
    });
  }

  #stop(): void {
    clearInterval(this.#looking);
    this.#looking = undefined;
  }
}

/** @returns whether it was there */
function take(holders: Consumer[], consumer: Consumer): boolean {
  const at = holders.indexOf(consumer);
  if (at >= 0) holders.splice(at, 1);
  return at >= 0;
}

function filtersOf(consumers: readonly Consumer[]): string[] {
  return consumers.flatMap(({ subscriptions }) => subscriptions.map(({ filter }) => filter));
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
