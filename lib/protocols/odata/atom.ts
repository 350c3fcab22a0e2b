import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { HttpResponse } from '../http/client';

/** Old services write Atom (XML): some always, some unless the address asks for JSON. A web page is none. */
export function isAtom({ headers }: Pick<HttpResponse, 'headers'>): boolean {
  return /^\s*(application\/(atom\+)?xml|text\/xml)\b/i.test(headers['content-type'] ?? '');
}

export function atomOnly({ pathname }: URL): IntegrationError {
  return new IntegrationError(
    'config',
    'PCP_ODATA_ATOM',
    phrase`${pathname} answers in Atom (XML) only, not in JSON.`,
    {
      hint: 'Have JSON enabled in the service (OData 2 or later), or publish the data with a newer one.',
    },
  );
}
