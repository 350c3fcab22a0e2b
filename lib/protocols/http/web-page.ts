import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { HttpResponse } from './client';

/**
 * A page for people in place of an answer: of a sign-in, of maintenance, of a proxy on the way. Nothing says that the request
 * was worked on.
 * @throws transient PCP_HTTP_NOT_JSON with `outcomeUnknown`
 */
export function refuseWebPage(response: HttpResponse): void {
  if (!/^(text\/html|application\/xhtml)\b/i.test(response.headers['content-type'] ?? '')) return;
  response.discard();
  throw webPage(response);
}

/** That it came, for those who tell it by other signs. */
export function webPage({ url, status }: HttpResponse): IntegrationError {
  const message = phrase`${url.pathname} answered ${status} with a web page.`;
  return new IntegrationError('transient', 'PCP_HTTP_NOT_JSON', message, {
    hint: 'A sign-in or maintenance page stands on the way: open the address in a browser.',
    outcomeUnknown: true,
  });
}
