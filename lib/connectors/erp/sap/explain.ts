import { type ErrorClass, type ErrorDetails, IntegrationError } from '../../../model/errors';
import { type Phrase, phrase } from '../../../model/phrase';

/** Why a service does not answer, in the words of whoever administers the system. */
export function inWordsOfSap(thrown: unknown, service: string, path: string): IntegrationError {
  const error = IntegrationError.from(thrown);
  const as = (errorClass: ErrorClass, code: string, message: Phrase, hint: string) => {
    const details: ErrorDetails = { hint, path: '/config/services', cause: error };
    return new IntegrationError(errorClass, code, message, details);
  };
  if (error.code === 'PCP_HTTP_NOT_FOUND') {
    const transaction = path.includes('/odata4/') ? '/IWFND/V4_ADMIN' : '/IWFND/MAINT_SERVICE';
    return as(
      'config',
      'PCP_SAP_SERVICE_INACTIVE',
      phrase`The service ${service} is not active at ${path}: ${error.said}`,
      `Activate it in transaction ${transaction} (and SICF); in S/4HANA Cloud, in a communication arrangement.`,
    );
  }
  if (error.class === 'permission') {
    return as(
      'permission',
      'PCP_SAP_SERVICE_FORBIDDEN',
      phrase`The user may not use the service ${service}: ${error.said}`,
      'Give it S_SERVICE for this service and the rights of the application behind it; transaction SU53 shows what is missing.',
    );
  }
  return error;
}
