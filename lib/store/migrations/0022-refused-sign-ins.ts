import { bigInteger, integer, longText, text } from '../columns';
import { createTable, type Migration } from './migration';

/** Sign-ins that were refused and are not tried again, for all processes to see. */
export const refusedSignIns: Migration = {
  name: '0022-refused-sign-ins',
  async up(context) {
    await createTable(context, 'integration_refused_sign_ins', {
      // A keyed digest of the settings and secrets that were refused: it says nothing about them.
      digest: text(64, { primaryKey: true }),
      connection_id: integer(),
      reason: longText(),
      // Epoch milliseconds.
      refused_at: bigInteger('refused_at'),
    });
  },
};
