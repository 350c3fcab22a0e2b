import { integer, optional, text } from '../columns';
import { addColumns, createIndex, type Migration, recreateIndex } from './migration';

const LINKS = 'integration_record_links';

/**
 * By which an import recognises what an export has written to the same system. Only links of systems that can tell have an `own_key`,
 * or a name for the record that is not its key: where the database knows partial indexes, no other link costs anything.
 */
export const ownRecords: Migration = {
  name: '0030-own-records',
  async up(context) {
    await addColumns(context, LINKS, { own_key: text(255, optional), origin_key: text(512, optional) });
    // Few writes are on their way, and no other question is to be answered by this index.
    await recreateIndex(context, LINKS, ['mapping_id', 'direction', 'pending_op'], { where: 'pending_op IS NOT NULL' });
    await createIndex(context, LINKS, ['mapping_id', 'own_key'], { where: 'own_key IS NOT NULL' });
    await createIndex(context, LINKS, ['mapping_id', 'target_key'], { where: 'target_key <> source_key' });
    await addColumns(context, 'integration_sync_logs', { own_records: integer() });
  },
};
