import { IntegrationError } from '../model/errors';
import { Rounds } from '../rounds';
import type { Evaluation } from './evaluation';
import type { AlertRuleStore } from './rules';

const LOOK_EVERY_MS = 15_000;
const TIDY_EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;

export interface AlertWatchOptions {
  rules: AlertRuleStore;
  evaluation: Evaluation;
  /** The time that all processes of the store go by. */
  clock: { measure(): Promise<void>; now(): number };
  /** Lets alerts go that were over before this instant. */
  removeOld(before: number): Promise<void>;
  /** They go after so long. */
  keptDays: number;
  /** Something may have happened, here or in another instance; must not throw. */
  onLooked(): void;
  log(level: 'info' | 'warn' | 'debug', message: string): void;
}

/**
 * Looks every few seconds whether something is wrong. It has a timer of its own, so that it tells of a scheduler or a worker
 * that does nothing any more. Of several instances one looks at what the store holds.
 */
export class AlertWatch {
  private readonly rounds: Rounds;
  /** Why a rule cannot be looked at: it is said once. */
  private readonly broken = new Map<number, string>();
  private nextTidyAt = 0;
  private isStarted = false;

  constructor(private readonly options: AlertWatchOptions) {
    const round = async () => {
      await this.lookAtAll();
      return this.isStarted ? LOOK_EVERY_MS : null;
    };
    this.rounds = new Rounds({ name: 'The alerts', round, retryMs: LOOK_EVERY_MS, log: options.log });
  }

  /** Looks now and from now on. */
  start(): void {
    this.isStarted = true;
    void this.look();
  }

  /** Looks now. What was changed during a look is seen as well. Never throws. */
  look(): Promise<void> {
    return this.rounds.now();
  }

  stop(): Promise<void> {
    return this.rounds.stop();
  }

  private async lookAtAll(): Promise<void> {
    await this.lookAtRules();
    this.options.onLooked();
    const now = this.options.clock.now();
    if (now < this.nextTidyAt) return;
    this.nextTidyAt = now + TIDY_EVERY_MS;
    await this.options.removeOld(now - this.options.keptDays * DAY_MS);
  }

  private async lookAtRules(): Promise<void> {
    const { rules, evaluation, clock, log } = this.options;
    await clock.measure();
    await rules.addPresets();
    await evaluation.endOrphans(clock.now());
    for (const rule of await rules.all()) {
      if (this.rounds.isStopped) return;
      const now = clock.now();
      try {
        await evaluation.look(rule, 'own', now);
        // A clock that was put back must not keep everybody from looking.
        const isDue = rule.nextLookAt <= now || rule.nextLookAt > now + LOOK_EVERY_MS;
        if (isDue && (await rules.claim(rule, now + LOOK_EVERY_MS))) await evaluation.look(rule, 'shared', now);
        this.broken.delete(rule.id);
      } catch (error) {
        const { class: kind, message } = IntegrationError.from(error);
        if (kind === 'transient') throw error;
        const level = this.broken.get(rule.id) === message ? 'debug' : 'warn';
        log(level, `Alert rule ${rule.id} (${rule.kind}) cannot be looked at: ${message}`);
        this.broken.set(rule.id, message);
      }
    }
  }
}
