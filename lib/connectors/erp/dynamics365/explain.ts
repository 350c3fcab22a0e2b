import { type ErrorClass, IntegrationError } from '../../../model/errors';
import { listed, type Phrase, phrase } from '../../../model/phrase';
import type { Flavour } from './settings';

const WORDS: Record<Flavour, { application: string; role: string; missing: string }> = {
  finance_operations: {
    application:
      'Enter its client ID under System administration > Setup > Microsoft Entra ID applications, with the user that it acts as.',
    role: 'Give this user a security role with the privileges of the data entity.',
    missing:
      'Check the base URL; the release may have another version of the entity, or a configuration key switches it off.',
  },
  business_central: {
    application:
      'Enter its client ID on the page Microsoft Entra Applications of Business Central, enable it and give it permission sets.',
    role: 'Give the application a permission set for this page or table, on the page Microsoft Entra Applications.',
    missing: 'Check tenant and environment in the base URL, and whether the page is published as a web service or API.',
  },
  dataverse: {
    application:
      'Add it as an application user in the Power Platform admin center: Environments > Settings > Users + permissions.',
    role: 'Give the application user a security role with the privileges of the table.',
    missing: 'Check the base URL: https://organisation.crm.dynamics.com.',
  },
};

/** Why an entity does not answer, in the words of whoever administers the environment. */
export function inWordsOfDynamics(
  thrown: unknown,
  what: string,
  flavour: Flavour = 'finance_operations',
): IntegrationError {
  const words = WORDS[flavour];
  const error = IntegrationError.from(thrown);
  const as = (errorClass: ErrorClass, code: string, message: Phrase, hint: string) =>
    new IntegrationError(errorClass, code, listed([message, error.said], ': '), { hint, cause: error });
  if (error.code === 'PCP_HTTP_UNAUTHORIZED') {
    return as(
      'auth',
      'PCP_DYNAMICS_APPLICATION_UNKNOWN',
      phrase`The environment does not know the application that signed in`,
      words.application,
    );
  }
  if (error.class === 'permission') {
    return as(
      'permission',
      'PCP_DYNAMICS_FORBIDDEN',
      phrase`The user of the application may not use ${what}`,
      words.role,
    );
  }
  if (error.code === 'PCP_HTTP_NOT_FOUND') {
    return as('config', 'PCP_DYNAMICS_ENTITY_MISSING', phrase`The environment has no ${what}`, words.missing);
  }
  return error;
}
