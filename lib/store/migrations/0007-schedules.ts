import { bigInteger, integer, longText, optional, text } from '../columns';
import { addColumns, createTable, type Migration } from './migration';

/** Which due time of each schedule comes next; what started a run. */
export const schedules: Migration = {
  name: '0007-schedules',
  async up(context) {
    await createTable(context, 'integration_schedules', {
      owner: text(10, { primaryKey: true }),
      owner_id: integer({ primaryKey: true, defaultValue: undefined }),
      definition: text(400),
      next_fire_at: bigInteger('next_fire_at', optional),
      last_fire_at: bigInteger('last_fire_at', optional),
    });
    await addColumns(context, 'integration_connections', { schedule_options: longText() });
    await addColumns(context, 'integration_mappings', {
      schedule: text(255, optional),
      schedule_options: longText(),
    });
    await addColumns(context, 'integration_sync_logs', {
      triggered_by: text(20, optional),
      due_at: bigInteger('due_at', optional),
    });
  },
};
