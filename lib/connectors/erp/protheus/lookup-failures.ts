import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import { ROW_NUMBER } from '../../../protocols/totvs/field';

export function otherRecord({ name }: { name: string }, key: readonly string[]): IntegrationError {
  const message = phrase`Asked for one record of "${name}", the server answers with others.`;
  return new IntegrationError('config', 'PCP_PROTHEUS_OTHER_RECORD', message, {
    path: key[0] ?? '',
    hint: 'The route does not look for the key that it is given: have it corrected; nothing is written until then.',
  });
}

export function ambiguous({ name }: { name: string }, key: readonly string[]): IntegrationError {
  const message = phrase`"${name}" has more than one record with this key (${key.join(', ')}).`;
  return new IntegrationError('data', 'PCP_PROTHEUS_AMBIGUOUS', message, {
    path: key[0] ?? '',
    hint: `Let more fields identify the record; ${ROW_NUMBER} tells all rows apart.`,
  });
}
