import type { HttpClient, HttpOptions } from './client';

/**
 * Connects with the first request.
 * @throws config PCP_URL_REFUSED, PCP_SETTING_INVALID
 */
export function openHttp(options: HttpOptions): HttpClient {
  throw new Error(`not yet: ${options.baseUrl}`);
}
