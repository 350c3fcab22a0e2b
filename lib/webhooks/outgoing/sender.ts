import { isDeepStrictEqual } from 'node:util';
import type { ExpressionEvaluator } from '../../mapping/contract';
import type { OpenConnection } from '../../model/connection';
import { IntegrationError } from '../../model/errors';
import type { HttpClient, HttpOptions } from '../../protocols/http/client';
import { openHttp } from '../../protocols/http/open';
import type { SqlDatabase } from '../../protocols/sql/database';
import type { Vault } from '../../security/vault';
import type { WebhookRow } from '../../store/models/webhook';
import type { Tally } from '../../store/tally';
import { type Delivery, deliver, failed } from './delivery';
import type { DueExecution, Executions } from './executions';
import type { Hold } from './hold';
import { type Message, messageOf } from './message';
import { type Health, outcomeOf, saveOutcome } from './outcome';
import { currentKeys, formsOf, openSecrets } from './secrets';
import { BorrowedSignIn, type SignInOptions } from './sign-in';

const MAX_CONCURRENCY = 4;
const TIMEOUT_MS = 15_000;
/** Events that are read at once. */
const READ_AT_ONCE = 50;
const STOP_GRACE_MS = 3_000;

export interface SenderOptions {
  database: SqlDatabase;
  vault: Vault;
  expressions: ExpressionEvaluator;
  executions: Executions;
  webhook(id: number): Promise<WebhookRow>;
  allowedTargets: readonly string[];
  /** For webhooks that sign in as a connection does. */
  signIn: SignInOptions;
  clock: { now(): number };
  tally?: Pick<Tally, 'count' | 'time'>;
  /** A webhook was switched off, for good. Never rejects. */
  onDisabled?(id: number, reason: 'gone' | 'failing'): Promise<void>;
  log(level: 'info' | 'warn' | 'debug', message: string): void;
}

/** Delivers what is due at one webhook, as long as this process holds it. */
export class Sender {
  private readonly underWay = new Map<number, Promise<void>>();
  private readonly stopped = new AbortController();
  private client: { http: HttpClient; revision: number } | undefined;
  /** As what the webhook signs in, or why it cannot. */
  private signIn: BorrowedSignIn | IntegrationError | undefined;
  private health: Health = { failures: 0, failingSince: null };
  private isPaused = false;
  private isEnding = false;

  constructor(
    private readonly options: SenderOptions,
    private readonly hold: Hold,
  ) {}

  /** Sends until nothing is due, or the receiver wants a pause. */
  async run(): Promise<void> {
    const { executions, clock, webhook: find } = this.options;
    const { webhookId } = this.hold;
    try {
      for (;;) {
        const webhook = await find(webhookId);
        if (this.underWay.size === 0) {
          this.health = { failures: webhook.failures, failingSince: webhook.failing_since };
          this.isPaused = webhook.paused_until > clock.now();
        }
        if (!webhook.is_active || this.isPaused) break;
        const isOrdered = webhook.options.ordered === true;
        // As of before the question: what ends while it is answered still counts as waiting in the answer.
        const inHand = new Set(this.underWay.keys());
        const limit = READ_AT_ONCE + inHand.size;
        const waiting = await (isOrdered
          ? executions.nextInOrder(webhookId, clock.now())
          : executions.due(webhookId, clock.now(), limit));
        const due = waiting.filter(({ id }) => !inHand.has(id));
        if (due.length === 0) {
          if (inHand.size === 0) break;
          if (this.underWay.size > 0) await Promise.race(this.underWay.values());
          continue;
        }
        await this.sendAll(webhook, due);
        if (this.mustEnd) break;
      }
    } finally {
      await this.disconnect();
    }
  }

  /** Begins nothing more. What is under way for longer than it is waited for is tried once more by whoever sends next. */
  stop(): void {
    this.isEnding = true;
    const reason = new IntegrationError('cancelled', 'PCP_CANCELLED', 'The hub ends.');
    setTimeout(() => this.stopped.abort(reason), STOP_GRACE_MS).unref();
  }

  private get mustEnd(): boolean {
    return this.isEnding || this.hold.lost.signal.aborted || this.isPaused;
  }

  private async sendAll(webhook: WebhookRow, due: readonly DueExecution[]): Promise<void> {
    const { options } = webhook;
    const most = options.ordered === true ? 1 : (options.max_concurrency ?? MAX_CONCURRENCY);
    const signIn = await this.signInOf(webhook);
    const isOther = !isDeepStrictEqual(connectionOf(signIn), connectionOf(this.signIn));
    if (this.client?.revision !== webhook.revision || isOther) await this.disconnect();
    this.signIn = signIn;
    for (const execution of due) {
      while (this.underWay.size >= most) await Promise.race(this.underWay.values());
      if (this.mustEnd) return;
      const work = this.send(webhook, execution).finally(() => this.underWay.delete(execution.id));
      this.underWay.set(execution.id, work);
    }
  }

