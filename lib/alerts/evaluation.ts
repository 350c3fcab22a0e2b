import type { AlertEventType, AlertKind, AlertRule } from '../model/alert';
import type { SqlDatabase, SqlTransaction } from '../protocols/sql/database';
import { isDeadlock, isUniqueViolation } from '../store/rows';
import {
  changeAlert,
  columnsAfter,
  insertAlert,
  type OpenAlert,
  openAlerts,
  orphanedRules,
  removeAlert,
} from './alert-rows';
import type { FindFacts } from './facts/facts';
import { type Observation, type Standing, type Step, step } from './step';
import { tell } from './telling';

/** How long a value that changes all the time may be behind in the store. */
const VALUE_AGE_MS = 60_000;

/** What can be found out for each kind: from the store, which is done once for all instances, and of this instance alone. */
export type FactFinders = Record<AlertKind, { shared?: FindFacts; own?: FindFacts }>;

/** Compares what is with the rules, and notes what becomes of it. */
export class Evaluation {
  constructor(
    private readonly database: SqlDatabase,
    private readonly finders: FactFinders,
  ) {}

  async look(rule: AlertRule, which: 'shared' | 'own', now: number): Promise<void> {
    const find = this.finders[rule.kind][which];
    if (find === undefined) return;
    if (!rule.is_active) return this.end(rule.id, now);
    const { observations, knows } = await find(rule, now);
    const open = await openAlerts(this.database, rule.id);
    const found = new Map(observations.map((observation) => [observation.subject, observation]));
    const left = [...open.keys()].filter((subject) => !found.has(subject) && (knows?.(subject) ?? true));
    for (const subject of [...found.keys(), ...left]) {
      const [before, observation] = [open.get(subject), found.get(subject)];
      const next = step(rule, before?.standing ?? null, observation, now);
      if (before !== undefined) {
        await this.change(before, next, now, {
          severity: rule.severity,
          ...(observation !== undefined && { details: JSON.stringify(observation.details) }),
        });
      } else if (observation !== undefined && next.stands !== null) {
        await this.open(rule, observation, next.stands, next.event, now);
      }
    }
  }

  /** Ends what a rule has raised that is not used, or not there, any more. */
  async end(ruleId: number, now: number): Promise<void> {
    for (const alert of (await openAlerts(this.database, ruleId)).values()) {
      const over: Step = { stands: null, ...(alert.standing.state !== 'pending' && { event: 'resolved' }) };
      await this.change(alert, over, now);
    }
  }

  async endOrphans(now: number): Promise<void> {
    for (const ruleId of await orphanedRules(this.database)) await this.end(ruleId, now);
  }

  private open(
    rule: AlertRule,
    found: Observation,
    stands: Standing,
    event: AlertEventType | undefined,
    now: number,
  ): Promise<void> {
    return this.unlessTaken(async (transaction) => {
      const id = await insertAlert(transaction, rule, found, stands, now);
      if (event !== undefined) await tell(transaction, id, event, now);
    });
  }

  private async change(
    before: OpenAlert,
    next: Step,
    now: number,
    changes: Partial<Pick<OpenAlert, 'severity' | 'details'>> = {},
  ): Promise<void> {
    if (isSettled(before, next.stands, changes, now)) return;
    const columns = columnsAfter(next, now);
    await this.unlessTaken(async (transaction) => {
      if (columns === null) return removeAlert(transaction, before);
      const isOurs = await changeAlert(transaction, before, { ...columns, ...changes }, now);
      if (isOurs && next.event !== undefined) await tell(transaction, before.id, next.event, now);
    });
  }

  /** What somebody else does at the same moment is done; whatever is left is seen at the next look. */
  private async unlessTaken(work: (transaction: SqlTransaction) => Promise<void>): Promise<void> {
    try {
      await this.database.transaction(work);
    } catch (error) {
      if (!isUniqueViolation(error) && !isDeadlock(error)) throw error;
    }
  }
}

/** Nothing is written of an alert that stands as it stood, but its value and details now and then. */
function isSettled(
  { standing, updatedAt, ...rated }: OpenAlert,
  stands: Standing | null,
  { severity = rated.severity, details = rated.details }: Partial<Pick<OpenAlert, 'severity' | 'details'>>,
  now: number,
): boolean {
  if (stands === null || severity !== rated.severity) return false;
  const { value, threshold, ...rest } = stands;
  const { value: _value, threshold: _threshold, ...before } = standing;
  if (Object.entries(rest).some(([name, is]) => before[name as keyof typeof before] !== is)) return false;
  const isSame = value === standing.value && threshold === standing.threshold && details === rated.details;
  return isSame || now - updatedAt < VALUE_AGE_MS;
}
