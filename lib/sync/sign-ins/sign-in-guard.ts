import type { Connector, TestReport, Writer } from '../../connectors/contract';
import type { ConnectorDescriptor } from '../../connectors/descriptor';
import type { ConnectorRegistry, LoadedConnector } from '../../connectors/registry';
import type { OpenConnection } from '../../model/connection';
import { IntegrationError } from '../../model/errors';
import { mayLock, type Refusals } from './refusals';

/** For so long after an answer a sign-in is taken to be good: several users of a connection then need not queue for it. */
const GOOD_FOR_MS = 30_000;
/** A refusal comes sooner: whoever is awaited for so long has signed in, and waits for something else. */
const LONGEST_TURN_MS = 15_000;
/** The same for a sign-in that was good before: a slow question of one user shall not keep all others waiting. */
const KNOWN_TURN_MS = 2_000;

/** Of an API that asks for the password with each request: one that is refused may be about what was asked. */
const EACH_SIGNS_IN = 'PCP_HTTP_UNAUTHORIZED';

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
  'recognise',
]);
/** Methods of a writer that ask nobody. */
const COMPUTING: ReadonlySet<PropertyKey> = new Set<keyof Writer>(['ownKey']);
const LISTENING: ReadonlySet<PropertyKey> = new Set<keyof Connector>(['read', 'subscribe']);

/** The connectors of a registry, none of which signs in with what was refused, nor two at a time with what may be. */
export class GuardedRegistry implements Pick<ConnectorRegistry, 'load'> {
  private readonly guard: SignInGuard;

  constructor(
    private readonly registry: Pick<ConnectorRegistry, 'load'>,
    refused: Refusals,
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
  private readonly worked = new Map<string, { at: number; order: number }>();
  /** Where in the order of what happens one was last refused, by digest. */
  private readonly refusals = new Map<string, number>();
  private last = 0;

  constructor(private readonly refused: Refusals) {}

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
          return (...parameters: unknown[]) =>
            use.listen(() => call(...parameters) as AsyncIterable<unknown>, entityIn(name, parameters));
        }
        if (ASKING.has(name))
          return (...parameters: unknown[]) => use.ask(async () => call(...parameters), entityIn(name, parameters));
        return call;
      },
    });
  }

  /** The next place in the order of what happens: instants may be alike. */
  next(): number {
    return ++this.last;
  }

  /**
   * Waits until nobody else tries this sign-in, and makes sure that it was not refused.
   * @returns lets the next one try. @throws auth PCP_SIGN_IN_REFUSED
   */
  async admit(connection: OpenConnection, digest: string, entity?: string): Promise<() => void> {
    const leave = mayLock(connection) ? await this.turn(digest) : () => undefined;
    try {
      if ((await this.refused.check(connection, digest, entity)) === 'trial') this.refusals.set(digest, this.next());
      return leave;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** What was asked after a refusal and is answered shows that it was about something else. */
  async succeeded(digest: string, begun: number): Promise<void> {
    this.worked.set(digest, { at: performance.now(), order: this.next() });
    if (this.wasRefusedSince(digest, begun) || !this.refusals.delete(digest)) return;
    await this.refused.forget(digest);
  }

  /** Where others were answered since it was asked, the refusal is about what was asked alone. */
  async failed(
    connection: OpenConnection,
    digest: string,
    error: IntegrationError,
    begun: number,
    entity?: string,
  ): Promise<void> {
    if ((this.worked.get(digest)?.order ?? 0) > begun) return;
    this.worked.delete(digest);
    this.refusals.set(digest, this.next());
    await this.refused.note(connection, digest, error, error.code === EACH_SIGNS_IN ? entity : undefined);
  }

  wasRefusedSince(digest: string, begun: number): boolean {
    return (this.refusals.get(digest) ?? 0) > begun;
  }

  async isWell(digest: string): Promise<void> {
    this.worked.set(digest, { at: performance.now(), order: this.next() });
    this.refusals.delete(digest);
    await this.refused.forget(digest);
  }

  private async turn(digest: string): Promise<() => void> {
    for (;;) {
      const worked = this.worked.get(digest);
      if (worked !== undefined && performance.now() - worked.at < GOOD_FOR_MS) return () => undefined;
      const other = this.trying.get(digest);
      if (other === undefined) return worked === undefined ? this.takeAlone(digest) : this.take(digest, KNOWN_TURN_MS);
      await other;
    }
  }

  /** What nobody here knows, other processes may be trying. */
  private async takeAlone(digest: string): Promise<() => void> {
    const leave = this.take(digest, LONGEST_TURN_MS);
    try {
      let free = await this.refused.alone?.(digest);
      return () => {
        leave();
        // A lease that cannot be given back ends by itself.
        free?.().catch(() => undefined);
        free = undefined;
      };
    } catch (error) {
      leave();
      throw error;
    }
  }

  private take(digest: string, longestMs: number): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.trying.set(digest, promise);
    const leave = (): void => {
      clearTimeout(late);
      if (this.trying.get(digest) === promise) this.trying.delete(digest);
      resolve();
    };
    const late = setTimeout(leave, longestMs).unref();
    return leave;
  }
}

