import { bigInteger, id, integer, longText, optional, text } from '../columns';
import { createIndex, createTable, type Migration } from './migration';

/** Who did what. Rows are added and never changed. */
export const audit: Migration = {
  name: '0009-audit',
  async up(context) {
    await createTable(context, 'integration_audit', {
      id: id(),
      // Epoch milliseconds: hashed as they are.
      at: bigInteger('at'),
      attempt: text(36),
      actor: text(150),
      actor_name: text(255, optional),
      origin: text(150, optional),
      action: text(60),
      connection_id: integer(optional),
      subject: text(500),
      outcome: text(20),
      details: longText({ allowNull: false }),
      previous_hash: text(64),
      hash: text(64),
    });
    // Two entries cannot follow the same one.
    await createIndex(context, 'integration_audit', ['previous_hash'], { unique: true });
    await createIndex(context, 'integration_audit', ['connection_id', 'at']);
    await createIndex(context, 'integration_audit', ['attempt']);
  },
};
