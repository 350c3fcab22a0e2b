import { bigInteger, flag, longText, optional, text } from '../columns';
import { addColumns, createIndex, type Migration } from './migration';

/** Dead letters are sealed, can be read anew from their source, and go when they are old. */
export const deadLetters: Migration = {
  name: '0002-dead-letters',
  async up(context) {
    const letters = 'integration_dead_letters';
    await addColumns(context, letters, {
      sealed_payload: longText(),
      sealed_reason: longText(),
      key_id: text(20, optional),
      refetch_key: longText(),
      edited: flag(false),
      read_at: bigInteger('read_at', optional),
    });
    await createIndex(context, letters, ['key_id']);
    await createIndex(context, letters, ['state', 'last_at']);
    await addColumns(context, 'integration_sync_logs', {
      replay_mode: text(10, optional),
      refetched: bigInteger('refetched'),
    });
  },
};
