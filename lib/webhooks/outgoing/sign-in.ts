import type { OpenConnection } from '../../model/connection';
import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { HttpOptions } from '../../protocols/http/client';
import { readHttpOptions } from '../../protocols/http/settings';
import type { Refusals } from '../../sync/sign-ins/refusals';

export const SIGN_IN = '/options/sign_in_as';

export interface SignInOptions {
  /** @throws when it is not active, or of a flow that is not deployed */
  openConnection(id: number): Promise<OpenConnection>;
  refused: Pick<Refusals, 'digestOf' | 'check' | 'note' | 'forget'>;
  signIns: NonNullable<HttpOptions['signIns']>;
}

/**
 * What a request to a webhook's receiver takes from a connection: its authentication, certificates, proxy and headers.
 * @throws config PCP_WEBHOOK_SIGN_IN when the receiver is not at the connection's origin; as `readHttpOptions`
 */
export function httpOptionsOf(url: string, connection: OpenConnection): HttpOptions {
  const options = readHttpOptions(connection);
  const own = new URL(url).origin;
  const origin = URL.canParse(options.baseUrl) ? new URL(options.baseUrl).origin : options.baseUrl;
  if (own === origin) return options;
  const message = phrase`Connection "${connection.name}" signs in at ${origin}, not at ${own}.`;
  throw new IntegrationError('config', 'PCP_WEBHOOK_SIGN_IN', message, { path: SIGN_IN });
}

/** The sign-in of a connection that a webhook is sent with. It is tried no more where it was refused. */
export class BorrowedSignIn {
  readonly http: HttpOptions;
  private readonly digest: string;
  /** It was refused, and may work again. */
  private isTrial = false;

  constructor(
    private readonly webhook: { id: number; url: string },
    readonly connection: OpenConnection,
    private readonly options: Pick<SignInOptions, 'refused' | 'signIns'>,
  ) {
    this.http = { ...httpOptionsOf(webhook.url, connection), signIns: options.signIns };
    this.digest = options.refused.digestOf(connection);
  }

  get secrets(): string[] {
    return Object.values(this.connection.credentials);
  }

  /** @throws auth PCP_SIGN_IN_REFUSED */
  async check(): Promise<void> {
    const known = await this.options.refused.check(this.connection, this.digest, this.name);
    this.isTrial ||= known === 'trial';
  }

  /** What an attempt came to says how it is. */
  async learn(failure: IntegrationError | null): Promise<void> {
    const { refused } = this.options;
    if (failure?.class === 'auth') return refused.note(this.connection, this.digest, failure, this.name);
    if (failure !== null || !this.isTrial) return;
    this.isTrial = false;
    await refused.forget(this.digest);
  }

  /** Its receiver may take less than the rest of the connection's API does. */
  private get name(): string {
    return `webhook:${this.webhook.id}`;
  }
}
