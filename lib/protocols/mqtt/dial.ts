import { isIP, connect as tcpConnect } from 'node:net';
import type { Duplex } from 'node:stream';
import { type SecureContext, type TLSSocket, connect as tlsConnect } from 'node:tls';
import type * as Ws from 'ws';
import { IntegrationError } from '../../model/errors';
import { Deadline } from '../http/deadline';
import { connectError, connectTimeout } from '../http/errors';
import { loadPackage } from '../load-package';
import { secureContext } from '../secure-context';
import { tlsUnanswered } from './errors';
import type { MqttOptions } from './options';

export interface Dialed {
  socket: Duplex;
  server: URL;
  /** "TLSv1.3", where there is one. */
  tls?: string;
}

/** Where the servers stand. */
export const SETTING = '/config/url';
const DEFAULT_PORTS: Record<string, number> = { 'mqtt:': 1883, 'mqtts:': 8883, 'ws:': 80, 'wss:': 443 };
/** Of a WebSocket frame, beyond the message in it: the packet's header and properties. */
const FRAME_OVERHEAD = 256 * 1024;

/**
 * A socket to the first server that answers.
 * @throws transient PCP_CONNECT_..., config and auth PCP_TLS_..., PCP_MQTT_WEBSOCKET: of the last server
 */
export async function dial(options: MqttOptions, signal: AbortSignal): Promise<Dialed> {
  const trust = secureContext(options.tls);
  let failure: unknown;
  for (const server of options.servers) {
    signal.throwIfAborted();
    try {
      return await dialOne(server, options, trust, signal);
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      failure = thrown;
    }
  }
  throw failure;
}

async function dialOne(server: URL, options: MqttOptions, trust: SecureContext, signal: AbortSignal): Promise<Dialed> {
  const deadline = new Deadline(options.timeoutMs, signal, () => connectTimeout(server, SETTING));
  const opening = server.protocol.startsWith('ws')
    ? openWebSocket(server, options, trust)
    : openSocket(server, options, trust);
  try {
    return await deadline.of(opening.opened);
  } catch (thrown) {
    opening.destroy();
    if (thrown instanceof IntegrationError) throw thrown;
    throw isCutInTls(thrown, server) ? tlsUnanswered(server, thrown) : connectError(thrown, server, SETTING);
  } finally {
    deadline.clear();
  }
}

/** A port without TLS ends the connection when it gets a greeting that it does not understand. */
function isCutInTls(thrown: unknown, { protocol }: URL): boolean {
  const { code = '', message } = thrown as NodeJS.ErrnoException;
  const isCut = code === 'ECONNRESET' || code === 'EPIPE';
  // What Node.js says of an HTTP request whose connection ended, TLS or not, is not counted.
  return isCut && (protocol === 'mqtts:' || (protocol === 'wss:' && message !== 'socket hang up'));
}

interface Opening {
  opened: Promise<Dialed>;
  destroy(): void;
}

function openSocket(server: URL, { tls }: MqttOptions, trust: SecureContext): Opening {
  const address = { host: hostOf(server), port: portOf(server), noDelay: true };
  const isSecure = server.protocol === 'mqtts:';
  const servername = tls.servername ?? (isIP(address.host) === 0 ? address.host : '');
  const socket = isSecure
    ? tlsConnect({
        ...address,
        secureContext: trust,
        servername,
        ...(tls.alpn !== undefined && { ALPNProtocols: [tls.alpn] }),
      })
    : tcpConnect(address);
  const opened = new Promise<Dialed>((resolve, reject) => {
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      const version = isSecure ? (socket as TLSSocket).getProtocol() : null;
      resolve({ socket, server, ...(version !== null && { tls: version }) });
    });
    // Stays: a socket that fails while nobody listens would end the process.
    socket.on('error', reject);
    socket.once('close', () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })));
  });
  return { opened, destroy: () => socket.destroy() };
}

function openWebSocket(server: URL, options: MqttOptions, trust: SecureContext): Opening {
  const { WebSocket, createWebSocketStream } = loadPackage<typeof Ws>('ws');
  const { servername } = options.tls;
  const socket = new WebSocket(server, 'mqtt', {
    handshakeTimeout: options.timeoutMs,
    maxPayload: options.maxMessageBytes + FRAME_OVERHEAD,
    perMessageDeflate: false,
    secureContext: trust,
    ...(servername !== undefined && { servername }),
  } as Ws.ClientOptions);
  const opened = new Promise<Dialed>((resolve, reject) => {
    let tls: string | null = null;
    socket.once('upgrade', (response) => {
      tls = (response.socket as Partial<TLSSocket>).getProtocol?.() ?? null;
    });
    socket.once('unexpected-response', (_request, response) => {
      response.destroy();
      reject(noWebSocket(server, `HTTP ${response.statusCode}`));
    });
    socket.once('open', () => {
      resolve({ socket: createWebSocketStream(socket), server, ...(tls !== null && { tls }) });
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === undefined ? noWebSocket(server, error.message) : error);
    });
  });
  return { opened, destroy: () => socket.terminate() };
}

function noWebSocket(server: URL, what: string): IntegrationError {
  return new IntegrationError('config', 'PCP_MQTT_WEBSOCKET', `${server.host} opens no WebSocket for MQTT: ${what}.`, {
    path: SETTING,
    hint: 'Check the port and the path of the URL; many brokers have "/mqtt".',
  });
}

export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

export function portOf({ port, protocol }: URL): number {
  return port === '' ? (DEFAULT_PORTS[protocol] ?? 1883) : Number(port);
}
