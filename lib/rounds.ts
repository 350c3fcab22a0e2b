import { IntegrationError } from './model/errors';
import { Outage } from './outage';

export interface RoundsOptions {
  /** What an outage of its store is told of. */
  name: string;
  /** One round. @returns after how many milliseconds the next one is wanted at the latest; null: when it is asked for */
  round(): Promise<number | null>;
  /** After a round that failed. */
  retryMs: number;
  /** Whether the wait for the next round keeps the process. */
  keepsProcess?: boolean;
  log: ConstructorParameters<typeof Outage>[1];
}

/** Something that is looked after again and again, at once when it is asked for, and never twice at the same time. */
export class Rounds {
  private readonly outage: Outage;
  private timer: NodeJS.Timeout | undefined;
  private going: Promise<void> | null = null;
  private isWanted = false;
  private stopped = false;

  constructor(private readonly options: RoundsOptions) {
    this.outage = new Outage(options.name, options.log);
  }

  get isGoing(): boolean {
    return this.going !== null;
  }

  get isStopped(): boolean {
    return this.stopped;
  }

  /** Resolves after a round that began after this was asked for. Never rejects: what failed is tried again later. */
  now(): Promise<void> {
    if (this.stopped) return this.going ?? Promise.resolve();
    this.isWanted = true;
    clearTimeout(this.timer);
    this.going ??= this.goOn();
    return this.going;
  }

  /** Begins no round any more, and waits for the one that is going. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.going;
  }

  private async goOn(): Promise<void> {
    const { round, retryMs, keepsProcess = false } = this.options;
    let pause: number | null = retryMs;
    while (this.isWanted && !this.stopped) {
      this.isWanted = false;
      try {
        pause = await round();
        this.outage.succeeded();
      } catch (error) {
        pause = retryMs;
        this.outage.failed(IntegrationError.from(error));
      }
    }
    this.going = null;
    if (this.stopped || pause === null) return;
    this.timer = setTimeout(() => void this.now(), pause);
    if (!keepsProcess) this.timer.unref();
  }
}
