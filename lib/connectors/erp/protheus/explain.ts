import { type ErrorClass, type ErrorDetails, IntegrationError } from '../../../model/errors';
import { type Phrase, phrase } from '../../../model/phrase';
import { NO_ROUTE } from '../../../protocols/totvs/fault';

/** Why a route does not answer, in the words of whoever administers the server. */
export function inWordsOfTotvs(thrown: unknown, route: string): IntegrationError {
  const error = IntegrationError.from(thrown);
  const as = (errorClass: ErrorClass, code: string, message: Phrase, hint: string) => {
    const details: ErrorDetails = { hint, path: '/config/base_url' };
    return new IntegrationError(errorClass, code, message, details);
  };
  if (error.code === NO_ROUTE) {
    return as(
      'config',
      NO_ROUTE,
      phrase`The REST server does not publish ${route}: ${error.said}`,
      'Ask for it to be published: the routine in the RPO (patch of the module), the REST section (HTTPURI, Environment, PrepareIn) of appserver.ini. Check the base URL, too.',
    );
  }
  if (error.class === 'permission') {
    return as(
      'permission',
      'PCP_PROTHEUS_FORBIDDEN',
      phrase`The user may not use ${route}: ${error.said}`,
      'Give it the routine and the branch in the Configurator (SIGACFG, users and privileges), and check TenantId.',
    );
  }
  return error;
}
