import { DataTypes } from 'sequelize';
import { bigInteger, text } from '../columns';
import { createTable, type Migration } from './migration';

/** What happened how often, in all processes together. */
export const tallies: Migration = {
  name: '0020-tallies',
  async up(context) {
    await createTable(context, 'integration_tallies', {
      name: text(64, { primaryKey: true }),
      // Id of a connection, mapping or webhook, as the name says.
      object_id: bigInteger('object_id', { primaryKey: true, defaultValue: undefined }),
      // Tells several of one name and object apart.
      label: text(32, { primaryKey: true }),
      value: { type: DataTypes.DOUBLE, allowNull: false },
    });
  },
};
