import type { Model, ModelStatic, Sequelize } from 'sequelize';
import type { Direction } from '../../model/mapping';
import { bigInteger, integer, optional, text } from '../columns';

/** Pairs a source key with a target key and remembers what was last written, for targets that keep no hash themselves. */
interface RecordLinkRow {
  mapping_id: number;
  direction: Direction;
  source_key: string;
  target_key: string | null;
  /** Our own key of the record as the target keeps it, where it keeps one. */
  own_key: string | null;
  /** The record's key at its source, where what the target holds may come back from there. */
  origin_key: string | null;
  hash: string | null;
  /** Intent of a write that is not known to have ended. */
  pending_op: string | null;
  pending_key: string | null;
  pending_hash: string | null;
  pending_fence: number | null;
  pending_since: number | null;
  run_id: number;
  updated_at: number;
}

export type RecordLinkModel = ModelStatic<Model<RecordLinkRow, Partial<RecordLinkRow>> & RecordLinkRow>;

const RECORD_LINKS = 'integration_record_links';

/** Longest canonical key of a record, in characters. */
const RECORD_KEY_LENGTH = 512;

export function recordLinkModel(sequelize: Sequelize): RecordLinkModel {
  return sequelize.define(
    'IntegrationRecordLink',
    {
      mapping_id: integer({ primaryKey: true, defaultValue: undefined }),
      direction: text(20, { primaryKey: true }),
      source_key: text(RECORD_KEY_LENGTH, { primaryKey: true }),
      target_key: text(RECORD_KEY_LENGTH, optional),
      own_key: text(255, optional),
      origin_key: text(RECORD_KEY_LENGTH, optional),
      hash: text(64, optional),
      pending_op: text(20, optional),
      pending_key: text(128, optional),
      pending_hash: text(64, optional),
      pending_fence: bigInteger('pending_fence', optional),
      pending_since: bigInteger('pending_since', optional),
      run_id: bigInteger('run_id'),
      updated_at: bigInteger('updated_at'),
    },
    { tableName: RECORD_LINKS, timestamps: false },
  ) as RecordLinkModel;
}
