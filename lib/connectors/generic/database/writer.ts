import { IntegrationError } from '../../../model/errors';
import type { ColumnInfo, SqlDatabase, SqlValue } from '../../../protocols/sql/database';
import { requireFits } from '../../../protocols/sql/limits';
import { upsertEach } from '../../../protocols/sql/upsert';
import { sqlConverter } from '../../../protocols/sql/values';
import type { WriteRecord, WriteResult, Writer, WriteTarget } from '../../contract';
import { type ResolvedEntity, unknownColumn } from './entities';
import { stopIfAborted } from './read';
import { refusalOf } from './refusal';
import { keyText, rowsByKey } from './rows-by-key';

/** Upserts records by a unique key of a table. A batch is one transaction when all are sound; a bad record costs only itself. */
export class TableWriter implements Writer {
  private readonly columns: ColumnInfo[];
  private readonly keyColumns: ColumnInfo[];
  /** For each column. */
  private readonly convert: ((value: unknown) => SqlValue)[];
  /** All rows of the page before were new, as in a first import: then looking each key up is the exception. */
  private allNew = false;

  /** @throws config PCP_NOT_WRITABLE, PCP_SQL_COLUMN_UNKNOWN, PCP_SQL_KEY_MISSING, PCP_SQL_COLUMN_REQUIRED */
  constructor(
    private readonly database: SqlDatabase,
    private readonly entity: ResolvedEntity,
    target: Pick<WriteTarget, 'fields' | 'keyFields'>,
  ) {
    const column = (name: string): ColumnInfo => {
      const found = entity.columns.get(name);
      if (found === undefined) throw unknownColumn(name, entity.name, entity.columns);
      return found;
    };
    if (entity.table === undefined || entity.kind !== 'table') throw notWritable(entity.name);
    this.columns = [...new Set([...target.keyFields, ...target.fields])].map(column);
    this.keyColumns = target.keyFields.map(column);
    this.convert = this.columns.map((one) => sqlConverter(one, database.dialect));
    requireUniqueKey(database, entity, target.keyFields);
    requireMandatoryColumns(entity, this.columns);
  }

  async write(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]> {
    stopIfAborted(signal);
    const results: WriteResult[] = new Array(records.length);
    const rows: SqlValue[][] = [];
    const indexes: number[] = [];
    records.forEach(({ data }, index) => {
      try {
        rows.push(this.columns.map((column, at) => this.toValue(data[column.name], column, at)));
        indexes.push(index);
      } catch (error) {
        results[index] = this.failed(IntegrationError.from(error), data);
      }
    });
    const written = await this.upsert(
      rows,
      indexes.map((index) => records[index]?.wasWritten === true),
    );
    written.forEach((result, position) => {
      const index = indexes[position]!;
      results[index] = result.outcome === 'failed' ? this.failed(result.error, records[index]!.data) : result;
    });
    return results;
  }

  private toValue(given: unknown, column: ColumnInfo, at: number): SqlValue {
    const value = this.convert[at]!(given);
    requireFits(value, column);
    return value;
  }

  private failed(error: IntegrationError, data: WriteRecord['data']): WriteResult {
    const names = (columns: readonly ColumnInfo[]) => columns.map(({ name }) => name);
    const attempt = { entity: this.entity, data, columns: names(this.columns), keyFields: names(this.keyColumns) };
    return { outcome: 'failed', error: refusalOf(error, attempt) };
  }

  async finish(): Promise<void> {
    // Each batch is committed when it is written.
  }

  async abandon(): Promise<void> {
    // As for finish: there is nothing to take back.
  }

  /** @param written whether each row was written here before: of the others the table tells whether it has them */
  private async upsert(rows: SqlValue[][], written: boolean[]): Promise<WriteResult[]> {
    const table = this.entity.table!;
    const columns = this.columns.map(({ name }) => name);
    const keyOf = (row: SqlValue[]): string => keyText(row, this.keyColumns);
    const mayBeNew = written.every((isKnown) => !isKnown);
    if (this.allNew && mayBeNew && (await this.database.insertNew({ table, columns, parts: [rows] })))
      return rows.map((row): WriteResult => ({ outcome: 'created', externalKey: keyOf(row) }));
    const asked = rows.filter((_, index) => !written[index]).map((row) => row.slice(0, this.keyColumns.length));
    const existing = await rowsByKey(this.database, this.database.tableName(table), this.keyColumns, asked, []);
    // SQL Server gives up the whole transaction at a value that it cannot convert: the halves have transactions of their own.
    const errors = await upsertEach(this.database, {
      table,
      columns,
      keyColumns: this.keyColumns.map(({ name }) => name),
      paddedKeys: this.keyColumns.filter(({ padded }) => padded === true).map(({ name }) => name),
      rows,
    });
    this.allNew = mayBeNew && existing.size === 0 && errors.every((error) => error === null);
    return errors.map((error, index): WriteResult => {
      if (error !== null) return { outcome: 'failed', error };
      const key = keyOf(rows[index]!);
      return { outcome: written[index] || existing.has(key) ? 'updated' : 'created', externalKey: key };
    });
  }
}

function notWritable(name: string): IntegrationError {
  return new IntegrationError('config', 'PCP_NOT_WRITABLE', `"${name}" is a view; only tables can be written.`, {
    hint: 'Take the table behind the view as the target.',
  });
}

function requireUniqueKey(database: SqlDatabase, entity: ResolvedEntity, keyFields: string[]): void {
  const wanted = [...keyFields].sort().join('\0');
  if (keyFields.length > 0 && entity.uniqueKeys.some((key) => [...key].sort().join('\0') === wanted)) return;
  const list = keyFields.map((name) => database.quote(name)).join(', ');
  throw new IntegrationError(
    'config',
    'PCP_SQL_KEY_MISSING',
    `"${entity.name}" has no primary or unique key over exactly (${keyFields.join(', ')}).`,
    {
      path: '/key_fields',
      hint: `Create one: CREATE UNIQUE INDEX ${database.quote(`${entity.table!.name}_key`)} ON ${database.tableName(entity.table!)} (${list}), or map the fields of another key as key fields.`,
    },
  );
}

/** Without these, each single record would be refused. */
function requireMandatoryColumns(entity: ResolvedEntity, columns: readonly ColumnInfo[]): void {
  const missing = [...entity.columns.values()].filter(
    (column) => !column.nullable && !column.hasDefault && !columns.includes(column),
  );
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(', ');
  throw new IntegrationError('config', 'PCP_SQL_COLUMN_REQUIRED', `"${entity.name}" needs a value for ${names}.`, {
    path: '/field_mappings',
    hint: 'Map these columns too, or give them a default in the database.',
  });
}
