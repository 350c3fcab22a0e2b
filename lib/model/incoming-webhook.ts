import type { IntegrationError } from './errors';
import type { Page, PageRequest } from './services';

/** Where a value stands in the headers of a delivery. */
export interface HeaderValue {
  /** Lower case. */
  header: string;
  /** What stands in front of the value: "sha256=". */
  prefix?: string;
  /** The header is a list such as "t=1,v1=abc": the name of the wanted values in it. */
  item?: string;
}

/** How a sender signs, as data. */
export interface HmacScheme {
  signature: HeaderValue;
  algorithm: 'sha1' | 'sha256' | 'sha512';
  encoding: 'hex' | 'base64';
  /** Text with {id}, {timestamp} and, once, {body}. */
  signed: string;
  timestamp?: HeaderValue & { unit: 's' | 'ms' };
  /** Seconds by which the timestamp may differ from now. */
  tolerance: number;
  /** Header that stands for {id}. */
  id?: HeaderValue;
  /** JSON pointer to the id of the event in the body; without it and {id} the signed content itself tells deliveries apart. */
  eventId?: string;
  /** So long the same content is the same delivery where neither {id} nor {timestamp} nor an id in the body says more, in milliseconds; 0: never. */
  repeatMs: number;
  /** A header that is not signed, but without which two events could not be told apart. A value of another form counts as none. */
  kind?: { header: string; form: RegExp };
}

/** How it is known that a delivery comes from its sender. */
export type Verification =
  | { method: 'standard'; tolerance: number }
  | ({ method: 'hmac' } & HmacScheme)
  | { method: 'basic'; username: string; id?: MessageId }
  | { method: 'token'; header: string; id?: MessageId }
  | { method: 'client_state'; id?: MessageId }
  | { method: 'none'; id?: MessageId };

/** What tells deliveries apart whose sender signs nothing: a header, or a JSON pointer into the body. */
export type MessageId = { header: string } | { pointer: string };

/** Questions by which a sender finds out that the address is the receiver's. */
export type ChallengeKind = 'microsoft_graph' | 'hub_challenge' | 'query_challenge';

/** An address at which another system reports events. */
export interface IncomingWebhook {
  /** The node that owns it; the same in every copy of its flow. */
  id: string;
  /** Last part of the address: 128 random bits or more. */
  token: string;
  verification: Verification;
  /** Any of them may have signed: the new and the old one while they change. */
  secrets: readonly string[];
  challenge: { kind: ChallengeKind; verifyToken: string | null } | null;
  /** Largest body, in bytes, also after it is unpacked. */
  bodyLimit: number;
  /** Deliveries per second. */
  rate: number;
  /** Status of the answer to what was taken. */
  answer: 200 | 202 | 204;
}

/** What a sender delivered, without its secrets. */
export interface Delivery {
  /** As its sender names it, or a digest of what was signed. */
  id: string;
  received_at: string;
  headers: Record<string, string>;
  query: Record<string, string>;
  /** Base64, unpacked. */
  body: string;
}

/** A delivery that is its sender's. */
export interface Identity {
  id: string;
  /** Tells it apart from all others of the webhook. */
  key: string;
  /** One with this key is the same as well, if it came within so many milliseconds: nothing but their content tells them apart. */
  alike?: { key: string; withinMs: number };
}

/** Who gets the deliveries of a webhook. */
export type DeliveryConsumer =
  | {
      to: 'flow';
      /** Resolves when the flow has it. `attempt` counts from 1. */
      deliver(delivery: Delivery, attempt: number): Promise<void>;
      /** A delivery is given up. */
      onGivenUp(error: IntegrationError): void;
    }
  | { to: 'mapping'; mappingId: number };

/** `waiting`: it was answered and its flow has not taken it yet. `failed`: it was given up. */
export type KeptState = 'waiting' | 'failed' | 'done' | 'discarded';

/** A delivery as the store has it. */
export interface KeptDelivery {
  id: number;
  /** The node that owns its webhook. */
  webhook: string;
  state: KeptState;
  received_at: string;
  attempts: number;
  /** Why it was given up. */
  error_code: string | null;
  error_message: string | null;
}

/** A webhook with what of it is not done with. */
export interface IncomingWebhookState {
  webhook: string;
  /** Of its node; null where that is not deployed here. */
  name: string | null;
  waiting: number;
  failed: number;
  /** Deliveries that were taken for one that was here before, and not processed. */
  repeated: number;
  /** When the oldest of them came. */
  oldest_at: string | null;
}

export type KeptFilter = { webhook?: string; state?: KeptState; from?: string; to?: string };

/** Deliveries that were answered and are not done with. */
export interface WebhookInbox {
  /**
   * Keeps a delivery for good before it is answered.
   * @returns false when it was here before: it is not processed again
   */
  keep(webhookId: string, identity: Identity, delivery: Delivery): Promise<boolean>;
  /**
   * Hands deliveries on from now on, those first that wait from before.
   * @param name what its node is called
   * @returns ends that
   */
  attach(webhookId: string, consumer: DeliveryConsumer, name: string): () => void;
  /** Webhooks whose nodes are deployed here, and those of which something waits or was given up. */
  states(): Promise<IncomingWebhookState[]>;
  /** Newest first. */
  list(filter: KeptFilter & PageRequest): Promise<Page<KeptDelivery>>;
  /** Hands it on once more. @throws conflict PCP_DELIVERY_NOT_FAILED */
  redeliver(id: number): Promise<KeptDelivery>;
  /** The same for all that were given up, by when they came. @returns how many */
  redeliverFailed(since: string, webhook?: string): Promise<number>;
  /** Lets go of what waits and what was given up. @returns how many */
  discard(webhook: string): Promise<number>;
}
