import type { EntityInfo, JsonSchema } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { ColumnInfo, ColumnType, SqlDatabase, TableInfo, TableRef } from '../../../protocols/sql/database';
import type { ViewSetting } from './settings';
import { isInstant } from './timestamps';

/** A table, a view of the database or a view of the settings, ready for statements. */
export interface ResolvedEntity {
  name: string;
  kind: 'table' | 'view';
  table: TableRef | undefined;
  /** What stands after FROM. */
  source: string;
  columns: ReadonlyMap<string, ColumnInfo>;
  /** Identifies a row; empty when nothing does. */
  key: string[];
  /** The key is a claim of the settings, not a constraint of the database. */
  claimedKey: boolean;
  /** The primary key and all unique keys. */
  uniqueKeys: string[][];
  checks: ReadonlyMap<string, string[]>;
  foreignKeys: string[][];
}

/** Alias of the table or view in statements: a column named with it is never the output column of the same name. */
export const ROW = 'pcp_row';

/** Where the keys of each table have to be looked up, discovery does so for these and only names the others. */
const DESCRIBED_TABLES = 500;

export class Entities {
  private readonly resolved = new Map<string, Promise<ResolvedEntity>>();

  constructor(
    private readonly database: SqlDatabase,
    private readonly views: ReadonlyMap<string, ViewSetting>,
  ) {}

  /** @throws config PCP_ENTITY_UNKNOWN */
  resolve(name: string): Promise<ResolvedEntity> {
    let entity = this.resolved.get(name);
    if (entity === undefined) {
      entity = this.load(name);
      this.resolved.set(name, entity);
      // A table may be made after somebody asked for it in vain.
      entity.catch(() => this.resolved.delete(name));
    }
    return entity;
  }

  async list(signal: AbortSignal): Promise<EntityInfo[]> {
    const infos: EntityInfo[] = [];
    for (const name of this.views.keys()) infos.push(await this.info(name, 'view'));
    const tables = await this.database.listTables();
    const listed = await this.database.listKeys();
    const keys = Map.groupBy(listed ?? [], ({ table }) => nameOf(table));
    for (const [index, { table, kind }] of tables.entries()) {
      signal.throwIfAborted();
      const name = nameOf(table);
      if (this.views.has(name)) continue;
      const own = keys.get(name) ?? [];
      const key = own.find(({ nullable }) => !nullable)?.columns ?? [];
      if (listed !== null)
        infos.push({ name, kind, key, readable: true, writable: kind === 'table' && own.length > 0 });
      else if (index < DESCRIBED_TABLES) infos.push(await this.info(name, kind));
      else infos.push({ name, kind, key: [], readable: true, writable: kind === 'table' });
    }
    return infos;
  }

  /** One that is broken does not hide the others. */
  private async info(name: string, kind: 'table' | 'view'): Promise<EntityInfo> {
    try {
      return entityInfo(await this.resolve(name));
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      if (!concernsOne(error)) throw error;
      return { name, kind, key: [], readable: false, writable: false, error: error.toJSON() };
    }
  }

  private async load(name: string): Promise<ResolvedEntity> {
    const view = this.views.get(name);
    if (view !== undefined) return this.loadView(name, view);
    const info = await this.findTable(name);
    const source = `${this.database.tableName(info.table)} ${this.database.quote(ROW)}`;
    const columns = new Map(info.columns.map((column) => [column.name, column]));
    const notNull = (key: string[]) => key.every((column) => columns.get(column)?.nullable === false);
    const key = info.primaryKey.length > 0 ? info.primaryKey : (info.uniqueKeys.find(notNull) ?? []);
    const uniqueKeys = [info.primaryKey, ...info.uniqueKeys].filter((each) => each.length > 0);
    const { kind, table, checks = new Map(), foreignKeys = [] } = info;
    return { name, kind, table, source, columns, key, claimedKey: false, uniqueKeys, checks, foreignKeys };
  }

