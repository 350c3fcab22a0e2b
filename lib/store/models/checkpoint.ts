import type { Model, ModelStatic, Sequelize } from 'sequelize';
import type { Direction } from '../../model/mapping';
import type { Cursor } from '../../model/sync';
import { bigInteger, integer, json, optional, text } from '../columns';

/** How far a mapping has read in one direction, committed with the effects that it accounts for. */
interface CheckpointRow {
  mapping_id: number;
  direction: Direction;
  cursor: Cursor;
  mapping_version: number;
  run_id: number;
  updated_at: number;
  source_place: string | null;
  target_place: string | null;
}

export type CheckpointModel = ModelStatic<Model<CheckpointRow, Partial<CheckpointRow>> & CheckpointRow>;

const CHECKPOINTS = 'integration_checkpoints';

export function checkpointModel(sequelize: Sequelize): CheckpointModel {
  return sequelize.define(
    'IntegrationCheckpoint',
    {
      mapping_id: integer({ primaryKey: true, defaultValue: undefined }),
      direction: text(20, { primaryKey: true }),
      cursor: json('cursor'),
      mapping_version: integer(),
      run_id: bigInteger('run_id'),
      updated_at: bigInteger('updated_at'),
      source_place: text(50, optional),
      target_place: text(50, optional),
    },
    { tableName: CHECKPOINTS, timestamps: false },
  ) as CheckpointModel;
}
