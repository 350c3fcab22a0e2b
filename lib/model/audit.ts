/** Who does something: "node:4a1f..." of a flow, "user:anna" over the API; "user:" is anybody on this machine, "hub:" the hub by itself. */
export interface Actor {
  id: string;
  /** What people call it. */
  name: string | null;
  /** From where: "flow:2b7c...", "address:192.0.2.7", "process:" and the name of the hub's own */
  origin: string | null;
}

/** `begun` is on record before anything happens; the other entry of its attempt says what became of it. */
export type AuditOutcome = 'begun' | 'done' | 'failed' | 'refused' | 'unknown';

/** What is put on record. */
export interface AuditEvent {
  /** The same in both entries of an attempt. */
  attempt: string;
  actor: Actor;
  /** `tag.write`, `operation.call`, the operation of the API, or what a deploy or the hub itself did (`deployConnection`, `rotateKeys`, `removeAuditEntries`). */
  action: string;
  connection_id: number | null;
  /** What it is done to: a tag or address, a node, a path of the API. */
  subject: string;
  outcome: AuditOutcome;
  /** Without secrets. */
  details: Record<string, unknown>;
}

/** What the deploy of a flow changed. */
export interface FlowChange {
  action: 'deployConnection' | 'retireConnection' | 'deployMapping' | 'retireMapping';
  /** The config node. */
  node: string;
  name: string;
  connectionId: number;
  /** Null: it is new. */
  before: Record<string, unknown> | null;
  after: Record<string, unknown>;
  /** Names of secrets that are others than before. */
  given?: string[];
}

/** An entry of the audit log. Its hash covers all that it says and the hash of the entry before. */
export interface AuditEntry {
  id: number;
  at: string;
  attempt: string;
  actor: string;
  actor_name: string | null;
  origin: string | null;
  action: string;
  connection_id: number | null;
  subject: string;
  outcome: AuditOutcome;
  details: Record<string, unknown>;
  previous_hash: string;
  hash: string;
}

export interface AuditFilter {
  connection_id?: number;
  actor?: string;
  action?: string;
  subject?: string;
  outcome?: string;
  attempt?: string;
  /** At or after, before. */
  from?: string;
  to?: string;
}

/** Whether the entries are what was once written, in their order. */
export interface AuditVerification {
  entries: number;
  /** The first entry that does not fit to the one before it, or to its own hash; null when all do. */
  broken_at: number | null;
  /** Of the newest entry: whoever keeps it elsewhere sees when entries are missing at the end. */
  last_hash: string | null;
}