  private async loadView(name: string, view: ViewSetting): Promise<ResolvedEntity> {
    const found = await this.database.describeQuery(view.sql).catch((error: unknown) => {
      throw withPath(error, `/config/views/${name}`);
    });
    const columns = new Map(found.map((column) => [column.name, column]));
    const key = view.key ?? [];
    for (const column of key)
      if (!columns.has(column)) throw unknownColumn(column, name, columns, `/config/views/${name}/key`);
    // The line break ends a comment that the statement may end with.
    const source = `(${view.sql}\n) ${this.database.quote(ROW)}`;
    return {
      name,
      kind: 'view',
      table: undefined,
      source,
      columns,
      key,
      claimedKey: true,
      uniqueKeys: [],
      checks: new Map(),
      foreignKeys: [],
    };
  }

  /** A name may hold a dot itself, so both readings are tried. */
  private async findTable(name: string): Promise<TableInfo> {
    const dot = name.indexOf('.');
    const candidates: TableRef[] = [{ name }];
    if (dot > 0 && dot < name.length - 1) candidates.push({ schema: name.slice(0, dot), name: name.slice(dot + 1) });
    for (const table of name.includes('\0') ? [] : candidates) {
      try {
        return await this.database.describeTable(table);
      } catch (error) {
        if (IntegrationError.from(error).code !== 'PCP_SQL_TABLE_UNKNOWN') throw error;
      }
    }
    throw new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', phrase`There is no table or view "${name}".`, {
      hint: 'Check the name, upper and lower case, the schema ("schema.table"), and that this user may read it.',
    });
  }
}

function nameOf({ schema, name }: TableRef): string {
  return schema === undefined ? name : `${schema}.${name}`;
}

/** Whether an error is of the entity alone and says nothing of the connection. */
export function concernsOne(error: IntegrationError): boolean {
  return error.class === 'config' || error.class === 'permission';
}

/** A database that is away says nothing of the view. */
function withPath(thrown: unknown, path: string): IntegrationError {
  const error = IntegrationError.from(thrown);
  if (!concernsOne(error)) return error;
  return new IntegrationError(error.class, error.code, error.said, {
    hint: 'Correct the SQL of the view.',
    path,
    cause: thrown,
  });
}

export function unknownColumn(
  column: string,
  entity: string,
  columns: ReadonlyMap<string, ColumnInfo>,
  path = `/${column}`,
): IntegrationError {
  return new IntegrationError('config', 'PCP_SQL_COLUMN_UNKNOWN', phrase`"${entity}" has no column "${column}".`, {
    path,
    hint: `Its columns are ${[...columns.keys()].slice(0, 30).join(', ')}.`,
  });
}

export function entityInfo({ name, kind, key, table, uniqueKeys }: ResolvedEntity): EntityInfo {
  const writable = table !== undefined && kind === 'table' && uniqueKeys.length > 0;
  return { name, kind, key, readable: true, writable };
}

const SCHEMAS: Record<ColumnType, JsonSchema> = {
  text: { type: 'string' },
  key: { type: 'string' },
  integer: { type: 'integer' },
  number: { type: 'number' },
  decimal: { type: 'string', format: 'decimal' },
  boolean: { type: 'boolean' },
  date: { type: 'string', format: 'date' },
  datetime: { type: 'string', format: 'date-time' },
  json: {},
};

/** JSON Schema of an entity's records; columns that may be null say so, and those of times without a zone. */
export function entitySchema(entity: ResolvedEntity): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  for (const column of entity.columns.values()) {
    const schema = SCHEMAS[column.type];
    const nullable = column.nullable && typeof schema.type === 'string';
    properties[column.name] = {
      ...schema,
      ...(nullable && { type: [schema.type as string, 'null'] }),
      ...(column.type === 'datetime' && !isInstant(column) && { 'x-local-time': true }),
    };
  }
  const required = [...entity.columns.values()].filter((column) => !column.nullable).map((column) => column.name);
  return { type: 'object', properties, ...(required.length > 0 && { required }) };
}
