import type { Model, ModelStatic, Sequelize } from 'sequelize';
import type { DeadLetter } from '../../model/sync';
import { bigInteger, flag, id, instant, integer, json, longText, optional, text } from '../columns';

type DeadLetterRow = Omit<
  DeadLetter,
  'message' | 'position' | 'payload_error' | 'replay_mode' | 'first_at' | 'last_at'
> & {
  /** Message, value and payload of rows from before they were sealed; null ever since. */
  message: string | null;
  /** Digest of the source key, for look-ups. */
  source_key_hash: string | null;
  /** The replay that has it in hand. */
  replay_log_id: number | null;
  /** The payload, sealed for this record. */
  sealed_payload: string | null;
  /** Message, value and place, sealed for this record: they quote it. */
  sealed_reason: string | null;
  /** Key that seals both, as far as they have not been sealed with the current one since; null = in clear. */
  key_id: string | null;
  /** JSON {connection, entity, key}: where the source finds the record again; null where it cannot. */
  refetch_key: string | null;
  /** Epoch milliseconds at which the payload was read, or corrected. */
  read_at: number | null;
  first_at: Date;
  last_at: Date;
};

export type DeadLetterModel = ModelStatic<Model<DeadLetterRow, Partial<DeadLetterRow>> & DeadLetterRow>;

const DEAD_LETTERS = 'integration_dead_letters';

export function deadLetterModel(sequelize: Sequelize): DeadLetterModel {
  return sequelize.define(
    'IntegrationDeadLetter',
    {
      id: id(),
      mapping_id: integer({ defaultValue: undefined }),
      mapping_version: integer(),
      sync_log_id: integer({ defaultValue: undefined }),
      direction: text(20),
      source_key: longText(),
      source_key_hash: text(64, optional),
      payload: json('payload', { allowNull: true }),
      stage: text(20),
      error_class: text(30),
      code: text(100),
      message: longText(),
      field: text(500, optional),
      value: json('value', { allowNull: true }),
      rule: text(100, optional),
      attempts: integer({ defaultValue: 1 }),
      state: text(20, { defaultValue: 'open' }),
      group_hash: text(64),
      note: longText(),
      replay_log_id: integer(optional),
      sealed_payload: longText(),
      sealed_reason: longText(),
      key_id: text(20, optional),
      refetch_key: longText(),
      edited: flag(false),
      read_at: bigInteger('read_at', optional),
      first_at: instant(),
      last_at: instant(),
    },
    { tableName: DEAD_LETTERS, timestamps: false },
  ) as DeadLetterModel;
}