  /** Never rejects: what cannot be saved is sent once more. */
  private async send(webhook: WebhookRow, execution: DueExecution): Promise<void> {
    const { database, clock, tally, log } = this.options;
    const startedAt = clock.now();
    const hidden: string[] = [];
    try {
      const delivery = await this.attempt(webhook, execution, startedAt, hidden);
      if (delivery === 'ended') {
        this.isPaused = true;
        return;
      }
      const attempt = { execution, delivery, startedAt, endedAt: clock.now() };
      const outcome = outcomeOf(attempt, this.health, webhook.options.retry_seconds);
      this.health = outcome.health;
      if (outcome.pausedUntil > attempt.endedAt || outcome.disable !== null) this.isPaused = true;
      await saveOutcome(database, this.hold, attempt, outcome, hidden);
      tally?.count('webhook_deliveries_total', webhook.id, outcome.status === 'pending' ? 'retry' : outcome.status);
      if (delivery !== null)
        tally?.time('webhook_latency_seconds', webhook.id, (attempt.endedAt - attempt.startedAt) / 1000);
      if (outcome.disable === null) return;
      log('warn', `Webhook "${webhook.name}" was switched off: ${reasonOf(outcome.disable)}.`);
      await this.options.onDisabled?.(webhook.id, outcome.disable);
    } catch (thrown) {
      const { code, message } = IntegrationError.from(thrown);
      // Whatever keeps this from being written down keeps the next one from it, too.
      this.isPaused = true;
      log(code === 'PCP_LEASE_LOST' ? 'debug' : 'warn', `Webhook "${webhook.name}": ${code}: ${message}`);
    }
  }

  /**
   * @param hidden takes the secrets that are sent or signed with
   * @returns null when there is nothing to send, "ended" when it was broken off
   */
  private async attempt(
    webhook: WebhookRow,
    execution: DueExecution,
    at: number,
    hidden: string[],
  ): Promise<Delivery | null | 'ended'> {
    const timeoutMs = webhook.options.timeout_ms ?? TIMEOUT_MS;
    let http: HttpClient;
    let message: Message | null;
    try {
      const secrets = openSecrets(this.options.vault, webhook.id, webhook.secret_key);
      const keys = currentKeys(secrets, at);
      hidden.push(...keys, ...Object.values(secrets.headers).flatMap(formsOf));
      const { signIn } = this;
      if (signIn instanceof IntegrationError) throw signIn;
      hidden.push(...(signIn?.secrets ?? []));
      await signIn?.check();
      http = this.clientOf(webhook, signIn?.http);
      const headers = { ...plainHeaders(webhook.headers), ...secrets.headers };
      message = await messageOf(webhook, execution, headers, keys, at, this.options.expressions);
    } catch (thrown) {
      const failure = IntegrationError.from(thrown);
      // A template that fails with an event fails with it again; a key of the vault may be found.
      return failure.class === 'cancelled' ? 'ended' : failed(failure, failure.class === 'data');
    }
    if (message === null) return null;
    if (!this.hold.isSafeFor(timeoutMs)) return 'ended';
    const signal = AbortSignal.any([this.stopped.signal, this.hold.lost.signal]);
    const delivery = await deliver(http, new URL(webhook.url), message, timeoutMs, hidden, signal);
    if (this.signIn instanceof BorrowedSignIn) await this.signIn.learn(delivery.failure);
    // The receiver wants to be left alone since another was sent: nothing of this one was.
    const isUnsent = delivery.failure?.code === 'PCP_HTTP_PAUSED';
    const isBrokenOff = isUnsent || signal.aborted || delivery.failure?.class === 'cancelled';
    return isBrokenOff && !delivery.delivered ? 'ended' : delivery;
  }

  /** Never rejects: why it cannot be had is what the attempts come to. */
  private async signInOf({ id, url, options }: WebhookRow): Promise<BorrowedSignIn | IntegrationError | undefined> {
    const { sign_in_as: connectionId } = options;
    if (connectionId === undefined) return undefined;
    const { signIn } = this.options;
    try {
      return new BorrowedSignIn({ id, url }, await signIn.openConnection(connectionId), signIn);
    } catch (thrown) {
      return IntegrationError.from(thrown);
    }
  }

  /** One client keeps the rate; a webhook that was changed gets another. */
  private clientOf({ url, options, revision }: WebhookRow, signIn: Partial<HttpOptions> = {}): HttpClient {
    if (this.client !== undefined) return this.client.http;
    const timeout = options.timeout_ms ?? TIMEOUT_MS;
    const http = openHttp({
      ...signIn,
      baseUrl: url,
      allowedTargets: this.options.allowedTargets,
      limits: { redirects: 0 },
      timeouts: { headers: timeout, idle: timeout },
      maxConcurrency: options.max_concurrency ?? MAX_CONCURRENCY,
      ...(options.requests_per_second !== undefined && { requestsPerSecond: options.requests_per_second }),
    });
    this.client = { http, revision };
    return http;
  }

  /** What is under way is written down first: a client that closes breaks it off. */
  private async disconnect(): Promise<void> {
    await Promise.all(this.underWay.values());
    await this.client?.http.close();
    this.client = undefined;
  }
}

function connectionOf(signIn: BorrowedSignIn | IntegrationError | undefined): OpenConnection | undefined {
  return signIn instanceof BorrowedSignIn ? signIn.connection : undefined;
}

function plainHeaders(headers: WebhookRow['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== true));
}

function reasonOf(disabled: 'gone' | 'failing'): string {
  return disabled === 'gone' ? 'its receiver wants nothing more' : 'nothing has arrived there for days';
}
