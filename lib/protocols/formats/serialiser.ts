import { IntegrationError } from '../../model/errors';

/** Text of records in one format. */
export interface RecordSerialiser {
  /** Before the first record of a file. */
  readonly begin: string;
  /** Between two records. */
  readonly between: string;
  /** After the last record of a file. */
  readonly end: string;
  /** @throws data PCP_WRITE_VALUE when the format cannot hold a value */
  record(data: Record<string, unknown>): string;
}

export function unwritable(field: string, what: string): IntegrationError {
  return new IntegrationError('data', 'PCP_WRITE_VALUE', `The field "${field}" cannot be written: ${what}.`, {
    path: field,
    hint: 'Change the value, the field mapping or the format of the file.',
  });
}
