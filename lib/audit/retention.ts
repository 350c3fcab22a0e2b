import { IntegrationError } from '../model/errors';
import type { AuditLog } from './audit-log';
import { HUB } from './hub-acts';

const DAY_MS = 86_400_000;

export interface AuditRetentionOptions {
  audit: Pick<AuditLog, 'forget'>;
  /** Undefined: entries are kept for ever. */
  days: number | undefined;
  clock: { now(): number };
  log(level: 'warn', message: string): void;
}

/** Lets entries go after the days that are set. */
export class AuditRetention {
  private nextAt = 0;

  constructor(private readonly options: AuditRetentionOptions) {}

  /** Does its work once a day. Never rejects. */
  async tidy(): Promise<void> {
    const { audit, days, clock, log } = this.options;
    const now = clock.now();
    if (days === undefined || now < this.nextAt) return;
    this.nextAt = now + DAY_MS;
    try {
      while (await audit.forget(now - days * DAY_MS, HUB));
    } catch (error) {
      log('warn', `Old entries of the audit log were not removed: ${IntegrationError.from(error).message}`);
    }
  }
}
