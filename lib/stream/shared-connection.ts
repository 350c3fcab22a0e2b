import { setTimeout as wait } from 'node:timers/promises';
import { abortable } from '../abortable';
import type { Connector, ConnectorEnvironment, SourceRecord } from '../connectors/contract';
import type { Subscription } from '../connectors/live';
import type { LoadedConnector } from '../connectors/registry';
import type { OpenConnection } from '../model/connection';
import type { Delivery } from '../model/delivery';
import { IntegrationError } from '../model/errors';
import { phrase } from '../model/phrase';
import { Outage } from '../outage';
import { LastWords } from './last-words';

const CLOSE_MS = 5_000;
/** Of these: how long followers may take what a connection that is given up still holds. */
const LAST_WORDS_MS = 2_000;
/** Records that a follower has in hand before the source is kept waiting. */
const MOST_IN_HAND = 5_000;
/** One that held for so long had no fault of its own: the next failure begins the backoff anew. */
const STABLE_MS = 10_000;
/** A refused password or an unknown tag stays so until a person acts; the other side may change as well. */
const REFUSED_RETRY_MS = 60_000;

export interface SharedConnectionOptions {
  load(type: string): Promise<LoadedConnector>;
  environment: ConnectorEnvironment;
  /** First and longest delay after a failure, in milliseconds; with jitter. */
  backoff?: { firstMs: number; longestMs: number };
}

/** Who follows a subscription. */
export interface Follower {
  /**
   * Resolves when it is done with the records. What it throws ends the subscription, which is then begun anew.
   * @param over aborted when the subscription has ended: what is acknowledged only now, its source sends again
   * @param delivery of which they are, where it is to be taken once
   */
  records(
    records: SourceRecord[],
    acknowledge: (() => void) | undefined,
    over: AbortSignal,
    delivery?: Delivery,
  ): Promise<void>;
  state(state: 'connecting' | 'connected' | 'interrupted' | 'failed', error?: IntegrationError): void;
}

interface Opened {
  connector: Connector;
  /** Aborted when the connection is given up: whoever follows something over it takes what is still there. */
  ended: AbortController;
  /** Aborted when nobody may take anything any more. */
  over: AbortController;
  /** All that listen over it. */
  listening: Set<Promise<void>>;
}

/**
 * One connection as all its users share it. When it fails it is closed and opened anew, ever again, and what its users follow
 * is applied to the new one: they only say what they want.
 */
export class SharedConnection {
  private opening: Promise<Opened> | null = null;
  private current: Opened | null = null;
  /** An instance that is being closed: two sessions at once may be one too many for the other side. */
  private closing: Promise<unknown>;
  private attempts = 0;
  private nextAt = 0;
  private connectedAt: number | null = null;
  private lastError: IntegrationError | null = null;
  private followers = 0;
  private pausing = new AbortController();
  private readonly closed = new AbortController();
  private readonly outage: Outage;

  /** @param gone what has to be over before it opens */
  constructor(
    private readonly connection: OpenConnection,
    private readonly options: SharedConnectionOptions,
    gone: Promise<unknown> = Promise.resolve(),
  ) {
    this.closing = gone;
    this.outage = new Outage(`Connection "${connection.name}"`, options.environment.log);
  }

  /**
   * Does something once over the connection. A failure is the caller's; while the connection is being restored it is told at
   * once.
   */
  async use<T>(work: (connector: Connector) => Promise<T>): Promise<T> {
    const waitMs = this.nextAt - performance.now();
    if (this.lastError !== null && waitMs > 0) throw notTried(this.lastError, waitMs);
    const opened = await this.open();
    try {
      const result = await work(opened.connector);
      if (this.followers === 0) this.works();
      return result;
    } catch (error) {
      const failure = IntegrationError.from(error);
      // Those who follow something know better whether the connection is still good, and one request may fail on a good one.
      if ((isLoss(failure) || failure.class === 'auth') && this.followers === 0) this.lost(opened, failure);
      throw failure;
    }
  }

