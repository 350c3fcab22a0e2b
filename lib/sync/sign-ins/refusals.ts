import type { OpenConnection } from '../../model/connection';
import { IntegrationError } from '../../model/errors';
import type { Vault } from '../../security/vault';
import { canonicalJson } from '../hash';

/** What a connection signs in with. */
export type SignIn = Pick<OpenConnection, 'id' | 'name' | 'connector_type' | 'config' | 'credentials'>;

/** Knows which sign-ins were refused, each by a digest of what it was tried with. */
export interface Refusals {
  digestOf(connection: SignIn): string;
  /** @returns `trial`: it was refused, and may be tried once more. @throws auth PCP_SIGN_IN_REFUSED */
  check(connection: SignIn, digest: string): Promise<'fine' | 'trial'>;
  note(connection: SignIn, digest: string, error: IntegrationError): Promise<void>;
  forget(digest: string): Promise<void>;
  /** Of all processes one at a time tries what it does not know. @returns lets the next one */
  alone?(digest: string): Promise<() => Promise<void>>;
}

/** Says nothing about what it is made of to those without the key of the secrets. */
export function digestOf(vault: Pick<Vault, 'digest'>, { connector_type, config, credentials }: SignIn): string {
  return vault.digest(canonicalJson([connector_type, config, credentials]), 'refused-sign-in');
}

/** Whether trying again may cost somebody an account: keys, tokens and certificates have none that is locked. */
export function mayLock({ credentials }: SignIn): boolean {
  return credentials.password !== undefined;
}

export function signInRefused({ name }: SignIn, reason: string): IntegrationError {
  return new IntegrationError(
    'auth',
    'PCP_SIGN_IN_REFUSED',
    `Connection "${name}" is paused, since its sign-in was refused: ${reason}`,
    { hint: 'Correct its settings or its password, or test it: a successful test ends the pause.' },
  );
}
