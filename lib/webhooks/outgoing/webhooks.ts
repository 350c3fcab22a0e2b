import type { OpenConnection } from '../../model/connection';
import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { Page } from '../../model/services';
import type { Webhook, WebhookInput, WebhookList, Webhooks, WebhookView, WebhookWithSecret } from '../../model/webhook';
import type { SqlTransaction, SqlValue } from '../../protocols/sql/database';
import type { Vault } from '../../security/vault';
import { WEBHOOKS, type WebhookRow } from '../../store/models/webhook';
import { oldestFirst } from '../../store/pages';
import { reseal } from '../../store/reseal';
import { deleteRows, isUniqueViolation, nameTaken, notFound, staleRevision, updateRevision } from '../../store/rows';
import type { Store } from '../../store/store';
import { checkSecret } from '../signature/standard-webhooks';
import { checkWebhook, isSecretHeader } from './definition';
import {
  firstKey,
  NO_SECRETS,
  openSecrets,
  sealSecrets,
  type WebhookSecrets,
  webhookContext,
  withNewKey,
} from './secrets';
import { httpOptionsOf, SIGN_IN } from './sign-in';

/** What is kept of an input, with everything it left out filled in. */
type Settings = Pick<
  Webhook,
  | 'name'
  | 'description'
  | 'url'
  | 'event_type'
  | 'connection_id'
  | 'method'
  | 'headers'
  | 'payload_template'
  | 'template_language'
  | 'signature'
  | 'options'
  | 'is_active'
>;

const HOUR_MS = 3_600_000;
const OVERLAP_HOURS = 24;

/** Webhooks in the store. */
export class WebhookStore implements Webhooks {
  constructor(
    private readonly store: Store,
    private readonly vault: Vault,
    private readonly clock: { now(): number },
    private readonly onChange: () => void,
    private readonly openConnection: (id: number) => Promise<OpenConnection>,
  ) {}

  list(filter: WebhookList): Promise<Page<WebhookView>> {
    return oldestFirst<WebhookRow, WebhookView>(this.store.models.webhooks, filter, (row) => this.view(row));
  }

  async get(id: number): Promise<WebhookView> {
    return this.view(await this.row(id));
  }

  /** @returns with the secret that was made, which is told this once */
  async create(input: WebhookInput): Promise<WebhookWithSecret> {
    const settings = toSettings(input, null);
    await this.check(settings, input.secret);
    const secret = firstKey(settings.signature, input.secret);
    const keys = secret === null ? [] : [{ secret, until: null }];
    const secrets = withHeaders({ ...NO_SECRETS, keys }, settings.headers);
    const id = await this.named(settings.name, () =>
      this.store.database.transaction(async (transaction) => {
        const id = await this.insert(
          { ...settings, headers: shown(settings.headers), created_by: input.created_by ?? null },
          transaction,
        );
        // The id is part of what they are bound to, so it must be known first.
        const sealed = sealSecrets(this.vault, id, secrets);
        await transaction.execute(`UPDATE ${WEBHOOKS} SET secret_key = ? WHERE id = ?`, [sealed, id]);
        return id;
      }),
    );
    this.onChange();
    return { ...(await this.get(id)), secret: input.secret == null ? secret : null };
  }

  /** @returns with a secret when one was made: it signs now and did not before */
  async update(id: number, input: WebhookInput, revision?: number): Promise<WebhookWithSecret> {
    const row = await this.row(id);
    if (revision !== undefined && revision !== row.revision)
      throw staleRevision(phrase`Webhook ${id}`, revision, row.revision);
    const settings = toSettings(input, row);
    await this.check(settings, input.secret);
    const before = openSecrets(this.vault, id, row.secret_key);
    refuseMovedHeaders(row, settings, before);
    const [newest] = before.keys;
    const secret = newest === undefined ? firstKey(settings.signature, input.secret) : (input.secret ?? null);
    const isNew = secret !== null && secret !== newest?.secret;
    const keyed = isNew ? { ...before, keys: [{ secret, until: null }] } : before;
    // Kept from another signature, it may be none for this one.
    if (settings.signature === 'standard') for (const key of keyed.keys) checkSecret(key.secret, '/secret');
    const isBack = settings.is_active && !row.is_active;
    await this.write(row, {
      ...toColumns(settings),
      secret_key: sealSecrets(this.vault, id, withHeaders(keyed, settings.headers)),
      ...(settings.is_active && { disabled_reason: null, disabled_at: null }),
      ...(isBack && { failing_since: null, failures: 0 }),
      ...((isBack || settings.url !== row.url) && { paused_until: 0 }),
    });
    return { ...(await this.get(id)), secret: input.secret == null ? secret : null };
  }

