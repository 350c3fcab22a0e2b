import { bigInteger, integer, longText, optional } from '../columns';
import { createTable, type Migration } from './migration';

/** Connections that are left alone for a while, for all workers to see. */
export const connectionPauses: Migration = {
  name: '0003-connection-pauses',
  async up(context) {
    await createTable(context, 'integration_connection_pauses', {
      connection_id: integer({ primaryKey: true, defaultValue: undefined }),
      failures: integer(),
      paused_until: bigInteger('paused_until', optional),
      reason: longText(),
    });
  },
};
