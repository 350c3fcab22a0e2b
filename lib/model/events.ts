/** What happens in the hub that others may want to know. */
export const EVENT_TYPES = [
  'run.succeeded',
  'run.partial',
  'run.failed',
  'run.cancelled',
  'run.skipped',
  'record.created',
  'record.updated',
  'record.deleted',
  'dead_letter.opened',
  'reconciliation.completed',
  'alert.firing',
  'alert.acknowledged',
  'alert.resolved',
  'flow.message',
  'webhook.test',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

export interface HubEvent {
  type: EventType;
  /** Whose it is: webhooks may be for one connection. */
  connection_id?: number | null;
  mapping_id?: number | null;
  /** Milliseconds since 1970; absent = now. */
  at?: number;
  /** What is told, without secrets. */
  data: Record<string, unknown>;
}

/** "run.failed", "run.*" and "*" are patterns; several of them are separated by commas. */
export const EVENT_PATTERN = '^(\\*|[a-z_]+\\.(\\*|[a-z_]+))( *, *(\\*|[a-z_]+\\.(\\*|[a-z_]+)))*$';

/** Whether an event is one of those that somebody asked for. A test is only for the one who asks for it. */
export function matchesEvent(patterns: string, type: EventType): boolean {
  return patternsOf(patterns).some(
    (pattern) => pattern === '*' || pattern === type || pattern === `${familyOf(type)}.*`,
  );
}

/** Of the patterns, those that no event will ever match. */
export function unknownPatterns(patterns: string): string[] {
  return patternsOf(patterns).filter((pattern) => !EVENT_TYPES.some((type) => matchesEvent(pattern, type)));
}

function patternsOf(patterns: string): string[] {
  return patterns.split(',').map((pattern) => pattern.trim());
}

function familyOf(type: EventType): string {
  return type.slice(0, type.indexOf('.'));
}
