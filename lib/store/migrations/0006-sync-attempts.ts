import { bigInteger, integer, longText, optional, text } from '../columns';
import { createTable, type Migration } from './migration';

/** What became of each attempt of a run: its log tells of the last one alone. */
export const syncAttempts: Migration = {
  name: '0006-sync-attempts',
  async up(context) {
    await createTable(context, 'integration_sync_attempts', {
      sync_log_id: integer({ primaryKey: true, defaultValue: undefined }),
      fence: bigInteger('fence', { primaryKey: true, defaultValue: undefined }),
      worker: text(255),
      started_at: bigInteger('started_at'),
      ended_at: bigInteger('ended_at', optional),
      state: text(20, optional),
      error_class: text(30, optional),
      error_code: text(100, optional),
      error_message: longText(),
    });
  },
};
