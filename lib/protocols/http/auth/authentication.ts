/** How a request says who sends it. Mutual TLS is in `TlsOptions` and can be combined with any of these. */
export type Authentication =
  | { type: 'none' }
  | { type: 'basic'; username: string; password: string }
  | { type: 'bearer'; token: string }
  | { type: 'api_key'; name: string; in: 'header' | 'query'; key: string }
  | OAuth2;

export interface OAuth2 {
  type: 'oauth2';
  tokenUrl: string;
  grant: 'client_credentials' | 'password' | 'refresh_token';
  clientId: string;
  clientSecret?: string;
  /** How the client names itself at the token endpoint: in the Authorization header (default) or in the form. */
  clientAuthentication?: 'basic' | 'post';
  scope?: string;
  /** Further form fields: `audience`, `resource`. */
  parameters?: Record<string, string>;
  /** Of the password grant. */
  username?: string;
  password?: string;
  /** Of the refresh_token grant. */
  refreshToken?: string;
}
