import { IntegrationError } from '../../model/errors';
import { phrase, type Said } from '../../model/phrase';
import type { SqlOptions } from './database';

/** The driver's error inside of what Sequelize made of it. */
export function originalError(thrown: unknown): unknown {
  if (thrown instanceof IntegrationError || !(thrown instanceof Error)) return thrown;
  const { original, parent } = thrown as Error & { original?: unknown; parent?: unknown };
  return original ?? parent ?? thrown;
}

/** What no rule knows, without the password that a driver might have quoted. */
export function unclassified(thrown: unknown, options: SqlOptions): IntegrationError {
  const error = IntegrationError.from(thrown);
  if (error.code !== 'PCP_INTERNAL') return error;
  if (thrown instanceof Error && thrown.name === 'SequelizeConnectionAcquireTimeoutError') {
    return new IntegrationError('transient', 'PCP_SQL_POOL', phrase`All connections to the database stayed in use.`, {
      hint: 'Raise pool_size, or look for statements that take too long.',
    });
  }
  return new IntegrationError('bug', 'PCP_SQL_UNEXPECTED', withoutPassword(error.message, options), { cause: thrown });
}

export function withoutPassword(message: string, options: SqlOptions): string {
  const password = options.password ?? '';
  return password.length > 0 ? message.replaceAll(password, '***') : message;
}

/** Where the database is, in words: "erp.example:5432". */
export function place(options: SqlOptions): string {
  return options.port === undefined
    ? `${options.host ?? 'localhost'}`
    : `${options.host ?? 'localhost'}:${options.port}`;
}

const TLS_TRUST = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

/** Failures on the way to a server, the same for every driver: name, port, TLS, lost connection. */
export function networkError(thrown: unknown, options: SqlOptions): IntegrationError | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const code = (thrown as NodeJS.ErrnoException).code ?? '';
  return connectError(code, thrown, options) ?? tlsError(code, thrown, options);
}

function connectError(code: string, cause: Error, options: SqlOptions): IntegrationError | undefined {
  const where = place(options);
  const transient = (name: string, said: Said, hint: string, path?: string) =>
    new IntegrationError('transient', name, said, { cause, hint, ...(path !== undefined && { path }) });
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return transient(
        'PCP_CONNECT_HOST_UNKNOWN',
        phrase`The host name "${options.host}" cannot be resolved.`,
        'Check its spelling and the DNS of this machine.',
        '/config/host',
      );
    case 'ECONNREFUSED':
      return transient(
        'PCP_CONNECT_REFUSED',
        phrase`Nothing answers at ${where}.`,
        'Check the port, and that the database is running and listens on this address.',
        '/config/port',
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return transient(
        'PCP_CONNECT_UNREACHABLE',
        phrase`There is no way to ${where}.`,
        'Check the network, routes and VPN.',
      );
    case 'ETIMEDOUT':
    case 'ESOCKETTIMEDOUT':
      return timeoutError(cause, options);
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ECONNABORTED':
      return lostError(cause, options);
  }
  return undefined;
}

/** @param hint what to look at with this kind of server */
export function signInRefused(cause: Error, options: SqlOptions, hint: string): IntegrationError {
  return new IntegrationError(
    'auth',
    'PCP_SQL_AUTH',
    phrase`${place(options)} refuses the user "${options.username}".`,
    {
      cause,
      path: '/credentials/password',
      hint,
    },
  );
}

export function timeoutError(cause: Error, options: SqlOptions): IntegrationError {
  return new IntegrationError('transient', 'PCP_CONNECT_TIMEOUT', phrase`${place(options)} does not answer in time.`, {
    cause,
    path: '/config/host',
    hint: 'Check host and port, and whether a firewall swallows the connection.',
  });
}

export function lostError(cause: Error, options: SqlOptions): IntegrationError {
  return new IntegrationError('transient', 'PCP_CONNECT_LOST', phrase`The connection to ${place(options)} was lost.`, {
    cause,
    hint: 'It is tried again; if it stays, look at the log of the database.',
  });
}

function tlsError(code: string, cause: Error, options: SqlOptions): IntegrationError | undefined {
  const where = place(options);
  const config = (name: string, said: Said, hint: string, path: string) =>
    new IntegrationError('config', name, said, { cause, hint, path });
  // mysql2 replaces the code of node:tls and keeps its words.
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || /does not match certificate's altnames/.test(cause.message)) {
    return config(
      'PCP_TLS_NAME',
      phrase`The certificate of ${where} is for another name: ${cause.message}`,
      'Use the name in the certificate as host, or set it as the TLS server name.',
      '/config/ssl_servername',
    );
  }
  if (TLS_TRUST.has(code) || /self[- ]signed certificate|unable to (verify|get) /.test(cause.message)) {
    return config(
      'PCP_TLS_UNTRUSTED',
      phrase`The certificate of ${where} is signed by an authority that is not trusted here.`,
      "Give the authority's certificate (PEM) in the TLS settings.",
      '/config/ssl_ca',
    );
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID' || /certificate has expired/.test(cause.message)) {
    return config(
      'PCP_TLS_EXPIRED',
      phrase`The certificate of ${where} is not valid today.`,
      'Renew it on the server.',
      '/config/ssl',
    );
  }
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT' || /does not support SSL|did not negotiate encryption/i.test(cause.message)) {
    return config(
      'PCP_TLS_UNSUPPORTED',
      phrase`${where} does not offer TLS.`,
      'Turn TLS on at the server, or off here.',
      '/config/ssl',
    );
  }
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO' || code === 'HANDSHAKE_SSL_ERROR') {
    return config(
      'PCP_TLS_FAILED',
      phrase`TLS with ${where} failed: ${cause.message}`,
      'Check the port and the TLS versions of the server.',
      '/config/ssl',
    );
  }
  return undefined;
}