  /** Takes what was to be delivered along. */
  async delete(id: number): Promise<void> {
    await this.row(id);
    const { database } = this.store;
    await database.transaction(async (transaction) => {
      await deleteRows(database, transaction, WEBHOOKS, { id });
      await deleteRows(database, transaction, 'integration_webhook_executions', { webhook_id: id });
    });
    this.onChange();
  }

  /** A new key signs from now on; the one before it signs as well for some hours, so that receivers can change over. */
  async rotateSecret(
    id: number,
    request: { secret?: string | null; overlap_hours?: number },
  ): Promise<WebhookWithSecret> {
    const row = await this.row(id);
    if (row.signature === 'none') {
      throw new IntegrationError(
        'conflict',
        'PCP_WEBHOOK_UNSIGNED',
        phrase`Webhook ${id} does not sign what it sends.`,
      );
    }
    await this.check(row, request.secret);
    const secret = firstKey(row.signature, request.secret) as string;
    const overlapMs = (request.overlap_hours ?? OVERLAP_HOURS) * HOUR_MS;
    const secrets = withNewKey(openSecrets(this.vault, id, row.secret_key), secret, this.clock.now(), overlapMs);
    await this.write(row, { secret_key: sealSecrets(this.vault, id, secrets), updated_at: new Date() });
    return { ...(await this.get(id)), secret: request.secret == null ? secret : null };
  }

  /** Seals with the current key what an earlier one sealed. */
  rotateKeys(): Promise<number> {
    return reseal(this.store.database, this.vault, WEBHOOKS, 'secret_key', (id) => webhookContext(Number(id)));
  }

  /** @throws data PCP_NOT_FOUND */
  async row(id: number): Promise<WebhookRow> {
    const row = await this.store.models.webhooks.findOne({ where: { id } });
    if (row === null) throw notFound(phrase`webhook ${id}`);
    return row.get({ plain: true }) as WebhookRow;
  }

  private async check(settings: Settings, secret: string | null | undefined): Promise<void> {
    checkWebhook(settings);
    if (secret != null && settings.signature === 'standard') checkSecret(secret, '/secret');
    if (settings.options.sign_in_as !== undefined) await this.checkSignIn(settings.url, settings.options.sign_in_as);
    if (settings.connection_id === null) return;
    const sql = 'SELECT id FROM integration_connections WHERE id = ?';
    const [connection] = await this.store.database.query(sql, [settings.connection_id]);
    if (connection !== undefined) return;
    const message = `There is no connection ${settings.connection_id}.`;
    throw new IntegrationError('data', 'PCP_NOT_FOUND', message, { path: '/connection_id' });
  }

  /** @throws config PCP_WEBHOOK_SIGN_IN, or why the connection cannot be opened, at the option that names it */
  private async checkSignIn(url: string, connectionId: number): Promise<void> {
    try {
      httpOptionsOf(url, await this.openConnection(connectionId));
    } catch (thrown) {
      throw IntegrationError.fromJSON({ ...IntegrationError.from(thrown).toJSON(), path: SIGN_IN });
    }
  }

  private async insert(values: Partial<WebhookRow>, transaction: SqlTransaction): Promise<number> {
    const now = new Date();
    const row = await this.store.models.webhooks.create(
      { ...values, created_at: now, updated_at: now },
      transaction.handle === undefined ? {} : { transaction: transaction.handle },
    );
    return row.id;
  }

