import { integer, text } from '../columns';
import { createTable, type Migration } from './migration';

/** What lay in the source of a mapping when a run was last started for it. */
export const arrivals: Migration = {
  name: '0016-arrivals',
  async up(context) {
    await createTable(context, 'integration_arrivals', {
      mapping_id: integer({ primaryKey: true, defaultValue: undefined }),
      present: text(64),
    });
  },
};
