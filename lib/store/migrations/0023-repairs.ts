import { integer, optional } from '../columns';
import { addColumns, type Migration } from './migration';

/** Comparisons that look at what an earlier one had repaired. */
export const repairs: Migration = {
  name: '0023-repairs',
  async up(context) {
    await addColumns(context, 'integration_reconciliations', { repair_of: integer(optional) });
  },
};
