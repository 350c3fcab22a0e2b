import { type ErrorClass, IntegrationError } from '../../../model/errors';

/** Why an entity does not answer, in the words of whoever administers the environment. */
export function inWordsOfDynamics(thrown: unknown, what: string): IntegrationError {
  const error = IntegrationError.from(thrown);
  const as = (errorClass: ErrorClass, code: string, message: string, hint: string) =>
    new IntegrationError(errorClass, code, `${message}: ${error.message}`, { hint, cause: error });
  if (error.code === 'PCP_HTTP_UNAUTHORIZED') {
    return as(
      'auth',
      'PCP_DYNAMICS_APPLICATION_UNKNOWN',
      'The environment does not know the application that signed in',
      'Enter its client ID under System administration > Setup > Microsoft Entra ID applications, with the user that it acts as.',
    );
  }
  if (error.class === 'permission') {
    return as(
      'permission',
      'PCP_DYNAMICS_FORBIDDEN',
      `The user of the application may not use ${what}`,
      'Give this user a security role with the privileges of the data entity.',
    );
  }
  if (error.code === 'PCP_HTTP_NOT_FOUND') {
    return as(
      'config',
      'PCP_DYNAMICS_ENTITY_MISSING',
      `The environment has no ${what}`,
      'Check the base URL; the release may have another version of the entity, or a configuration key switches it off.',
    );
  }
  return error;
}
