import { bigInteger, integer, text } from '../columns';
import { createTable, type Migration } from './migration';

/** How many requests per second each process of a store may begin. */
export const requestTurns: Migration = {
  name: '0008-request-turns',
  async up(context) {
    await createTable(context, 'integration_request_turns', {
      connection_id: integer({ primaryKey: true, defaultValue: undefined }),
      holder: text(150, { primaryKey: true }),
      held: integer(),
      wanted: integer(),
      since: bigInteger('since'),
      lease_until: bigInteger('lease_until'),
    });
  },
};
