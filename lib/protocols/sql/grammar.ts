import type {
  ColumnDefinition,
  ColumnInfo,
  ColumnType,
  SqlRow,
  SqlValue,
  TableInfo,
  TableKey,
  TableRef,
} from './database';

type RunQuery = (sql: string, parameters?: SqlValue[]) => Promise<SqlRow[]>;

/** What differs between dialects in the SQL that the hub writes itself. Holds no connection. */
export interface Grammar {
  /** @throws config PCP_SQL_IDENTIFIER for a name no database can hold */
  quote(identifier: string): string;
  /** See `SqlTransaction.exact`; absent where the driver loses nothing. */
  exact?(column: ColumnInfo): string;
  /** `?` placeholders, outside of quotes and comments, in the dialect's own form. */
  placeholders(sql: string): string;
  columnTypes: Record<ColumnType, string>;
  createTable(table: string, columns: ColumnDefinition[], primaryKey: string[]): string;
  addColumn(table: string, column: ColumnDefinition): string;
  /** See `SqlDatabase.epochMs`. */
  epochMs: string;
  /** What ends a SELECT of expressions alone, where it needs a FROM. */
  fromNothing?: string;
  /** Ends a SELECT that wants the first rows only. */
  limit(sql: string, rows: number): string;
  savepoint(name: string): { set: string; release: string | null; rollback: string };
  /** Gives a row when the schema of that name exists; absent where a connection has no schema. */
  findSchema?: string;
  listTables(query: RunQuery, schema: string | undefined): Promise<{ table: TableRef; kind: 'table' | 'view' }[]>;
  /** See `SqlDatabase.listKeys`; absent where each table is asked. */
  listKeys?(query: RunQuery, schema: string | undefined): Promise<TableKey[]>;
  /** Undefined when there is no such table or view. */
  describeTable(query: RunQuery, table: TableRef, schema: string | undefined): Promise<TableInfo | undefined>;
}