/** What the users of one open connector learn about its sign-in. */
class GuardedUse {
  /** By entity; undefined = of none. */
  private readonly admissions = new Map<string | undefined, Promise<{ leave: () => void; begun: number }>>();

  constructor(
    private readonly guard: SignInGuard,
    private readonly connection: OpenConnection,
    private readonly digest: string,
  ) {}

  async ask(work: () => Promise<unknown>, entity: string | undefined): Promise<unknown> {
    const leave = await this.admitted(entity);
    const answer = await this.noted(work, entity).finally(leave);
    return isWriter(answer) ? this.watchedWriter(answer, entity) : answer;
  }

  async *listen(begin: () => AsyncIterable<unknown>, entity: string | undefined): AsyncGenerator<unknown> {
    const leave = await this.admitted(entity);
    const iterator = begin()[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await this.noted(() => iterator.next(), entity).finally(leave);
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

  /** Once, and again after a refusal. */
  private async admitted(entity: string | undefined): Promise<() => void> {
    const known = this.admissions.get(entity);
    if (known !== undefined && !this.guard.wasRefusedSince(this.digest, (await known).begun))
      return (await known).leave;
    if (this.admissions.get(entity) === known) {
      const admission = this.guard
        .admit(this.connection, this.digest, entity)
        .then((leave) => ({ leave, begun: this.guard.next() }));
      this.admissions.set(entity, admission);
      admission.catch(() => {
        if (this.admissions.get(entity) === admission) this.admissions.delete(entity);
      });
    }
    return this.admitted(entity);
  }

  private async noted<T>(work: () => Promise<T>, entity: string | undefined): Promise<T> {
    const begun = this.guard.next();
    try {
      const answer = await work();
      await this.guard.succeeded(this.digest, begun);
      return answer;
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      if (isRefusal(error)) await this.guard.failed(this.connection, this.digest, error, begun, entity);
      throw thrown;
    }
  }

  private watchedWriter(writer: Writer, entity: string | undefined): Writer {
    return new Proxy(writer, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        if (COMPUTING.has(name)) return member.bind(target);
        return (...parameters: unknown[]) => this.noted(async () => Reflect.apply(member, target, parameters), entity);
      },
    });
  }
}

/** What a method of a connector is asked about: by itself, or in what is asked. */
function entityIn(name: PropertyKey, [asked]: unknown[]): string | undefined {
  if (name === 'describe' || name === 'present' || name === 'recognise') return String(asked);
  return typeof asked === 'object' && asked !== null && 'entity' in asked ? String(asked.entity) : undefined;
}

function isWriter(answer: unknown): answer is Writer {
  return typeof answer === 'object' && answer !== null && 'write' in answer;
}

/** Certificates are refused before anybody sees a password. */
function isRefusal({ class: kind, code }: IntegrationError): boolean {
  return kind === 'auth' && code !== 'PCP_OPCUA_CLIENT_UNTRUSTED' && code !== 'PCP_TLS_CLIENT_REFUSED';
}
