import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { IntegrationError } from '../model/errors';
import type { Vault } from '../security/vault';
import { digestOf, mayLock, type Refusals, type SignIn, signInRefused } from '../sync/sign-ins/refusals';

/** The store may be away, or Node-RED's process busy: what is known here decides then. */
const ANSWER_MS = 3_000;
const FILE = 'integrations.refused';

/** What this process knows of a refusal. */
interface Known {
  reason: string;
  /** The hub has it in its store: whoever takes it out there has shown that the sign-in is good by now. */
  isTold: boolean;
}

/** A question to the hub, which keeps for all processes what was refused; with a reason, it is news to it. */
export type SignInQuestion = {
  type: 'sign_in';
  id: number;
  connectionId: number;
  digest: string;
  reason: string | null;
};
/** `unknown`: the hub cannot say. */
export type SignInAnswer = { type: 'sign_in'; id: number; refused: string | null | 'unknown' };

/** Sign-ins that were refused, as the live process knows them: it works without the store, and must lock no account then either. */
export class RefusedHere implements Refusals {
  private readonly path: string;
  private readonly known: Map<string, Known>;
  private readonly awaited = new Map<number, (answer: SignInAnswer['refused']) => void>();
  private lastId = 0;

  constructor(
    directory: string,
    private readonly vault: Pick<Vault, 'digest'>,
    private readonly send: (question: SignInQuestion) => void,
  ) {
    this.path = join(directory, FILE);
    this.known = new Map(this.read());
  }

  digestOf(connection: SignIn): string {
    return digestOf(this.vault, connection);
  }

  async check(connection: SignIn, digest: string): Promise<'fine'> {
    const before = this.known.get(digest);
    const { id: connectionId } = connection;
    const news = before === undefined || before.isTold ? null : before.reason;
    const answer = await this.ask({ connectionId, digest, reason: news });
    if (answer === null) await this.forget(digest);
    else if (answer !== 'unknown') this.remember(digest, { reason: answer, isTold: true });
    const known = this.known.get(digest);
    if (known === undefined) return 'fine';
    throw signInRefused(connection, known.reason);
  }

  /** What can lock no account is tried again in a while. */
  async note(connection: SignIn, digest: string, { message: reason }: IntegrationError): Promise<void> {
    if (!mayLock(connection)) return;
    const { id: connectionId } = connection;
    this.remember(digest, { reason, isTold: false });
    if ((await this.ask({ connectionId, digest, reason })) !== 'unknown')
      this.remember(digest, { reason, isTold: true });
  }

  async forget(digest: string): Promise<void> {
    if (this.known.delete(digest)) this.write();
  }

  answered({ id, refused }: SignInAnswer): void {
    this.awaited.get(id)?.(refused);
  }

  private async ask(question: Omit<SignInQuestion, 'type' | 'id'>): Promise<SignInAnswer['refused']> {
    const id = ++this.lastId;
    const { promise, resolve } = Promise.withResolvers<SignInAnswer['refused']>();
    const late = setTimeout(() => resolve('unknown'), ANSWER_MS);
    this.awaited.set(id, resolve);
    this.send({ type: 'sign_in', id, ...question });
    return promise.finally(() => {
      clearTimeout(late);
      this.awaited.delete(id);
    });
  }

  private remember(digest: string, known: Known): void {
    if (isDeepStrictEqual(this.known.get(digest), known)) return;
    this.known.set(digest, known);
    this.write();
  }

  /** What cannot be read is not known; what the hub knows is. */
  private read(): [string, Known][] {
    if (!existsSync(this.path)) return [];
    try {
      return JSON.parse(readFileSync(this.path, 'utf8')) as [string, Known][];
    } catch {
      return [];
    }
  }

  private write(): void {
    const next = `${this.path}.next`;
    writeFileSync(next, JSON.stringify([...this.known]), { mode: 0o600, flush: true });
    renameSync(next, this.path);
  }
}
