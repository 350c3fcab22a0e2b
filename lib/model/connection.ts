import type { Scheduled } from './schedule';

/** A configured connector. Timestamps are ISO 8601 in UTC, names are the columns of `integration_connections`. */
export interface Connection extends Scheduled {
  id: number;
  name: string;
  description: string | null;
  /** `family.system`, e.g. "generic.file". */
  connector_type: string;
  config: Record<string, unknown>;
  is_active: boolean;
  timezone: string | null;
  /** "flow": owned by a deployed config node, read-only over the API. */
  managed_by: 'api' | 'flow';
  /** Id of the config node that owns a flow-managed row. */
  node_id: string | null;
  created_by: string | null;
  created_at: string;
  updated_at: string;
  last_sync_at: string | null;
  last_sync_status: SyncStatus | null;
}

/** The seed's three values; the finer state of a run stands in its details. */
export type SyncStatus = 'in_progress' | 'success' | 'error';

/** What a connector is opened with: the settings, and the secrets that never leave the process except over IPC. */
export interface OpenConnection {
  id: number;
  name: string;
  connector_type: string;
  config: Record<string, unknown>;
  credentials: Record<string, string>;
}

/** With the zone of its dates and times that have no offset. */
export type ConnectionOfRun = OpenConnection & { timezone: string | null };
