import { IntegrationError } from '../../../model/errors';
import { CheckError, columnsIn } from '../../../protocols/sql/checks';
import type { SourceRecord } from '../../contract';
import type { ResolvedEntity } from './entities';

/** What was to be written. */
interface Attempt {
  entity: ResolvedEntity;
  data: SourceRecord;
  /** Columns that are written. */
  columns: readonly string[];
  keyFields: readonly string[];
}

/** Why one record was refused, with its field and the value, as far as the database's error and the table tell. */
export function refusalOf(error: IntegrationError, attempt: Attempt): IntegrationError {
  if (error.class !== 'data') return error;
  const field = fieldOf(error, attempt);
  const { class: errorClass, code, said } = error;
  const { path: _, ...details } = error.toJSON();
  if (field === undefined) return new IntegrationError(errorClass, code, said, { ...details, cause: error });
  const value = error.value ?? shortened(attempt.data[field]);
  return new IntegrationError(errorClass, code, said, { ...details, path: field, value, cause: error });
}

function fieldOf(error: IntegrationError, attempt: Attempt): string | undefined {
  const { entity, columns, data, keyFields } = attempt;
  const told = error.path?.slice(1);
  if (told !== undefined && entity.columns.has(told)) return told;
  if (error instanceof CheckError) {
    const checked = entity.checks.get(error.constraint) ?? columnsIn(error.constraint, [...entity.columns.keys()]);
    return checked.find((column) => columns.includes(column)) ?? checked[0];
  }
  switch (error.code) {
    case 'PCP_SQL_FOREIGN_KEY': {
      const references = entity.foreignKeys.filter((key) => key.every((column) => isGiven(data[column])));
      return onlyOne(references)?.[0];
    }
    case 'PCP_SQL_UNIQUE': {
      const others = entity.uniqueKeys.filter((key) => key.some((column) => !keyFields.includes(column)));
      if (others.length === 0) return keyFields[0];
      return onlyOne(others)?.find((column) => columns.includes(column));
    }
    default:
      return onlyOne(columns.filter((column) => isGiven(data[column]) && quotes(error.message, data[column])));
  }
}

/** 'invalid input syntax for type uuid: "abc"' */
function quotes(message: string, value: unknown): boolean {
  return message.includes(`"${typeof value === 'object' ? JSON.stringify(value) : String(value)}"`);
}

function isGiven(value: unknown): boolean {
  return value !== null && value !== undefined;
}

/** Of several, none is sure to be the one. */
function onlyOne<T>(candidates: readonly T[]): T | undefined {
  return candidates.length === 1 ? candidates[0] : undefined;
}

function shortened(value: unknown): unknown {
  return typeof value === 'string' ? value.slice(0, 100) : (value ?? null);
}
