import { DIFFERENCES, KNOWN } from '../../model/reconciliation';
import { bigInteger, flag, id, integer, longText, optional, text } from '../columns';
import { createIndex, createTable, type Migration } from './migration';

/** What comparisons of both sides of a mapping found, and the keys that they are about. */
export const reconciliations: Migration = {
  name: '0019-reconciliations',
  async up(context) {
    const table = 'integration_reconciliations';
    const names = [...DIFFERENCES.map((kind) => `n_${kind}`), ...KNOWN.map((reason) => `known_${reason}`)];
    await createTable(context, table, {
      id: id(),
      connection_id: integer(),
      mapping_id: integer(),
      mapping_version: integer(),
      direction: text(20),
      action: text(10),
      job_id: text(36),
      sync_log_id: integer(),
      triggered_by: text(20, optional),
      created_by: text(255, optional),
      due_at: bigInteger('due_at', optional),
      settle_seconds: integer(),
      started_at: bigInteger('started_at'),
      settled_at: bigInteger('settled_at', optional),
      ended_at: bigInteger('ended_at', optional),
      source_count: bigInteger('source_count', optional),
      source_checksum: text(40, optional),
      target_count: bigInteger('target_count', optional),
      target_checksum: text(40, optional),
      ...Object.fromEntries(names.map((name) => [name, bigInteger(name)])),
      is_complete: flag(true),
      repairable: integer(),
      repair_job_id: text(36, optional),
      sample: longText(),
    });
    await createIndex(context, table, ['sync_log_id'], { unique: true });
    await createIndex(context, table, ['mapping_id', 'direction', 'ended_at']);
    await createTable(context, 'integration_reconciliation_keys', {
      reconciliation_id: integer({ primaryKey: true, defaultValue: undefined }),
      key_hash: text(22, { primaryKey: true }),
      record_key: longText({ allowNull: false }),
      kind: text(20),
      is_rejected: flag(false),
      source_mark: text(22, optional),
      target_mark: text(22, optional),
    });
  },
};
