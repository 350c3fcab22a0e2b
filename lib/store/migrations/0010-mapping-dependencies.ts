import { longText } from '../columns';
import { addColumns, type Migration } from './migration';

/** Mappings whose success starts a mapping. */
export const mappingDependencies: Migration = {
  name: '0010-mapping-dependencies',
  async up(context) {
    await addColumns(context, 'integration_mappings', { depends_on: longText() });
  },
};
