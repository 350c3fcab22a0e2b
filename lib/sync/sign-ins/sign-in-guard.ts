import { setTimeout as delay } from 'node:timers/promises';
import type { Connector, TestReport, Writer } from '../../connectors/contract';
import type { ConnectorDescriptor } from '../../connectors/descriptor';
import type { ConnectorRegistry, LoadedConnector } from '../../connectors/registry';
import type { OpenConnection } from '../../model/connection';
import { IntegrationError } from '../../model/errors';
import type { RefusedSignIns } from './refused-sign-ins';

/** For so long after an answer a sign-in is taken to be good: several users of a connection then need not queue for it. */
const GOOD_FOR_MS = 30_000;
/** A refusal comes sooner: whoever is awaited for so long has signed in, and waits for something else. */
const LONGEST_TURN_MS = 15_000;

/** Methods that speak with the other side. `test` does as well: whoever presses it wants to know. */
const ASKING: ReadonlySet<PropertyKey> = new Set<keyof Connector>([
  'discover',
  'describe',
  'present',
  'openWriter',
  'lookup',
  'describeWrite',
  'call',
  'readTags',
  'writeTags',
  'planTags',
  'browse',
]);
const LISTENING: ReadonlySet<PropertyKey> = new Set<keyof Connector>(['read', 'subscribe']);

/** The connectors of a registry, none of which signs in with what was refused, nor two at a time with what may be. */
export class GuardedRegistry implements Pick<ConnectorRegistry, 'load'> {
  private readonly guard: SignInGuard;

  constructor(
    private readonly registry: Pick<ConnectorRegistry, 'load'>,
    refused: RefusedSignIns,
  ) {
    this.guard = new SignInGuard(refused);
  }

  async load(type: string): Promise<LoadedConnector> {
    const { descriptor, create } = await this.registry.load(type);
    if (!hasSecrets(descriptor)) return { descriptor, create };
    return {
      descriptor,
      create: (connection, environment) => this.guard.watched(create(connection, environment), connection),
    };
  }
}

function hasSecrets({ settings }: ConnectorDescriptor): boolean {
  return Object.values(settings).some(({ kind }) => kind === 'secret');
}

/** Stands between the engine and connectors that sign in (SEMANTICS 2.8, class auth). */
class SignInGuard {
  /** Sign-ins that are being tried, by digest. */
  private readonly trying = new Map<string, Promise<void>>();
  /** When one was last seen to work, by digest. */
  private readonly workedAt = new Map<string, number>();

  constructor(private readonly refused: RefusedSignIns) {}

  watched(connector: Connector, connection: OpenConnection): Connector {
    const use = new GuardedUse(this, connection, this.refused.digestOf(connection));
    return new Proxy(connector, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        const call = (...parameters: unknown[]): unknown => Reflect.apply(member, target, parameters);
        if (name === 'test')
          return async (...parameters: unknown[]) => use.tested(call(...parameters) as Promise<TestReport>);
        if (LISTENING.has(name)) {
          return (...parameters: unknown[]) => use.listen(() => call(...parameters) as AsyncIterable<unknown>);
        }
        if (ASKING.has(name)) return (...parameters: unknown[]) => use.ask(async () => call(...parameters));
        return call;
      },
    });
  }

  /**
   * Waits until nobody else tries this sign-in, and makes sure that it was not refused.
   * @returns lets the next one try. @throws auth PCP_SIGN_IN_REFUSED
   */
  async admit(connection: OpenConnection, digest: string): Promise<() => void> {
    const leave = await this.turn(digest);
    try {
      await this.refused.check(connection, digest);
      return leave;
    } catch (error) {
      leave();
      throw error;
    }
  }

  worked(digest: string): void {
    this.workedAt.set(digest, performance.now());
  }

  async wasRefused(connection: OpenConnection, digest: string, error: IntegrationError): Promise<void> {
    this.workedAt.delete(digest);
    await this.refused.note(connection, digest, error);
  }

  async isWell(digest: string): Promise<void> {
    this.worked(digest);
    await this.refused.forget(digest);
  }

  private async turn(digest: string): Promise<() => void> {
    for (let other = this.trying.get(digest); other !== undefined; other = this.trying.get(digest)) {
      if (this.isGood(digest) || !(await isOverInTime(other))) return () => undefined;
    }
    if (this.isGood(digest)) return () => undefined;
    let leave = (): void => undefined;
    const turn = new Promise<void>((resolve) => {
      leave = () => {
        if (this.trying.get(digest) === turn) this.trying.delete(digest);
        resolve();
      };
    });
    this.trying.set(digest, turn);
    return leave;
  }

  private isGood(digest: string): boolean {
    return performance.now() - (this.workedAt.get(digest) ?? Number.NEGATIVE_INFINITY) < GOOD_FOR_MS;
  }
}

async function isOverInTime(turn: Promise<void>): Promise<boolean> {
  const stop = new AbortController();
  const late = delay(LONGEST_TURN_MS, false, { signal: stop.signal }).catch(() => false);
  const isOver = await Promise.race([turn.then(() => true), late]);
  stop.abort();
  return isOver;
}

/** What the users of one open connector learn about its sign-in. */
class GuardedUse {
  private admission: Promise<() => void> | undefined;

  constructor(
    private readonly guard: SignInGuard,
    private readonly connection: OpenConnection,
    private readonly digest: string,
  ) {}

  async ask(work: () => Promise<unknown>): Promise<unknown> {
    const leave = await this.admitted();
    const answer = await this.noted(work).finally(leave);
    return isWriter(answer) ? this.watchedWriter(answer) : answer;
  }

  async *listen(begin: () => AsyncIterable<unknown>): AsyncGenerator<unknown> {
    const leave = await this.admitted();
    const iterator = begin()[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await this.noted(() => iterator.next()).finally(leave);
        if (done === true) return;
        yield value;
      }
    } finally {
      await iterator.return?.();
    }
  }

  async tested(test: Promise<TestReport>): Promise<TestReport> {
    const report = await test;
    if (report.ok) await this.guard.isWell(this.digest);
    return report;
  }

  private admitted(): Promise<() => void> {
    this.admission ??= this.guard.admit(this.connection, this.digest).catch((error: unknown) => {
      this.admission = undefined;
      throw error;
    });
    return this.admission;
  }

  private async noted<T>(work: () => Promise<T>): Promise<T> {
    try {
      const answer = await work();
      this.guard.worked(this.digest);
      return answer;
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      if (error.class === 'auth') await this.guard.wasRefused(this.connection, this.digest, error);
      throw thrown;
    }
  }

  private watchedWriter(writer: Writer): Writer {
    return new Proxy(writer, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...parameters: unknown[]) => this.noted(async () => Reflect.apply(member, target, parameters));
      },
    });
  }
}

function isWriter(answer: unknown): answer is Writer {
  return typeof answer === 'object' && answer !== null && 'write' in answer;
}
