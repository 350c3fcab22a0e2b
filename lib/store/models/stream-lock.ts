import type { Model, ModelStatic, Sequelize } from 'sequelize';
import { bigInteger, optional, text } from '../columns';

/** Who works on a stream ("<mapping_id>:<direction>"). Times in epoch milliseconds of the store's clock. */
interface StreamLockRow {
  stream: string;
  fence: number;
  owner_run: number | null;
  owner_worker: string | null;
  lease_until: number;
  touched_at: number;
}

export type StreamLockModel = ModelStatic<Model<StreamLockRow, Partial<StreamLockRow>> & StreamLockRow>;

const STREAM_LOCKS = 'integration_stream_locks';

export function streamLockModel(sequelize: Sequelize): StreamLockModel {
  return sequelize.define(
    'IntegrationStreamLock',
    {
      stream: text(100, { primaryKey: true }),
      fence: bigInteger('fence'),
      owner_run: bigInteger('owner_run', optional),
      owner_worker: text(255, optional),
      lease_until: bigInteger('lease_until'),
      touched_at: bigInteger('touched_at'),
    },
    { tableName: STREAM_LOCKS, timestamps: false },
  ) as StreamLockModel;
}