  /** Follows a subscription until the signal aborts. Never throws: what goes wrong is told by `state`, and tried again. */
  async follow(subscription: Subscription, follower: Follower, signal: AbortSignal): Promise<void> {
    const until = AbortSignal.any([signal, this.closed.signal]);
    const refusal = new Outage(`A subscription of connection "${this.connection.name}"`, this.options.environment.log);
    this.followers++;
    follower.state('connecting');
    try {
      while (!until.aborted) {
        const failure = await this.attempt(subscription, follower, refusal, until);
        if (until.aborted || failure === null) continue;
        const isForPerson = failure.class === 'auth' || !isOfConnection(failure);
        follower.state(isForPerson ? 'failed' : 'interrupted', failure);
        if (!isOfConnection(failure)) {
          refusal.failed(failure);
          await this.pause(REFUSED_RETRY_MS, until);
        }
      }
    } finally {
      this.followers--;
    }
  }

  /** What it failed for may be over: nobody waits any longer. */
  retry(): void {
    this.nextAt = 0;
    this.pausing.abort();
    this.pausing = new AbortController();
  }

  async close(): Promise<void> {
    this.closed.abort();
    const opened = this.current ?? (await this.opening?.catch(() => null));
    this.current = null;
    if (opened) {
      opened.ended.abort(closedError());
      await closeWithin(opened.connector, AbortSignal.timeout(CLOSE_MS));
    }
    await this.closing;
  }

  /** @returns why it ended; null when another user found the connection broken first */
  private async attempt(
    subscription: Subscription,
    follower: Follower,
    refusal: Outage,
    until: AbortSignal,
  ): Promise<IntegrationError | null> {
    // Another user that woke first may have failed by now: to try once more would double the pause of all.
    while (this.nextAt > performance.now() && !until.aborted) await this.pause(this.nextAt - performance.now(), until);
    if (until.aborted) return null;
    let opened: Opened | null = null;
    try {
      opened = await this.open();
      const listening = this.listen(opened, subscription, follower, refusal, until);
      opened.listening.add(listening);
      await listening.finally(() => opened?.listening.delete(listening));
      throw new IntegrationError('transient', 'PCP_SUBSCRIPTION_ENDED', 'The source ended the subscription.');
    } catch (error) {
      if (opened?.ended.signal.aborted) return this.lastError;
      const failure = IntegrationError.from(error);
      if (!until.aborted && isOfConnection(failure)) this.lost(opened, failure);
      return failure;
    }
  }

  private async listen(
    opened: Opened,
    subscription: Subscription,
    follower: Follower,
    refusal: Outage,
    until: AbortSignal,
  ): Promise<void> {
    const { connector, ended, over } = opened;
    if (connector.subscribe === undefined) {
      throw new IntegrationError('config', 'PCP_NOT_SUBSCRIBABLE', `${this.connection.name} cannot be subscribed to.`);
    }
    const broken = new AbortController();
    const finished = new AbortController();
    const lastWords = new LastWords(ended.signal);
    const signal = AbortSignal.any([until, broken.signal, over.signal, lastWords.over]);
    let inHand = 0;
    const events = connector.subscribe(subscription, signal)[Symbol.asyncIterator]();
    let isConnected = false;
    const connected = (): void => {
      if (this.current === opened) this.works();
      refusal.succeeded();
      if (!isConnected) follower.state('connected');
      isConnected = true;
    };
    try {
      for (;;) {
        const next = await lastWords.awaiting(abortable(events.next(), signal));
        if (next.done === true) return;
        const event = next.value;
        if (event.kind === 'records') {
          connected();
          inHand += event.records.length;
          const { records, delivery } = event;
          const done = follower.records(records, event.acknowledge?.bind(event), finished.signal, delivery).then(() => {
            inHand -= records.length;
          });
          done.catch((error: unknown) => broken.abort(error));
          if (inHand > MOST_IN_HAND) await abortable(done, signal);
        } else if (event.state === 'connected') {
          connected();
        } else {
          isConnected = false;
          const error =
            event.error ?? new IntegrationError('transient', 'PCP_CONNECTION_LOST', 'The connection was lost.');
          this.outage.failed(error);
          follower.state('interrupted', error);
        }
      }
    } finally {
      lastWords.stop();
      finished.abort(closedError());
      // A source that does not end by itself must not hold up whoever wants to go on.
      void Promise.resolve(events.return?.()).catch(() => undefined);
    }
  }

