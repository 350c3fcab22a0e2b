import type { Model, ModelStatic, Sequelize } from 'sequelize';
import { bigInteger, integer, longText, text } from '../columns';

/** The answer given to a POST with an Idempotency-Key, to be given again. */
interface IdempotencyKeyRow {
  /** SHA-256 (hex) of key, method, path and user. */
  key: string;
  request_hash: string;
  /** 0 while the request is being worked on. */
  status: number;
  headers: string | null;
  body: string | null;
  /** Epoch milliseconds. */
  created_at: number;
}

export type IdempotencyKeyModel = ModelStatic<Model<IdempotencyKeyRow, Partial<IdempotencyKeyRow>> & IdempotencyKeyRow>;

const IDEMPOTENCY_KEYS = 'integration_idempotency_keys';

export function idempotencyKeyModel(sequelize: Sequelize): IdempotencyKeyModel {
  return sequelize.define(
    'IntegrationIdempotencyKey',
    {
      key: text(64, { primaryKey: true }),
      request_hash: text(64),
      status: integer(),
      headers: longText(),
      body: longText(),
      created_at: bigInteger('created_at'),
    },
    { tableName: IDEMPOTENCY_KEYS, timestamps: false },
  ) as IdempotencyKeyModel;
}
