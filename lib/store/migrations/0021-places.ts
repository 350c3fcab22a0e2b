import { optional, text } from '../columns';
import { addColumns, type Migration } from './migration';

/** Where both ends of a stream were when its checkpoint was made. */
export const places: Migration = {
  name: '0021-places',
  async up(context) {
    await addColumns(context, 'integration_checkpoints', {
      source_place: text(50, optional),
      target_place: text(50, optional),
    });
  },
};
