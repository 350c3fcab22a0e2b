import type { AlertKind, AlertRule, AlertRuleInput } from '../model/alert';

interface Kind {
  /** A small value is bad: what is left. */
  isLeft?: true;
  /** Of something of which there is no more than all. */
  isPercent?: true;
  /** Rules of this kind may leave their threshold to the schedule of each mapping. */
  hasOwnThreshold?: true;
  /** It is about connections, not about mappings. */
  isOfConnection?: true;
  /** The rule that a plant has which configures nothing. */
  preset: Pick<
    AlertRule,
    'severity' | 'threshold' | 'clear_threshold' | 'for_seconds' | 'clear_for_seconds' | 'repeat_seconds'
  >;
}

const MINUTE = 60;
const DAY = 86_400;

const usual = { severity: 'warning', clear_threshold: null, for_seconds: 0, clear_for_seconds: 0 } as const;

const expiry: Kind = {
  isLeft: true,
  isOfConnection: true,
  preset: { ...usual, threshold: 30, repeat_seconds: 7 * DAY },
};

/** What can be watched, in the order in which it is shown. */
export const KINDS: Record<AlertKind, Kind> = {
  // A run has tried several times before it fails.
  sync_failure: { preset: { ...usual, severity: 'critical', threshold: 1, repeat_seconds: DAY } },
  // Long enough for what was missed while the hub was down to be made up for.
  data_delay: {
    hasOwnThreshold: true,
    preset: { ...usual, severity: 'critical', threshold: null, for_seconds: 5 * MINUTE, repeat_seconds: DAY },
  },
  // What is tolerated of a mapping is said there.
  inconsistency: { preset: { ...usual, threshold: 1, repeat_seconds: 7 * DAY } },
  dead_letters: { preset: { ...usual, threshold: 1, repeat_seconds: 7 * DAY } },
  error_ratio: {
    isPercent: true,
    preset: { ...usual, severity: 'critical', threshold: 10, clear_threshold: 5, repeat_seconds: DAY },
  },
  buffer_fill: {
    isPercent: true,
    preset: { ...usual, severity: 'critical', threshold: 80, clear_threshold: 60, repeat_seconds: DAY },
  },
  api_limit: {
    isPercent: true,
    isOfConnection: true,
    // Most quotas are of a minute, and begin anew.
    preset: { ...usual, threshold: 80, clear_threshold: 70, for_seconds: MINUTE, repeat_seconds: DAY },
  },
  // A service that was started anew is back by then.
  connection_paused: {
    isOfConnection: true,
    preset: { ...usual, severity: 'critical', threshold: 1, for_seconds: 5 * MINUTE, repeat_seconds: DAY },
  },
  // It was tried for days.
  webhook_failure: {
    isOfConnection: true,
    preset: { ...usual, severity: 'critical', threshold: 1, repeat_seconds: DAY },
  },
  certificate_expiry: expiry,
  secret_expiry: expiry,
};

/** Rules that are there by themselves: of each kind the first, and whatever is to be told apart beside it. */
export const PRESETS: readonly { key: string; rule: AlertRuleInput }[] = [
  ...(Object.keys(KINDS) as AlertKind[]).map((kind) => ({ key: kind, rule: { kind } })),
  {
    key: 'api_limit:95',
    rule: { kind: 'api_limit', severity: 'critical', threshold: 95, clear_threshold: 90 },
  },
];

export const ALERT_KINDS = Object.keys(KINDS) as AlertKind[];

/** Whether a value is as bad as the threshold says. */
export function isReached(kind: AlertKind, value: number, threshold: number): boolean {
  return KINDS[kind].isLeft ? value <= threshold : value >= threshold;
}
