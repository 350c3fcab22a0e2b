import type { Model, ModelStatic, Sequelize } from 'sequelize';
import type { SyncStatus } from '../../model/connection';
import type { ScheduleOptions } from '../../model/schedule';
import { flag, id, instant, integer, json, longText, optional, text } from '../columns';

export interface ConnectionRow {
  id: number;
  name: string;
  description: string | null;
  connector_type: string;
  config: Record<string, unknown>;
  /** Sealed by the vault; null when there are none, and always for rows of flows. */
  credentials: string | null;
  is_active: boolean;
  schedule: string | null;
  /** Null in rows that are older than it. */
  schedule_options: ScheduleOptions | null;
  timezone: string | null;
  managed_by: 'api' | 'flow';
  node_id: string | null;
  revision: number;
  created_by: string | null;
  created_at: Date;
  updated_at: Date;
  last_sync_at: Date | null;
  last_sync_status: SyncStatus | null;
}

export type ConnectionModel = ModelStatic<Model<ConnectionRow, Partial<ConnectionRow>> & ConnectionRow>;

export const CONNECTIONS = 'integration_connections';

export function connectionModel(sequelize: Sequelize): ConnectionModel {
  return sequelize.define(
    'IntegrationConnection',
    {
      id: id(),
      name: text(255, { unique: true }),
      description: longText(),
      connector_type: text(100),
      config: json('config'),
      credentials: longText(),
      is_active: flag(true),
      schedule: text(255, optional),
      schedule_options: json('schedule_options', optional),
      timezone: text(100, optional),
      managed_by: text(10, { defaultValue: 'api' }),
      node_id: text(100, { ...optional, unique: true }),
      revision: integer({ defaultValue: 1 }),
      created_by: text(255, optional),
      created_at: instant(),
      updated_at: instant(),
      last_sync_at: instant(optional),
      last_sync_status: text(20, optional),
    },
    { tableName: CONNECTIONS, timestamps: false },
  ) as ConnectionModel;
}
