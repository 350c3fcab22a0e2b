import { type ErrorClass, type ErrorDetails, IntegrationError } from '../../model/errors';
import { phrase, type Said } from '../../model/phrase';

interface Meaning {
  class: ErrorClass;
  code: string;
  message: Said;
  hint: string;
  path?: string;
}

const SIGN_IN: Omit<Meaning, 'message'> = {
  class: 'auth',
  code: 'PCP_OPCUA_SIGN_IN',
  hint: 'Check user name and password, and that the server allows this way to sign in.',
  path: '/config/authentication',
};
const CLIENT_CERTIFICATE: Meaning = {
  class: 'auth',
  code: 'PCP_OPCUA_CLIENT_UNTRUSTED',
  message: phrase`The server does not trust this hub's certificate`,
  hint: "Accept the hub's certificate on the server (its list of rejected or incoming clients), then try again.",
  path: '/config/security_policy',
};
const LOST: Meaning = {
  class: 'transient',
  code: 'PCP_CONNECT_LOST',
  message: phrase`The connection was lost`,
  hint: 'Check network and server; the connection is opened again by itself.',
};
const BUSY: Meaning = {
  class: 'transient',
  code: 'PCP_OPCUA_BUSY',
  message: phrase`The server has no room for another session or request`,
  hint: 'Close other clients, or raise the limits of the server.',
};
const MISSING_NODE: Meaning = {
  class: 'config',
  code: 'PCP_OPCUA_NODE_UNKNOWN',
  message: phrase`The server has no such node`,
  hint: 'Check address and namespace; browse the server for what it has.',
};
const FORBIDDEN: Meaning = {
  class: 'permission',
  code: 'PCP_OPCUA_FORBIDDEN',
  message: phrase`The server does not allow this to the user`,
  hint: 'Give the user the right on the server, or use another one.',
};

/** What the status codes mean to a person; those not listed say what they are called. */
const MEANINGS: Record<string, Meaning> = {
  BadUserAccessDenied: { ...FORBIDDEN },
  BadNotReadable: { ...FORBIDDEN, message: phrase`The node cannot be read` },
  BadNotWritable: { ...FORBIDDEN, message: phrase`The node cannot be written` },
  BadIdentityTokenInvalid: { ...SIGN_IN, message: phrase`The server does not accept this way to sign in` },
  BadUserSignatureInvalid: { ...SIGN_IN, message: phrase`The server refused the user's certificate` },
  BadIdentityTokenRejected: { ...SIGN_IN, message: phrase`The server refused the user` },
  BadSecurityChecksFailed: CLIENT_CERTIFICATE,
  BadCertificateUntrusted: CLIENT_CERTIFICATE,
  BadCertificateUseNotAllowed: CLIENT_CERTIFICATE,
  BadCertificateUriInvalid: CLIENT_CERTIFICATE,
  BadCertificateTimeInvalid: {
    ...CLIENT_CERTIFICATE,
    message: phrase`The server takes the hub's certificate for expired`,
  },
  BadTooManySessions: BUSY,
  BadTooManySubscriptions: BUSY,
  BadTooManyMonitoredItems: BUSY,
  BadTooManyPublishRequests: BUSY,
  BadTcpServerTooBusy: BUSY,
  BadServerTooBusy: BUSY,
  BadServerHalted: LOST,
  BadShutdown: LOST,
  BadSessionIdInvalid: LOST,
  BadSessionClosed: LOST,
  BadSecureChannelClosed: LOST,
  BadSecureChannelIdInvalid: LOST,
  BadConnectionClosed: LOST,
  BadNotConnected: LOST,
  BadCommunicationError: LOST,
  BadNodeIdUnknown: MISSING_NODE,
  BadNodeIdInvalid: MISSING_NODE,
  BadNoMatch: { ...MISSING_NODE, message: phrase`Nothing lies at this path` },
};

const UNREACHABLE: [pattern: RegExp, code: string, message: Said, hint: string][] = [
  [
    /ENOTFOUND|EAI_AGAIN|EAI_NODATA/,
    'PCP_CONNECT_HOST_UNKNOWN',
    phrase`The host name cannot be resolved`,
    'Check its spelling and the DNS of this machine.',
  ],
  [
    /ECONNREFUSED/,
    'PCP_CONNECT_REFUSED',
    phrase`Nothing answers there`,
    'Check the port, and that the server is running and listens on this address.',
  ],
  [
    /EHOSTUNREACH|ENETUNREACH/,
    'PCP_CONNECT_UNREACHABLE',
    phrase`There is no way there`,
    'Check the network, routes and VPN.',
  ],
  [
    /ETIMEDOUT|[Tt]imeout|Transaction has timed out/,
    'PCP_CONNECT_TIMEOUT',
    phrase`There was no answer in time`,
    'Check host and port, and whether a firewall swallows the connection.',
  ],
];

/**
 * What the library threw, as an error of ours.
 * @param doing what was being done, and where ("connecting to opc.tcp://plc:4840")
 */
export function opcUaError(thrown: unknown, doing: Said): IntegrationError {
  if (thrown instanceof IntegrationError) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const status = statusIn(text);
  if (status !== undefined) return statusError(status, doing, { cause: thrown }, 'transient');
  for (const [pattern, code, message, hint] of UNREACHABLE) {
    if (pattern.test(text)) return error({ class: 'transient', code, message, hint }, doing, { cause: thrown });
  }
  const refused = /Cannot find (ANONYMOUS|USERNAME|Certificate)/.exec(text);
  if (refused !== null) {
    const meaning = {
      ...SIGN_IN,
      class: 'config' as const,
      message: phrase`The endpoint does not offer this way to sign in`,
    };
    return error(meaning, doing, { cause: thrown });
  }
  return error(LOST, doing, { cause: thrown });
}

/**
 * A status code that came instead of a result.
 * @param unlisted class of those without a meaning of their own: said of one node or method they say nothing of the connection
 */
export function statusError(
  status: string,
  doing: Said,
  details: ErrorDetails = {},
  unlisted: ErrorClass = 'data',
): IntegrationError {
  const meaning = MEANINGS[status] ?? {
    class: unlisted,
    code: 'PCP_OPCUA_STATUS',
    message: phrase`The server answered with an error`,
    hint: 'Look the status up in the manual of the server.',
  };
  return error({ ...meaning, message: phrase`${meaning.message} (${status})` }, doing, details);
}

/** A wrong user or password: servers also say this with a code that means "not allowed" everywhere else. */
export function signInError(thrown: unknown, doing: Said): IntegrationError {
  const status = statusIn(thrown instanceof Error ? thrown.message : '');
  if (status !== 'BadUserAccessDenied') return opcUaError(thrown, doing);
  return error({ ...SIGN_IN, message: phrase`The server refused the user (${status})` }, doing, { cause: thrown });
}

export function statusIn(text: string): string | undefined {
  return /\b(?:Bad|Uncertain)[A-Z][A-Za-z]+/.exec(text)?.[0];
}

function error(meaning: Meaning, doing: Said, details: ErrorDetails): IntegrationError {
  const { class: errorClass, code, message, hint, path } = meaning;
  return new IntegrationError(errorClass, code, phrase`${message}, ${doing}.`, {
    hint,
    ...(path !== undefined && { path }),
    ...details,
  });
}
