import { isDeepStrictEqual } from 'node:util';
import type { EntityType } from '../model/entity';
import { IntegrationError } from '../model/errors';
import { phrase } from '../model/phrase';
import type { EntityTypes } from '../model/services';
import type { SqlDatabase, SqlRow } from '../protocols/sql/database';
import { catalogue } from './catalogue';
import { checkDefinition, type EntityTypeInput, narrowing } from './definition';
import { shapeOf, tableOf } from './shape';
import { ensureTable, findTable, forgetTables } from './tables';

const TABLE = 'integration_entity_types';

/** The catalogue's types and those that users added. */
export class EntityTypeStore implements EntityTypes {
  readonly #database: SqlDatabase;

  /** @param database of the store, where the records' tables live too */
  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async list(): Promise<EntityType[]> {
    const rows = await this.#database.query(`SELECT * FROM ${TABLE} ORDER BY type`);
    return [...catalogue.values(), ...rows.map(toEntityType)];
  }

  async get(type: string): Promise<EntityType> {
    const builtIn = catalogue.get(type);
    if (builtIn !== undefined) return builtIn;
    const [row] = await this.#database.query(`SELECT * FROM ${TABLE} WHERE type = ?`, [type]);
    if (row !== undefined) return toEntityType(row);
    throw new IntegrationError('data', 'PCP_NOT_FOUND', phrase`There is no entity type "${type}".`);
  }

  /** @throws data PCP_ENTITY_INVALID with `path`, conflict PCP_ENTITY_EXISTS */
  async create(input: EntityTypeInput): Promise<EntityType> {
    const type = checkDefinition(input);
    const taken = () =>
      new IntegrationError('conflict', 'PCP_ENTITY_EXISTS', phrase`There is an entity type "${type.type}" already.`, {
        path: '/type',
      });
    if (catalogue.has(type.type)) throw taken();
    const [row] = await this.#database.query(`SELECT type FROM ${TABLE} WHERE type = ?`, [type.type]);
    if (row !== undefined) throw taken();
    await ensureTable(this.#database, shapeOf(type));
    const now = new Date();
    try {
      await this.#database.execute(
        `INSERT INTO ${TABLE} (type, title, key_fields, ${this.#database.quote('schema')}, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?)`,
        [type.type, type.title, JSON.stringify(type.key), JSON.stringify(type.schema), now, now],
      );
    } catch (error) {
      if (error instanceof IntegrationError && error.code === 'PCP_SQL_UNIQUE') throw taken();
      throw error;
    }
    return type;
  }

  async update(name: string, input: EntityTypeInput): Promise<EntityType> {
    if (catalogue.has(name)) throw builtIn(name);
    const existing = await this.get(name);
    const type = checkDefinition(input);
    const lost = narrowing(existing, type);
    if (lost !== null) {
      throw new IntegrationError('conflict', 'PCP_ENTITY_NARROWED', `"${name}" can only grow: ${lost.why}.`, {
        path: lost.path,
        hint: 'Records that exist must stay valid. Add optional fields, or make a new type.',
      });
    }
    if (isDeepStrictEqual(existing, type)) return existing;
    await ensureTable(this.#database, shapeOf(type));
    await this.#database.execute(
      `UPDATE ${TABLE} SET title = ?, ${this.#database.quote('schema')} = ?, updated_at = ? WHERE type = ?`,
      [type.title, JSON.stringify(type.schema), new Date(), name],
    );
    return type;
  }

  /**
   * Takes the type away, and its records with `cascade`.
   * @throws conflict PCP_ENTITY_IN_USE when mappings refer to it, PCP_ENTITY_NOT_EMPTY when it has records
   */
  async delete(name: string, { cascade }: { cascade: boolean }): Promise<void> {
    if (catalogue.has(name)) throw builtIn(name);
    await this.get(name);
    const users = await this.#database.query(
      'SELECT id FROM integration_mappings WHERE entity_type = ? OR target_entity = ? ORDER BY id',
      [name, name],
    );
    if (users.length > 0) {
      const ids = users.slice(0, 10).map(({ id }) => id);
      throw new IntegrationError(
        'conflict',
        'PCP_ENTITY_IN_USE',
        phrase`"${name}" is used by mappings ${ids.join(', ')}.`,
        { hint: 'Delete the mappings first.' },
      );
    }
    const table = { table: tableOf(name) };
    if ((await findTable(this.#database, table)) !== null) {
      if (!cascade) await this.#refuseRecords(name);
      await this.#database.execute(`DROP TABLE ${this.#database.tableName(table.table)}`);
    }
    forgetTables(this.#database);
    await this.#database.execute(`DELETE FROM ${TABLE} WHERE type = ?`, [name]);
  }

  async #refuseRecords(name: string): Promise<void> {
    const table = this.#database.tableName(tableOf(name));
    const [row] = await this.#database.query(`SELECT COUNT(*) AS n FROM ${table}`);
    const count = Number(row?.n ?? 0);
    if (count === 0) return;
    throw new IntegrationError(
      'conflict',
      'PCP_ENTITY_NOT_EMPTY',
      `"${name}" has ${count} record${count === 1 ? '' : 's'}.`,
      {
        hint: 'Delete it with cascade=true to lose them.',
      },
    );
  }
}

function builtIn(name: string): IntegrationError {
  return new IntegrationError(
    'conflict',
    'PCP_ENTITY_BUILT_IN',
    phrase`"${name}" is part of the catalogue and cannot change.`,
    { hint: 'Put further fields into "attributes", or make a type of your own.' },
  );
}

function toEntityType(row: SqlRow): EntityType {
  return {
    type: String(row.type),
    title: String(row.title),
    key: JSON.parse(String(row.key_fields)),
    schema: JSON.parse(String(row.schema)),
    built_in: false,
  };
}
