import { type ErrorClass, type ErrorDetails, IntegrationError } from '../../model/errors';
import { phrase, type Said } from '../../model/phrase';

/** Reason codes of MQTT 5; the return codes of 3.1.1 are below 6. */
const NAMES: Record<number, Said> = {
  1: phrase`unacceptable protocol version`,
  2: phrase`client id rejected`,
  3: phrase`server unavailable`,
  4: phrase`bad user name or password`,
  5: phrase`not authorised`,
  128: phrase`unspecified error`,
  129: phrase`malformed packet`,
  130: phrase`protocol error`,
  131: phrase`implementation specific error`,
  132: phrase`unsupported protocol version`,
  133: phrase`client id not valid`,
  134: phrase`bad user name or password`,
  135: phrase`not authorised`,
  136: phrase`server unavailable`,
  137: phrase`server busy`,
  138: phrase`banned`,
  139: phrase`server shutting down`,
  140: phrase`bad authentication method`,
  141: phrase`keep-alive timeout`,
  142: phrase`session taken over`,
  143: phrase`topic filter invalid`,
  144: phrase`topic name invalid`,
  147: phrase`receive maximum exceeded`,
  149: phrase`packet too large`,
  150: phrase`message rate too high`,
  151: phrase`quota exceeded`,
  152: phrase`administrative action`,
  153: phrase`payload format invalid`,
  154: phrase`retain not supported`,
  155: phrase`QoS not supported`,
  156: phrase`use another server`,
  157: phrase`server moved`,
  158: phrase`shared subscriptions not supported`,
  159: phrase`connection rate exceeded`,
  160: phrase`maximum connect time`,
  161: phrase`subscription identifiers not supported`,
  162: phrase`wildcard subscriptions not supported`,
};

type Meaning = [ErrorClass, code: string, hint: string, path?: string];

const VERSION: Meaning = [
  'config',
  'PCP_MQTT_VERSION',
  'Choose the other protocol version in the connection.',
  '/config/protocol_version',
];
const CLIENT_ID: Meaning = [
  'config',
  'PCP_MQTT_CLIENT_ID',
  'Set a client_id that the broker allows.',
  '/config/client_id',
];
const UNAVAILABLE: Meaning = [
  'transient',
  'PCP_MQTT_UNAVAILABLE',
  'It is tried again; if it stays, look at the log of the broker.',
];
const SIGN_IN: Meaning = [
  'auth',
  'PCP_MQTT_UNAUTHORIZED',
  'Check user, password and certificate, and that the broker knows them.',
  '/config/username',
];
const BUSY: Meaning = ['rate_limit', 'PCP_MQTT_BUSY', 'It goes on by itself. Send fewer messages, or raise the quota.'];
const REFUSED: Meaning = ['config', 'PCP_MQTT_REFUSED', 'Look at the log of the broker for the reason.'];

const CONNECT: Record<number, Meaning> = {
  1: VERSION,
  132: VERSION,
  2: CLIENT_ID,
  133: CLIENT_ID,
  3: UNAVAILABLE,
  136: UNAVAILABLE,
  137: UNAVAILABLE,
  139: UNAVAILABLE,
  4: SIGN_IN,
  5: SIGN_IN,
  134: SIGN_IN,
  135: SIGN_IN,
  138: SIGN_IN,
  140: SIGN_IN,
  151: BUSY,
  159: BUSY,
};

/** A broker that takes the connection, but not the client. */
export function connectRefused(reason: number, url: URL, said?: string): IntegrationError {
  const [errorClass, code, hint, path] = CONNECT[reason] ?? REFUSED;
  const message = phrase`${url.host} refused the connection: ${nameOf(reason)}${words(said)}.`;
  return new IntegrationError(errorClass, code, message, { hint, ...(path !== undefined && { path }) });
}

