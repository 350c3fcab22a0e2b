import { type IntegrationError, inOneLine } from './model/errors';

/** Says once that the other side is gone and once that it is back, however many users and attempts meet the outage. */
export class Outage {
  private since: number | null = null;

  constructor(
    private readonly name: string,
    private readonly log: (level: 'info' | 'warn' | 'debug', message: string) => void,
  ) {}

  failed(error: Pick<IntegrationError, 'code' | 'message' | 'hint'>): void {
    const text = `${this.name}: ${error.code}: ${inOneLine(error)}`;
    this.log(this.since === null ? 'warn' : 'debug', text);
    this.since ??= Date.now();
  }

  succeeded(): void {
    if (this.since === null) return;
    const seconds = Math.max(1, Math.round((Date.now() - this.since) / 1000));
    this.since = null;
    this.log('info', `${this.name}: works again after ${seconds} s.`);
  }
}
