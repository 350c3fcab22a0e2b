import assert from 'node:assert/strict';
import { IntegrationError } from '../../../lib/model/errors';
import type { HttpClient, HttpOptions } from '../../../lib/protocols/http/client';
import { openHttp } from '../../../lib/protocols/http/open';

export const live = new AbortController().signal;

/** Clients of a test, closed after it. */
export function clients(): { open(options: HttpOptions): HttpClient } {
  const opened: HttpClient[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((client) => client.close()));
  });
  return {
    open(options) {
      const client = openHttp(options);
      opened.push(client);
      return client;
    },
  };
}

/** The error that the work must end in. */
export async function failure(work: Promise<unknown>): Promise<IntegrationError> {
  const error = await work.then(
    () => assert.fail('it should have failed'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof IntegrationError, String(error));
  assert.ok(error.hint || error.class === 'cancelled', `${error.code} has no hint: ${error.stack}`);
  return error;
}
