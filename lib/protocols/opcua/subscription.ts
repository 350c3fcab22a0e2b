import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { Queue } from '../../queue';
import type { OpcUaClient, OpenSession } from './client';
import { within } from './deadline';
import { opcUaError } from './errors';
import type { ClientSession, ClientSubscription } from './library';
import { askForMessage, giveMessage, putInOrder } from './library-mends';
import { type Message, MessageOrder } from './message-order';

/** What happened to the connection, in its place among the values. */
export type StateChange =
  | { kind: 'interrupted' }
  /** The same subscription again, or the library made it anew on a server that had lost it. */
  | { kind: 'connected' };

const KEEP_ALIVE_COUNT = 10;
const LIFETIME_COUNT = 1000;
/** The subscription counts as dead when no sign of life came for so many intervals of them. */
const SILENT_KEEP_ALIVES = 3;
/** A server that says nothing at all is noticed before that, and its session comes back by itself. */
const SILENT_TIMEOUTS = 5;
/** Items waiting to be taken at which the server is asked to hold back. */
const FULL = 50_000;
/** Messages that are lost or cannot be taken are told in one line for so long. */
const QUIET_MS = 60_000;

/** Called before it is told; values may come again before the connection counts as back. */
interface Hooks {
  onInterrupted(): void;
  onResumed(): void;
  /** Messages of the server are lost, over a connection that stands: called between what came before and after them. */
  onMissed(): void;
  report(message: string): void;
}

/** One subscription of the server, over interruptions, until it is closed. What it brings is put into the queue. */
export class LiveSubscription<T> {
  readonly queue = new Queue<T | StateChange>();
  readonly #client: OpcUaClient;
  readonly #hooks: Hooks;
  #subscription: ClientSubscription | undefined;
  #lastSign = 0;
  #watchdog: NodeJS.Timeout | undefined;
  #isHeld = false;
  #order: MessageOrder | undefined;
  #quietUntil = 0;
  /** Settles when all messages so far have been given. */
  #giving: Promise<void> = Promise.resolve();
  readonly #interrupted = () => {
    this.#hooks.onInterrupted();
    this.queue.push({ kind: 'interrupted' });
  };
  readonly #connected = () => {
    this.#lastSign = Date.now();
    this.#hooks.onResumed();
    this.queue.push({ kind: 'connected' });
  };
  readonly #failed = (error: IntegrationError) => {
    this.#hooks.onInterrupted();
    this.queue.fail(error);
  };

  constructor(client: OpcUaClient, hooks: Hooks) {
    this.#client = client;
    this.#hooks = hooks;
  }

  async start(
    { session }: OpenSession,
    publishingIntervalMs: number,
    signal: AbortSignal,
  ): Promise<ClientSubscription> {
    this.#client.on('interrupted', this.#interrupted);
    this.#client.on('connected', this.#connected);
    this.#client.on('failed', this.#failed);
    const subscription = await this.#client.request(
      session.createSubscription2({
        requestedPublishingInterval: publishingIntervalMs,
        requestedMaxKeepAliveCount: KEEP_ALIVE_COUNT,
        requestedLifetimeCount: LIFETIME_COUNT,
        maxNotificationsPerPublish: 0,
        publishingEnabled: true,
        priority: 1,
      }),
      'subscribing',
      signal,
    );
    this.#subscription = subscription;
    this.#order = this.#inOrder(session, subscription);
    putInOrder(subscription, this.#order, () => {
      this.#lastSign = Date.now();
    });
    subscription.on('internal_error', () => undefined);
    subscription.on('terminated', () => this.#failed(ended()));
    this.#watch(subscription);
    return subscription;
  }

  push(item: T): void {
    this.queue.push(item);
    if (!this.#isHeld && this.queue.size >= FULL) this.#hold(true);
  }

  /** For what can wait. */
  room(): Promise<void> {
    return this.queue.room(FULL / 2);
  }

  /** Takes what came; lets a server that was held back go on. */
  async take(): Promise<(T | StateChange)[]> {
    const items = await this.queue.take();
    if (this.#isHeld) this.#hold(false);
    return items;
  }

  async close(): Promise<void> {
    clearInterval(this.#watchdog);
    this.#order?.stop();
    this.#client.off('interrupted', this.#interrupted);
    this.#client.off('connected', this.#connected);
    this.#client.off('failed', this.#failed);
    const subscription = this.#subscription;
    this.#subscription = undefined;
    if (subscription === undefined) return;
    await within(subscription.terminate(), this.#client.options.timeoutMs, 'unsubscribing').catch(() => undefined);
  }

  #inOrder(session: ClientSession, subscription: ClientSubscription): MessageOrder {
    const { timeoutMs } = this.#client.options;
    const inTurn = (work: () => void | Promise<void>) => {
      // What cannot be taken keeps nobody from the next.
      this.#giving = this.#giving.then(work).catch((thrown) => {
        this.#tell(`A message of the server could not be taken: ${IntegrationError.from(thrown).message}`);
      });
    };
    const ways = {
      give: (message: Message) => inTurn(() => giveMessage(subscription, message)),
      lost: () => inTurn(() => this.#missed()),
      ask: (number: number) => {
        const asking = askForMessage(session, subscription.subscriptionId, number);
        return within(asking, timeoutMs, phrase`asking for a message that was lost`);
      },
    };
    return new MessageOrder(ways, timeoutMs);
  }

  #missed(): void {
    this.#hooks.onMissed();
    this.#tell('Messages of the server were lost on the way, and it does not have them any more.');
  }

  /** A server with which it happens all the time would fill the log. */
  #tell(message: string): void {
    if (Date.now() < this.#quietUntil) return;
    this.#quietUntil = Date.now() + QUIET_MS;
    this.#hooks.report(message);
  }

  #hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#subscription?.setPublishingMode(!isHeld).catch((thrown) => {
      this.#failed(opcUaError(thrown, isHeld ? phrase`holding values back` : phrase`letting values come again`));
    });
  }

  #watch(subscription: ClientSubscription): void {
    const keepAliveMs = subscription.maxKeepAliveCount * subscription.publishingInterval;
    const silentMs = Math.max(SILENT_KEEP_ALIVES * keepAliveMs, SILENT_TIMEOUTS * this.#client.options.timeoutMs);
    this.#lastSign = Date.now();
    this.#watchdog = setInterval(
      () => {
        if (this.#client.isConnected && Date.now() - this.#lastSign > silentMs) this.#failed(silent(silentMs));
      },
      Math.min(keepAliveMs, 1000),
    );
    this.#watchdog.unref();
  }
}

function ended(): IntegrationError {
  return new IntegrationError('transient', 'PCP_OPCUA_UNSUBSCRIBED', 'The server ended the subscription.', {
    hint: 'It is made again by itself; look at the limits of the server when this repeats.',
  });
}

function silent(ms: number): IntegrationError {
  const message = `The server gave no sign of life of the subscription for ${ms} ms.`;
  return new IntegrationError('transient', 'PCP_OPCUA_SILENT', message, {
    hint: 'It is made again by itself; look whether the server is overloaded.',
  });
}
