/** Of the settings. They load with every start of Node-RED, so nothing else stands here. */
export const DEFAULTS = {
  dialect: 'oracle',
  schema: 'APPS',
  authentication: 'token',
  security_group: 'STANDARD',
  nls_language: 'AMERICAN',
  timeout_ms: 60_000,
  connect_timeout_ms: 5000,
  statement_timeout_ms: 60_000,
  pool_size: 4,
  source_code: 'PCP',
  wait_seconds: 60,
};
