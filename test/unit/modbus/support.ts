import assert from 'node:assert/strict';
import { IntegrationError } from '../../../lib/model/errors';

export const never = new AbortController().signal;

export async function failure(work: Promise<unknown>): Promise<IntegrationError> {
  try {
    await work;
  } catch (thrown) {
    return IntegrationError.from(thrown);
  }
  return assert.fail('it did not fail');
}
