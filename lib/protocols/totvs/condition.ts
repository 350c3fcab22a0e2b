import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { type FieldType, isField, literalOf, ROW_NUMBER } from './field';

export interface Condition {
  field: string;
  operator: '=' | '>' | '>=' | '<' | '<=' | 'in';
  value: unknown;
}

/**
 * Conditions as SQL, which some routes take over into their own: of names that are fields, and of values that cannot break out.
 * @param types by field; texts where they are not known
 * @throws config PCP_TOTVS_FIELD; data PCP_TOTVS_VALUE
 */
export function conditionText(types: Readonly<Record<string, FieldType>>, conditions: readonly Condition[]): string {
  const terms = conditions.map(({ field, operator, value }) => {
    const type = field === ROW_NUMBER ? 'N' : (types[field] ?? 'C');
    const written = (each: unknown) => literalOf(field, each, type);
    if (operator !== 'in') return `${checkedField(field)} ${operator} ${written(value)}`;
    return `${checkedField(field)} IN (${(value as readonly unknown[]).map(written).join(',')})`;
  });
  return terms.join(' AND ');
}

/** @throws config PCP_TOTVS_FIELD */
export function checkedField(name: string): string {
  if (isField(name)) return name;
  throw new IntegrationError('config', 'PCP_TOTVS_FIELD', phrase`"${name}" is not the name of a field.`, {
    path: name,
    hint: 'Write it as the dictionary has it: "C2_NUM".',
  });
}