  private async write(row: WebhookRow, values: Record<string, SqlValue>): Promise<void> {
    const { database } = this.store;
    const written = await this.named(String(values.name), () =>
      updateRevision(database, database, WEBHOOKS, row.id, row.revision, values),
    );
    if (!written) throw staleRevision(phrase`Webhook ${row.id}`, row.revision, (await this.row(row.id)).revision);
    this.onChange();
  }

  private async named<T>(name: string, write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      throw isUniqueViolation(error) ? nameTaken(phrase`webhook`, name) : error;
    }
  }

  private view(row: WebhookRow): WebhookView {
    const { secret_key: sealed, fence, sender, lease_until, failures, paused_until, ...plain } = row;
    const instant = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
    return {
      ...plain,
      disabled_at: instant(row.disabled_at),
      failing_since: instant(row.failing_since),
      paused_until: paused_until > this.clock.now() ? instant(paused_until) : null,
      created_at: row.created_at.toISOString(),
      updated_at: row.updated_at.toISOString(),
      previous_secret_until: instant(this.overlapOf(row.id, sealed)),
    };
  }

  /** What cannot be opened counts as not there; sending says why. */
  private overlapOf(id: number, sealed: string | null): number | null {
    try {
      const ends = openSecrets(this.vault, id, sealed).keys.map(({ until }) => until ?? 0);
      const last = Math.max(0, ...ends);
      return last > this.clock.now() ? last : null;
    } catch (error) {
      if (error instanceof IntegrationError) return null;
      throw error;
    }
  }
}

/** What the input leaves out stays as it was, or takes its default in a new row. */
function toSettings(input: WebhookInput, row: WebhookRow | null): Settings {
  const kept = <K extends keyof Settings>(name: K, fallback: Settings[K]): Settings[K] =>
    (input[name] as Settings[K] | undefined) ?? row?.[name] ?? fallback;
  const clearable = <K extends 'description' | 'connection_id' | 'payload_template'>(name: K) =>
    (input[name] === undefined ? (row?.[name] ?? null) : input[name]) as Settings[K];
  return {
    name: input.name,
    url: input.url,
    event_type: input.event_type,
    description: clearable('description'),
    connection_id: clearable('connection_id'),
    payload_template: clearable('payload_template'),
    template_language: kept('template_language', 'jsonata'),
    method: kept('method', 'POST'),
    headers: kept('headers', {}),
    signature: kept('signature', 'standard'),
    options: kept('options', {}),
    is_active: kept('is_active', true),
  };
}

function toColumns({ headers, options, ...plain }: Settings): Record<string, SqlValue> {
  return {
    ...plain,
    headers: JSON.stringify(shown(headers)),
    options: JSON.stringify(options),
    updated_at: new Date(),
  };
}

/** Headers as anybody may see them. */
function shown(headers: Webhook['headers']): Webhook['headers'] {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, isSecretHeader(name) || value]));
}

/** The values of secret headers: those given, and those that stay. @throws config PCP_WEBHOOK_HEADER_VALUE */
function withHeaders(secrets: WebhookSecrets, headers: Webhook['headers']): WebhookSecrets {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== true && !isSecretHeader(name)) continue;
    const kept = value === true ? secrets.headers[name] : value;
    if (kept === undefined) {
      throw new IntegrationError(
        'config',
        'PCP_WEBHOOK_HEADER_VALUE',
        phrase`The header "${name}" has no value to keep.`,
        { path: `/headers/${name}` },
      );
    }
    values[name] = kept;
  }
  return { ...secrets, headers: values };
}

/** Secret headers stay with the place they were typed for. @throws config PCP_SECRET_NEEDED */
function refuseMovedHeaders(row: WebhookRow, { url, headers }: Settings, secrets: WebhookSecrets): void {
  if (new URL(url).origin === new URL(row.url).origin) return;
  const kept = Object.keys(secrets.headers).find((name) => headers[name] === true);
  if (kept === undefined) return;
  const message = `The value of the header "${kept}" belongs to ${new URL(row.url).origin}: type it again.`;
  throw new IntegrationError('config', 'PCP_SECRET_NEEDED', message, { path: `/headers/${kept}` });
}
