import type { Delivery } from '../model/delivery';
import type { IntegrationError } from '../model/errors';
import type { SourceRecord } from './contract';

export type Quality = 'good' | 'uncertain' | 'bad';

/** One value of a tag, as its source gave it. It is a record, so that mappings, spool and flows treat it as any other. */
export interface TagValue extends SourceRecord {
  /** As it was asked for: a name of the connection's `tags`, or an address. */
  tag: string;
  /** Plain data; integers beyond 2^53 and decimals are texts, bytes are base64. Null where the source gives none. */
  value: unknown;
  quality: Quality;
  /** What the source calls it when it is not simply good ("BadNotConnected", "exception 2"). */
  status?: string;
  /** The source's own clock, ISO 8601 UTC; null where it gives none. */
  source_timestamp: string | null;
  server_timestamp?: string;
  /** The hub's clock, ISO 8601 UTC. */
  received_at: string;
  unit?: string;
  /** Late: from the source's history after an outage, or sent by it as historical. */
  backfilled?: boolean;
  /** Told again after an outage in which it was lost: the source's time is of before, and it is so now. */
  unchanged?: boolean;
  /** Changes before it were lost: the source had no room for them. */
  overflow?: boolean;
}

/** Status of a tag, without a value and bad, whose connection was interrupted. */
export const CONNECTION_LOST = 'connection lost';

/** What to listen to: an entity of the connection, or tags by name or address. */
export interface Subscription {
  entity?: string;
  items?: SubscriptionItem[];
}

/** How one tag is watched. Absent settings are those of the connection's `tags`, then the connector's own. */
export interface SubscriptionItem {
  tag: string;
  /** How often the source is to look, in milliseconds. */
  sampling_interval_ms?: number;
  /** Changes within it are left out: in units of the value, or in per cent of its range. */
  deadband?: { type: 'absolute' | 'percent'; value: number };
}

export type LiveEvent =
  /**
   * `acknowledge` tells the source that these are durable; calling it again is harmless. With `delivery` they are those of one
   * message that is to be taken exactly once.
   */
  | { kind: 'records'; records: SourceRecord[]; acknowledge?(): void; delivery?: Delivery }
  /** The connector goes on by itself after `interrupted`; what makes it give up is thrown instead. */
  | { kind: 'state'; state: 'connected' | 'interrupted'; error?: IntegrationError };

export interface TagWrite {
  tag: string;
  value: unknown;
}

export type TagWriteResult =
  /** What the source held when it was read back; `verified` is false where it differs, or cannot be read. */
  | { tag: string; outcome: 'written'; verified: boolean; value: unknown }
  | { tag: string; outcome: 'failed'; error: IntegrationError }
  /** It may have been written: why its answer was lost. */
  | { tag: string; outcome: 'unknown'; error: IntegrationError };

/** What a write would send. */
export type TagWritePlan =
  | { tag: string; outcome: 'planned'; request: Record<string, unknown> }
  | { tag: string; outcome: 'failed'; error: IntegrationError };

export interface BrowseNode {
  /** Names it in `browse`, and, where it is a tag, everywhere else. */
  address: string;
  name: string;
  kind: 'folder' | 'tag' | 'method' | 'event';
  /** In the source's own words ("Float", "uint16"). */
  data_type?: string;
  writable?: boolean;
  unit?: string;
  description?: string;
  has_children: boolean;
}
