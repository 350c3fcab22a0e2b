import type { EventType } from './events';

export type WebhookMethod = 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'GET';
export type WebhookSignature = 'standard' | 'github' | 'none';

export interface WebhookOptions {
  /** Deliveries at the same time; 4 by default. */
  max_concurrency?: number;
  requests_per_second?: number;
  /** From the beginning of an attempt to the end of its answer; 15 s by default. */
  timeout_ms?: number;
  /** One after the other, in the order of the events: one that fails holds up those behind it. */
  ordered?: boolean;
  /** Seconds after each failed attempt until the next one. */
  retry_seconds?: number[];
}

/** Where events are sent. Names are the columns of `integration_webhooks`; timestamps are ISO 8601 in UTC. */
export interface Webhook {
  id: number;
  name: string;
  description: string | null;
  url: string;
  /** Patterns of events. */
  event_type: string;
  /** Only events of this connection; null = of all. */
  connection_id: number | null;
  method: WebhookMethod;
  /** `true` stands for a value that is kept and not shown. */
  headers: Record<string, string | true>;
  /** JSONata over the envelope; null = the envelope itself. */
  payload_template: string | null;
  signature: WebhookSignature;
  options: WebhookOptions;
  is_active: boolean;
  /** Why the hub switched it off: it answered that it is gone, or nothing arrived for days. */
  disabled_reason: 'gone' | 'failing' | null;
  disabled_at: string | null;
  /** Since when no attempt succeeded. */
  failing_since: string | null;
  created_by: string | null;
  created_at: string;
  updated_at: string;
}

export type ExecutionStatus = 'pending' | 'success' | 'error' | 'skipped';

/** One attempt to deliver. */
export interface DeliveryAttempt {
  at: string;
  duration_ms: number;
  /** Null: no answer came. */
  response_status: number | null;
  error_code: string | null;
  error_message: string | null;
}

/** One event on its way to one webhook. */
export interface WebhookExecution {
  id: number;
  webhook_id: number;
  /** The header webhook-id: the same in every attempt. */
  event_id: string;
  event_type: EventType;
  status: ExecutionStatus;
  created_at: string;
  /** When the last attempt began. */
  executed_at: string | null;
  next_attempt_at: string | null;
  response_status: number | null;
  /** Its beginning. */
  response_body: string | null;
  error_code: string | null;
  error_message: string | null;
  attempts: DeliveryAttempt[];
}

/** What is sent unless a template says otherwise. */
export interface Envelope {
  type: EventType;
  timestamp: string;
  data: Record<string, unknown>;
}
