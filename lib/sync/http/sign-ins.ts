import { createHash } from 'node:crypto';
import { IntegrationError } from '../../model/errors';
import type { SignIn, SignIns, Tokens } from '../../protocols/http/auth/oauth2';
import type { SqlDatabase } from '../../protocols/sql/database';
import type { Vault } from '../../security/vault';
import { signInContext } from '../../store/connections';
import { SignInLeases } from '../sign-ins/leases';

/**
 * The tokens of OAuth 2.0 sign-ins, sealed in the store. A sign-in is named by a hash of the settings that it began with, so
 * it is found again by a connection that is saved after its test, and begins anew with other settings.
 */
export class SignInStore implements SignIns {
  private readonly leases: SignInLeases;

  constructor(
    private readonly database: SqlDatabase,
    private readonly vault: Vault,
    private readonly log: (level: 'warn', message: string) => void,
  ) {
    this.leases = new SignInLeases(database);
  }

  async renewed(signIn: SignIn, renew: (kept: Tokens | undefined) => Promise<Tokens>): Promise<Tokens> {
    const id = idOf(signIn);
    const free = await this.leases.acquire(id);
    try {
      const { kept, version } = await this.read(id);
      const tokens = await renew(kept);
      if (tokens === kept || (await this.save(id, tokens, version))) return tokens;
      // The lease was over before the server answered, and somebody else has signed in since.
      return (await this.read(id)).kept ?? tokens;
    } finally {
      await free();
    }
  }

  private async read(id: string): Promise<{ kept: Tokens | undefined; version: number }> {
    const [row] = await this.database.query('SELECT tokens, version FROM integration_sign_ins WHERE id = ?', [id]);
    const version = Number(row?.version);
    if (typeof row?.tokens !== 'string') return { kept: undefined, version };
    try {
      return { kept: this.vault.decrypt(row.tokens, signInContext(id)) as Tokens, version };
    } catch (error) {
      // The refresh token of the settings may still be good.
      this.log('warn', `A kept sign-in is lost: ${IntegrationError.from(error).message}`);
      return { kept: undefined, version };
    }
  }

  /** False when somebody else has saved since. */
  private async save(id: string, tokens: Tokens, version: number): Promise<boolean> {
    const saved = await this.database.execute(
      'UPDATE integration_sign_ins SET tokens = ?, version = version + 1 WHERE id = ? AND version = ?',
      [this.vault.encrypt(tokens, signInContext(id)), id, version],
    );
    await this.database.flush();
    return saved === 1;
  }
}

function idOf({ tokenUrl, clientId, refreshToken }: SignIn): string {
  return createHash('sha256')
    .update(JSON.stringify(['pcp-sign-in-1', tokenUrl, clientId, refreshToken]))
    .digest('hex');
}
