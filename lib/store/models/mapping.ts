import type { Model, ModelStatic, Sequelize } from 'sequelize';
import type { Mapping } from '../../model/mapping';
import type { ScheduleOptions } from '../../model/schedule';
import { flag, id, instant, integer, json, longText, optional, text } from '../columns';
import { CONNECTIONS } from './connection';

export type MappingRow = Omit<Mapping, 'created_at' | 'updated_at' | 'schedule_options' | 'depends_on'> & {
  /** Null in rows that are older than them. */
  schedule_options: ScheduleOptions | null;
  depends_on: number[] | null;
  revision: number;
  created_at: Date;
  updated_at: Date;
};

export type MappingModel = ModelStatic<Model<MappingRow, Partial<MappingRow>> & MappingRow>;

export const MAPPINGS = 'integration_mappings';

export function mappingModel(sequelize: Sequelize): MappingModel {
  return sequelize.define(
    'IntegrationMapping',
    {
      id: id(),
      connection_id: integer({ references: { model: CONNECTIONS, key: 'id' }, defaultValue: undefined }),
      name: text(255),
      description: longText(),
      entity_type: text(100),
      direction: text(20),
      source_entity: text(500),
      target_entity: text(500),
      field_mappings: json('field_mappings'),
      transformations: json('transformations'),
      filters: json('filters'),
      key_fields: json('key_fields'),
      sync_mode: text(20, { defaultValue: 'full' }),
      cursor_field: text(255, optional),
      peer_connection_id: integer(optional),
      options: json('options'),
      depends_on: json('depends_on', optional),
      schedule: text(255, optional),
      schedule_options: json('schedule_options', optional),
      is_active: flag(true),
      managed_by: text(10, { defaultValue: 'api' }),
      node_id: text(100, { ...optional, unique: true }),
      version: integer({ defaultValue: 1 }),
      revision: integer({ defaultValue: 1 }),
      created_at: instant(),
      updated_at: instant(),
    },
    { tableName: MAPPINGS, timestamps: false },
  ) as MappingModel;
}
