import type { EventType } from './events';
import type { Page, PageRequest } from './services';

export type WebhookMethod = 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'GET';
export type WebhookSignature = 'standard' | 'github' | 'none';

export type TemplateLanguage = 'jsonata' | 'mustache';

export interface WebhookOptions {
  /** Id of a connection whose authentication, certificates, proxy and headers it is sent with. */
  sign_in_as?: number;
  /** JSONata over the envelope: what it does not give true for is not sent. */
  filter?: string;
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
  /** Over the envelope; null = the envelope itself. */
  payload_template: string | null;
  template_language: TemplateLanguage;
  signature: WebhookSignature;
  options: WebhookOptions;
  is_active: boolean;
  /** Why the hub switched it off: it answered that it is gone, or nothing arrived for days. */
  disabled_reason: 'gone' | 'failing' | null;
  disabled_at: string | null;
  /** Since when no attempt succeeded. */
  failing_since: string | null;
  /** Nothing is sent before: attempts failed, or the receiver wants it so. */
  paused_until: string | null;
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

export type WebhookInput = Pick<Webhook, 'name' | 'url' | 'event_type'> &
  Partial<
    Pick<
      Webhook,
      | 'description'
      | 'connection_id'
      | 'method'
      | 'headers'
      | 'payload_template'
      | 'template_language'
      | 'signature'
      | 'options'
      | 'is_active'
      | 'created_by'
    >
  > & {
    /** To sign with; one is made when there is none. Null = as it is. */
    secret?: string | null;
  };

export type WebhookView = Webhook & {
  revision: number;
  /** Until then what is sent is signed with the secret before the last one as well. */
  previous_secret_until: string | null;
};

/** With a secret that was made or given, which is told this once. */
export type WebhookWithSecret = WebhookView & { secret: string | null };

export type WebhookList = { is_active?: boolean; name?: string } & PageRequest;

export interface ExecutionFilter {
  status?: ExecutionStatus;
  event_type?: string;
  /** At or after, before. */
  from?: string;
  to?: string;
}

/** Where events are sent. */
export interface Webhooks {
  list(filter: WebhookList): Promise<Page<WebhookView>>;
  get(id: number): Promise<WebhookView>;
  create(input: WebhookInput): Promise<WebhookWithSecret>;
  /** @param revision of the row that the writer saw (If-Match); absent = any */
  update(id: number, input: WebhookInput, revision?: number): Promise<WebhookWithSecret>;
  delete(id: number): Promise<void>;
  /** @throws conflict PCP_WEBHOOK_UNSIGNED */
  rotateSecret(id: number, request: { secret?: string | null; overlap_hours?: number }): Promise<WebhookWithSecret>;
}

export interface PreviewedTemplate {
  payload_template: string | null;
  template_language: TemplateLanguage;
  /** As the webhook's headers have it. */
  content_type?: string;
  event: Envelope;
}

/** What webhooks are told, and what became of it. */
export interface WebhookDeliveries {
  list(webhookId: number, filter: ExecutionFilter & PageRequest): Promise<Page<WebhookExecution>>;
  get(webhookId: number, id: number): Promise<WebhookExecution>;
  /** Sends an event of this kind, or a test. @throws conflict PCP_WEBHOOK_INACTIVE */
  trigger(
    webhookId: number,
    request: { event_type?: EventType; data?: Record<string, unknown> },
  ): Promise<WebhookExecution>;
  /**
   * What would be said of an event; null when the template gives nothing.
   * @throws config PCP_EXPRESSION_INVALID, PCP_TEMPLATE_INVALID, or what the template fails with
   */
  preview(request: PreviewedTemplate): Promise<{ type: string; body: string } | null>;
  /** Delivers it once more, under the same event id. @throws conflict PCP_WEBHOOK_INACTIVE */
  redeliver(webhookId: number, id: number): Promise<WebhookExecution>;
  /**
   * The same for all that failed, by when their events happened.
   * @param isUnsent only what was never sent, so that the receiver gets nothing that it may have
   * @returns how many
   */
  redeliverFailed(webhookId: number, since: string, isUnsent: boolean): Promise<number>;
}