/** The connection ended before TLS was there. */
export function tlsUnanswered({ host }: URL, cause: unknown): IntegrationError {
  return new IntegrationError(
    'transient',
    'PCP_TLS_FAILED',
    phrase`${host} ended the connection instead of answering TLS.`,
    {
      path: '/config/url',
      hint: 'Check the port: one without TLS is reached by mqtt: or ws:. Else look at the log of the broker.',
      cause,
    },
  );
}

/** A connection that was open, and is not any more. */
export function connectionLost(url: URL, cause?: unknown): IntegrationError {
  const said =
    cause instanceof Error
      ? phrase`The connection to ${url.host} was lost: ${cause.message}.`
      : phrase`The connection to ${url.host} was lost.`;
  return new IntegrationError('transient', 'PCP_CONNECT_LOST', said, {
    cause,
    hint: 'It is tried again; if it stays, look at the log of the broker.',
  });
}

/** The broker said why it ends the connection; MQTT 5 only. */
export function disconnected(reason: number, url: URL, clientId: string, said?: string): IntegrationError {
  if (reason === TAKEN_OVER) return takenOver(url, clientId);
  const [errorClass, code, hint] = reason === 149 ? REFUSED : (CONNECT[reason] ?? UNAVAILABLE);
  return new IntegrationError(
    errorClass,
    code,
    phrase`${url.host} ended the connection: ${nameOf(reason)}${words(said)}.`,
    {
      hint,
    },
  );
}

const TAKEN_OVER = 142;

export function takenOver(url: URL, clientId: string): IntegrationError {
  return new IntegrationError(
    'transient',
    'PCP_MQTT_CLIENT_ID_TAKEN',
    phrase`Another client signs in to ${url.host} as "${clientId}", and each one ends the connection of the other.`,
    { path: '/config/client_id', hint: 'Give every connection, program and device a client_id of its own.' },
  );
}

/** What a broker answered to a message or a subscription. */
export function requestRefused(what: Said, reason: number, details: ErrorDetails = {}): IntegrationError {
  const fails = (errorClass: ErrorClass, code: string, hint: string) =>
    new IntegrationError(errorClass, code, phrase`The broker refused ${what}: ${nameOf(reason)}.`, {
      hint,
      ...details,
    });
  switch (reason) {
    case 128:
    case 135:
      return fails(
        'permission',
        'PCP_MQTT_FORBIDDEN',
        'Allow this topic to the user in the access list of the broker.',
      );
    case 149:
    case 153:
      return fails(
        'data',
        'PCP_MQTT_MESSAGE_REFUSED',
        'Make the message smaller, or of the format that it says it has.',
      );
    case 150:
    case 151:
      return fails(BUSY[0], BUSY[1], BUSY[2]);
    default:
      return fails(REFUSED[0], REFUSED[1], REFUSED[2]);
  }
}

export function noAnswer(what: Said, url: URL): IntegrationError {
  return new IntegrationError('transient', 'PCP_MQTT_TIMEOUT', phrase`${url.host} did not answer ${what} in time.`, {
    hint: 'Look whether the broker is overloaded, or raise timeout_ms.',
  });
}

/** Messages of another subscription are not taken, and the broker waits for them. */
export function heldUp(topic: string): IntegrationError {
  return new IntegrationError(
    'transient',
    'PCP_MQTT_HELD_UP',
    phrase`The broker sends nothing more until who listens to "${topic}" takes its messages.`,
    {
      hint: 'Its spool is full, or its flow does not go on. With "own_connection" in its entry of "topics" it would hold up nobody else.',
    },
  );
}

export function notMqtt(url: URL, cause: Error): IntegrationError {
  return new IntegrationError(
    'transient',
    'PCP_MQTT_PROTOCOL',
    phrase`${url.host} does not speak MQTT: ${cause.message}.`,
    {
      cause,
      hint: 'Check the port, and whether the URL must begin with mqtt:, mqtts:, ws: or wss:.',
    },
  );
}

function nameOf(reason: number): Said {
  return NAMES[reason] ?? phrase`reason ${reason}`;
}

function words(said: string | undefined): string {
  return said === undefined || said === '' ? '' : ` (${said.slice(0, 200)})`;
}
