import type { SerializedError } from './errors';

/** What happens to new values when a stream's spool is full. */
export type WhenFull = 'stop_ack' | 'drop_oldest' | 'drop_newest' | 'downsample';

/** `options.live` of a mapping that is live. */
export interface LiveOptions {
  /** Bytes of the spool that this stream may take; default 256 MiB. */
  max_bytes?: number;
  /** Records in the spool; default: as many as the bytes hold. */
  max_records?: number;
  /** Older records are dropped and counted; default: none is. */
  max_age_seconds?: number;
  /**
   * `stop_ack` takes and acknowledges nothing more until there is room: the default for sources that wait for their
   * acknowledgement. For the others it is `drop_oldest`.
   */
  when_full?: WhenFull;
  /**
   * What goes first while a backlog drains: new records, up to seven of ten, or strictly the oldest. Default: new ones into
   * `measurement`, whose key holds the time; else the oldest, lest an old value end up over a new one.
   */
  order?: 'live_first' | 'oldest_first';
  /** No record for so long makes the stream `silent`; default: never. */
  silence_after_seconds?: number;
  /** A tag whose value stays the same for so long is reported as stuck; default: never. */
  stuck_after_seconds?: number;
}

/** `standby`: another instance on the same store listens. */
export type LiveState = 'connecting' | 'connected' | 'interrupted' | 'silent' | 'failed' | 'standby';

/** What a person should look at, for as long as it lasts. */
export interface LiveAlarm {
  /**
   * `dropped`: the spool's limits cost records, within the last ten minutes; `overflow`: the source's own queues did, likewise;
   * `full`: the source is kept waiting; `silent`; `stuck`: tags whose value stays the same.
   */
  kind: 'dropped' | 'overflow' | 'full' | 'silent' | 'stuck';
  /** Of records, of overflows that the source told, or of tags that are stuck; 1 for silence. */
  count: number;
  since: string;
}

/** What flows wrote to a connection while its other side was away. */
export interface WaitingWrites {
  connection_id: number;
  records: number;
  bytes: number;
  oldest_at: string | null;
}

/** The live mappings of this instance. */
export interface StreamsHealth {
  states: Partial<Record<LiveState, number>>;
  /** Records that wait in the spool. */
  backlog: number;
  /** Records that the spool's limits cost, ever. */
  dropped: number;
  alarms: (LiveAlarm & { mapping_id: number })[];
}

/** How a stream is, as of a moment ago. */
export interface LiveStatus {
  state: LiveState;
  /** When it came to this state. */
  since: string;
  /** Why it is interrupted or failed. */
  error: SerializedError | null;
  /** Records received since the hub's live process started, and per second over the last ten seconds. */
  received: number;
  records_per_second: number;
  last_record_at: string | null;
  /** Tags whose value stays the same for too long; the first hundred. */
  stuck_tags: string[];
  backlog: {
    records: number;
    bytes: number;
    /** When the oldest of them was received. */
    oldest_at: string | null;
  };
  /** Records that the spool's limits cost, ever. */
  dropped: number;
  alarms: LiveAlarm[];
}
