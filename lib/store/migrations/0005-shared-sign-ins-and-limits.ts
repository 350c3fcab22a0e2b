import { bigInteger, integer, longText, optional, text } from '../columns';
import { createTable, type Migration } from './migration';

/** What all processes of a store share about the other side of a connection by HTTP: its limits, and the tokens of OAuth 2.0. */
export const sharedSignInsAndLimits: Migration = {
  name: '0005-shared-sign-ins-and-limits',
  async up(context) {
    await createTable(context, 'integration_request_limits', {
      connection_id: integer({ primaryKey: true, defaultValue: undefined }),
      paused_until: bigInteger('paused_until'),
    });
    await createTable(context, 'integration_request_places', {
      connection_id: integer({ primaryKey: true, defaultValue: undefined }),
      holder: text(150, { primaryKey: true }),
      held: integer(),
      wanted: integer(),
      since: bigInteger('since'),
      lease_until: bigInteger('lease_until'),
    });
    await createTable(context, 'integration_sign_ins', {
      id: text(64, { primaryKey: true }),
      tokens: longText(),
      version: integer(),
      holder: text(150, optional),
      lease_until: bigInteger('lease_until'),
      used_at: bigInteger('used_at'),
    });
  },
};
