import type { Model, ModelStatic, Sequelize } from 'sequelize';
import type { JsonSchema } from '../../model/entity';
import { instant, json, text } from '../columns';

/** A type that a user added to the catalogue. */
interface EntityTypeRow {
  type: string;
  title: string;
  key_fields: string[];
  schema: JsonSchema;
  created_at: Date;
  updated_at: Date;
}

export type EntityTypeModel = ModelStatic<Model<EntityTypeRow, Partial<EntityTypeRow>> & EntityTypeRow>;

const ENTITY_TYPES = 'integration_entity_types';

export function entityTypeModel(sequelize: Sequelize): EntityTypeModel {
  return sequelize.define(
    'IntegrationEntityType',
    {
      type: text(50, { primaryKey: true }),
      title: text(255),
      key_fields: json('key_fields'),
      schema: json('schema'),
      created_at: instant(),
      updated_at: instant(),
    },
    { tableName: ENTITY_TYPES, timestamps: false },
  ) as EntityTypeModel;
}
