import { IntegrationError } from '../model/errors';

/** Writing to a machine is refused unless the connection says otherwise. */
export function writeRefused(what: string, path: string, hint: string): IntegrationError {
  return new IntegrationError('permission', 'PCP_WRITE_REFUSED', `The connection does not allow to write ${what}.`, {
    path,
    hint,
  });
}
