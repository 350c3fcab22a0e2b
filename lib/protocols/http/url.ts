import { IntegrationError } from '../../model/errors';

/**
 * A value as one segment of a path.
 * @throws data PCP_URL_SEGMENT for "", "." and "..", which would address another resource
 */
export function pathSegment(value: string): string {
  if (['', '.', '..'].includes(value)) {
    const message = `The value "${value}" cannot stand in the path of a URL.`;
    throw new IntegrationError('data', 'PCP_URL_SEGMENT', message, { hint: 'Correct the key of the record.', value });
  }
  return encodeURIComponent(value);
}