  private works(): void {
    this.connectedAt ??= performance.now();
    this.lastError = null;
    this.outage.succeeded();
  }

  /** Gives the connection up, and says when to try again. */
  private lost(opened: Opened | null, error: IntegrationError): void {
    const now = performance.now();
    // Another user was first to notice.
    if (opened === null ? now < this.nextAt : this.current !== opened) return;
    const isStable = this.connectedAt !== null && now - this.connectedAt > STABLE_MS;
    this.attempts = isStable ? 1 : this.attempts + 1;
    this.connectedAt = null;
    this.nextAt = now + this.delay(error);
    this.lastError = error;
    this.outage.failed(error);
    this.current = null;
    if (opened === null) return;
    opened.ended.abort(error);
    this.closing = closeAfterLastWords(opened);
  }

  private async pause(milliseconds: number, until: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([until, this.pausing.signal]);
    if (milliseconds > 0) await wait(milliseconds, undefined, { signal, ref: false }).catch(() => undefined);
  }

  private delay(error: IntegrationError): number {
    if (error.class === 'auth') return REFUSED_RETRY_MS;
    if (error.retryAfterMs !== undefined) return error.retryAfterMs;
    const { firstMs, longestMs } = this.options.backoff ?? { firstMs: 1_000, longestMs: 60_000 };
    return Math.min(longestMs, firstMs * 2 ** (this.attempts - 1)) * (0.5 + Math.random() / 2);
  }

  /** However many ask at the same moment, one is opened. */
  private async open(): Promise<Opened> {
    if (this.closed.signal.aborted) throw closedError();
    if (this.current !== null) return this.current;
    this.opening ??= (async () => {
      await this.closing;
      const { create } = await this.options.load(this.connection.connector_type);
      const connector = create(this.connection, this.options.environment);
      this.current = { connector, ended: new AbortController(), over: new AbortController(), listening: new Set() };
      return this.current;
    })().finally(() => {
      this.opening = null;
    });
    return this.opening;
  }
}

/** What is wrong with the connection, rather than with what was asked for over it. */
function isOfConnection({ class: errorClass }: IntegrationError): boolean {
  return ['transient', 'rate_limit', 'auth', 'bug', 'cancelled'].includes(errorClass);
}

/** What says that there is no connection, or that nothing comes over it; the rest is an answer to one request. */
function isLoss({ class: errorClass, code }: IntegrationError): boolean {
  return errorClass === 'transient' && /^PCP_CONNECT(ION)?_|_(TIMEOUT|BUSY)$/.test(code);
}

/** What went wrong before, told to whoever asks while nothing is tried: of what they ask, nothing was sent. */
function notTried(error: IntegrationError, waitMs: number): IntegrationError {
  const { outcomeUnknown: _, ...told } = error.toJSON();
  // Whether a sign-in is tried again is not for the time to say.
  const said =
    error.class === 'auth' ? error.said : phrase`${error.said} It is tried again in ${Math.ceil(waitMs / 1000)} s.`;
  return new IntegrationError(error.class, error.code, said, { ...told, retryAfterMs: waitMs });
}

function closedError(): IntegrationError {
  return new IntegrationError('cancelled', 'PCP_CONNECTION_CLOSED', 'The connection was closed.');
}

/** Users that have not noticed yet have values in hand that come once: nothing is closed before they took them. */
async function closeAfterLastWords({ connector, over, listening }: Opened): Promise<void> {
  const until = AbortSignal.timeout(CLOSE_MS);
  const enough = AbortSignal.timeout(LAST_WORDS_MS);
  await abortable(Promise.allSettled(listening), enough).catch(() => undefined);
  over.abort(closedError());
  await closeWithin(connector, until);
}

/** Resolves at the latest when it is time, whatever the connector does. */
async function closeWithin(connector: Connector, until: AbortSignal): Promise<void> {
  await abortable(Promise.resolve(connector.close()), until).catch(() => undefined);
}
