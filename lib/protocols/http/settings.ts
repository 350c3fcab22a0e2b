import type { OpenConnection } from '../../model/connection';
import { IntegrationError } from '../../model/errors';
import type { HttpOptions } from './client';

/**
 * Reads the settings that every connection by HTTP has: base_url, authentication (none, basic, bearer, api_key, oauth2,
 * mtls) with username, api_key_name, api_key_in, token_url, client_id, client_auth, scope, grant; tls_ca, tls_servername,
 * proxy_url, headers, requests_per_second, max_concurrency, timeout_ms. Credentials: password, token, api_key,
 * client_secret, refresh_token, certificate, private_key, passphrase, proxy_password.
 *
 * @throws config PCP_SETTING_MISSING, PCP_SETTING_INVALID naming the setting
 */
export function readHttpOptions({ config }: OpenConnection): HttpOptions {
  if (typeof config.base_url !== 'string') {
    throw new IntegrationError('config', 'PCP_SETTING_MISSING', 'The setting "base_url" is empty.', {
      path: '/config/base_url',
      hint: 'Fill in "base_url" in the connection.',
    });
  }
  return { baseUrl: config.base_url };
}
