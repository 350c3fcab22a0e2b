import type { Page, PageRequest } from './services';

/** What is watched. */
export type AlertKind =
  | 'sync_failure' /** runs of a mapping that failed, in a row */
  | 'data_delay' /** seconds since a mapping last went well, or since a live one has been cut off */
  | 'inconsistency' /** records of a mapping that its two sides hold differently */
  | 'dead_letters' /** records of a mapping that wait for somebody */
  | 'error_ratio' /** of the records that a mapping read lately those that were rejected, in percent */
  | 'buffer_fill' /** of a live mapping's spool, in percent */
  | 'api_limit' /** of what an API allows, in percent */
  | 'connection_paused' /** attempts in a row that failed at a connection which is left alone for it */
  | 'webhook_failure' /** deliveries that were given up, or whose webhook was switched off */
  | 'certificate_expiry' /** days for which a certificate is still good */
  | 'secret_expiry'; /** days for which a secret is still good */

export type AlertSeverity = 'warning' | 'critical';

/** `pending`: it has not lasted long enough to be told. */
export type AlertState = 'pending' | 'firing' | 'acknowledged' | 'resolved';

/** Row of `integration_alert_rules`: when somebody is to be told. */
export interface AlertRule {
  id: number;
  kind: AlertKind;
  /** Null: what its kind is called. */
  name: string | null;
  /** It is there by itself: it can be changed and switched off, not removed. */
  is_default: boolean;
  is_active: boolean;
  /** Watches this connection alone, or this mapping; both null: everything. */
  connection_id: number | null;
  mapping_id: number | null;
  severity: AlertSeverity;
  /** From where on it is wrong. Null, for `data_delay` alone: two due times of the schedule were missed. */
  threshold: number | null;
  /** It is over on the other side of this value; null = of the threshold. */
  clear_threshold: number | null;
  /** It is told when it has lasted so long. */
  for_seconds: number;
  /** It is over when it has been well for so long. */
  clear_for_seconds: number;
  /** Told again after so long, until somebody acknowledges it; null = never. */
  repeat_seconds: number | null;
  created_at: string;
  updated_at: string;
  revision: number;
}

export type AlertRuleInput = Pick<AlertRule, 'kind'> &
  Partial<
    Pick<
      AlertRule,
      | 'name'
      | 'is_active'
      | 'connection_id'
      | 'mapping_id'
      | 'severity'
      | 'threshold'
      | 'clear_threshold'
      | 'for_seconds'
      | 'clear_for_seconds'
      | 'repeat_seconds'
    >
  >;

/** Row of `integration_alerts`: one thing that is, or was, wrong. */
export interface Alert {
  id: number;
  rule_id: number;
  kind: AlertKind;
  /** What it is about: "mapping:7:import", "connection:3", "certificate:9c3f...". */
  subject: string;
  connection_id: number | null;
  mapping_id: number | null;
  severity: AlertSeverity;
  state: AlertState;
  /** As it was last looked at, in the unit of its kind. */
  value: number;
  threshold: number;
  /** Facts of which the words are made. */
  details: Record<string, unknown>;
  /** Since when it is wrong. */
  since: string;
  fired_at: string | null;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  note: string | null;
  resolved_at: string | null;
}

export type AlertEventType = 'firing' | 'repeated' | 'acknowledged' | 'resolved';

/** What happened to an alert. */
export interface AlertEvent {
  id: number;
  alert_id: number;
  type: AlertEventType;
  at: string;
  /** Who acknowledged it. */
  by: string | null;
  value: number;
}

export interface AlertFilter {
  /** `open`: firing or acknowledged. */
  state?: AlertState | 'open';
  kind?: AlertKind;
  severity?: AlertSeverity;
  rule_id?: number;
  connection_id?: number;
  mapping_id?: number;
  /** Wrong since this instant or later, before. */
  from?: string;
  to?: string;
}

/**
 * Decides whether it is to be told of an event.
 * @returns what tells it, once no copy can any more; null when it is not wanted. Where it rejects it is asked again later.
 */
export type AlertListener = (event: AlertEvent, alert: Alert) => Promise<(() => void) | null>;

export interface Alerts {
  /** Newest first; without a state all but what is pending. */
  list(filter: AlertFilter & PageRequest): Promise<Page<Alert>>;
  /** @throws data PCP_NOT_FOUND */
  get(id: number): Promise<Alert & { events: AlertEvent[] }>;
  /** Somebody takes care of it: it is not told again. @throws conflict PCP_ALERT_CLOSED */
  acknowledge(id: number, by: string | null, note?: string): Promise<Alert & { events: AlertEvent[] }>;
  /**
   * Calls back with what happens to alerts, until the returned function is called. Of the copies of a reader over one store each
   * event is told to one; what happens while none is there, within a day, to the first that comes.
   */
  follow(reader: string, listener: AlertListener): () => void;
  readonly rules: AlertRules;
}

export interface AlertRules {
  list(filter: { kind?: AlertKind; is_active?: boolean } & PageRequest): Promise<Page<AlertRule>>;
  get(id: number): Promise<AlertRule>;
  /** @throws config PCP_ALERT_RULE_INVALID with `path` */
  create(input: AlertRuleInput): Promise<AlertRule>;
  update(id: number, input: AlertRuleInput, revision?: number): Promise<AlertRule>;
  /** What it had told is over. @throws conflict PCP_ALERT_RULE_DEFAULT */
  delete(id: number): Promise<void>;
}
