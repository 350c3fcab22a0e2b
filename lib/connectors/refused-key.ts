import { IntegrationError } from '../model/errors';

/** What `lookup` answers for a key that cannot be one there: nothing can be told of it, and the others go on. */
export function undefinedIfRefused<T>(convert: () => T): T | undefined {
  try {
    return convert();
  } catch (error) {
    if (error instanceof IntegrationError && error.class === 'data') return undefined;
    throw error;
  }
}
