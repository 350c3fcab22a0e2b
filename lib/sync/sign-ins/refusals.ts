import { createHash } from 'node:crypto';
import type { OpenConnection } from '../../model/connection';
import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { Vault } from '../../security/vault';
import { canonicalJson } from '../hash';

/** What a connection signs in with. */
export type SignIn = Pick<OpenConnection, 'id' | 'name' | 'connector_type' | 'config' | 'credentials'>;

/** Knows which sign-ins were refused, each by a digest of what it was tried with. */
export interface Refusals {
  digestOf(connection: SignIn): string;
  /**
   * @param entity what is asked for
   * @returns `trial`: something of it was refused, and it may be tried once more. @throws auth PCP_SIGN_IN_REFUSED
   */
  check(connection: SignIn, digest: string, entity?: string): Promise<'fine' | 'trial'>;
  /**
   * @param entity where each request is a sign-in of its own: this one may be about the entity alone
   */
  note(connection: SignIn, digest: string, error: IntegrationError, entity?: string): Promise<void>;
  /** Also what was refused of its entities. */
  forget(digest: string): Promise<void>;
  /** Of all processes one at a time tries what it does not know. @returns lets the next one */
  alone?(digest: string): Promise<() => Promise<void>>;
}

/** Of an entity that is refused while others of its connection may not be. */
export function digestOfEntity(digest: string, entity: string): string {
  return `${digest}:${createHash('sha256').update(entity).digest('base64url').slice(0, 20)}`;
}

/** Says nothing about what it is made of to those without the key of the secrets. */
export function digestOf(vault: Pick<Vault, 'digest'>, { connector_type, config, credentials }: SignIn): string {
  return vault.digest(canonicalJson([connector_type, config, credentials]), 'refused-sign-in');
}

/** Whether trying again may cost somebody an account: keys, tokens and certificates have none that is locked. */
export function mayLock({ credentials }: SignIn): boolean {
  return credentials.password !== undefined;
}

export function signInRefused({ name }: SignIn, reason: string, entity?: string): IntegrationError {
  const message =
    entity === undefined
      ? phrase`Connection "${name}" is paused, since its sign-in was refused: ${reason}`
      : phrase`"${entity}" of connection "${name}" is left alone, since its sign-in was refused there: ${reason}`;
  return new IntegrationError('auth', 'PCP_SIGN_IN_REFUSED', message, {
    hint: 'Correct its settings or its password, or test it: a successful test ends the pause.',
  });
}
