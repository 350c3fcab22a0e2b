import { IntegrationError } from '../../model/errors';
import { Rounds } from '../../rounds';
import { WORKER } from '../../store/worker-name';
import { Hold } from './hold';
import { tidy } from './retention';
import { Sender, type SenderOptions } from './sender';

/** How often it is looked what waits: runs end in other processes. */
const LOOK_EVERY_MS = 2_000;
const TIDY_EVERY_MS = 3_600_000;

export interface DispatcherOptions extends SenderOptions {
  /** Executions that ended are kept so long. */
  days: number;
}

let dispatchers = 0;

/** Finds webhooks that something is due at, and sends where no other process does. */
export class Dispatcher {
  private readonly holder = `${WORKER}:${++dispatchers}`;
  private readonly senders = new Map<number, { sender: Sender; ended: Promise<void> }>();
  private readonly rounds: Rounds;
  private tidiedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: DispatcherOptions) {
    const round = async () => {
      await this.sendDue();
      return LOOK_EVERY_MS;
    };
    this.rounds = new Rounds({ name: 'The webhooks', round, retryMs: LOOK_EVERY_MS, log: options.log });
  }

  /** Looks what is due now, and from time to time from then on. Never throws. */
  look(): Promise<void> {
    return this.rounds.now();
  }

  async stop(): Promise<void> {
    await this.rounds.stop();
    for (const { sender } of this.senders.values()) sender.stop();
    await Promise.all([...this.senders.values()].map(({ ended }) => ended));
  }

  private async sendDue(): Promise<void> {
    const { database, executions, clock, days } = this.options;
    const now = clock.now();
    const rows = await database.query(
      `SELECT w.id, w.options FROM integration_webhooks w WHERE w.is_active = ? AND w.paused_until <= ?
         AND EXISTS (SELECT 1 FROM integration_webhook_executions x
           WHERE x.status = 'pending' AND x.webhook_id = w.id AND x.next_attempt_at <= ?)`,
      [true, now, now],
    );
    for (const { id, options } of rows) {
      if (this.rounds.isStopped) return;
      if (this.senders.has(Number(id))) continue;
      const isOrdered = JSON.parse(String(options)).ordered === true;
      // What is due may stand behind one that waits: a hold taken for nothing is two writes each time.
      if (isOrdered && (await executions.nextInOrder(Number(id), now)).length === 0) continue;
      const hold = await Hold.take(database, Number(id), this.holder);
      if (hold !== null) this.begin(hold);
    }
    if (now - this.tidiedAt < TIDY_EVERY_MS) return;
    this.tidiedAt = now;
    await tidy(database, now, days);
  }

  private begin(hold: Hold): void {
    const sender = new Sender(this.options, hold);
    const { webhookId } = hold;
    const ended = sender
      .run()
      .finally(() => hold.release())
      .catch((error: unknown) => {
        const { code, message } = IntegrationError.from(error);
        // A webhook that was deleted meanwhile has nothing to be told.
        if (code !== 'PCP_NOT_FOUND') this.options.log('warn', `Webhook ${webhookId}: ${code}: ${message}`);
      })
      .then(() => {
        this.senders.delete(webhookId);
      });
    this.senders.set(webhookId, { sender, ended });
  }
}
