import { createPrivateKey, X509Certificate } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { IntegrationError } from '../../model/errors';
import { phrase, type Said } from '../../model/phrase';
import { within } from './deadline';
import { chooseEndpoint, parseEndpointUrl, readEndpoints, release, type Security, securityOf } from './endpoints';
import { opcUaError, signInError } from './errors';
import {
  type ClientSession,
  type EndpointDescription,
  type OPCUACertificateManager,
  type OPCUAClient,
  opcUaLibrary,
  type UserIdentityInfo,
} from './library';
import { dialOnlyWhenLost, endRepublishing, resetConnection, waitInsteadOfAsking } from './library-mends';
import { type Limits, type Profile, readLimits } from './limits';
import { APPLICATION_NAME, type Pki } from './pki';
import { ReverseListener, type ReverseOptions } from './reverse';

export type Identity =
  | { type: 'anonymous' }
  | { type: 'username'; username: string; password: string }
  | { type: 'certificate'; certificate: string; privateKey: string; passphrase: string | undefined };

export interface ClientOptions {
  endpointUrl: string;
  security: Security;
  identity: Identity;
  pki: Pki;
  profile: Profile;
  timeoutMs: number;
  sessionTimeoutMs: number;
  /** The server connects to us. */
  reverse: ReverseOptions | undefined;
  /** Host that the server's certificate is for, where it is not the endpoint's. */
  certificateHost: string | undefined;
}

/** An open session, with what is known of its server. */
export interface OpenSession {
  session: ClientSession;
  /** "Basic256Sha256 SignAndEncrypt", or "None". */
  security: string;
  /** Null where nothing is secured. */
  serverCertificate: Buffer | null;
  namespaces: string[];
  limits: Limits;
}

/** How often a silent server is asked for a sign of life, in time limits of a request. */
const KEEP_ALIVE = 2;
/** The library dials again after this, and later after the other. */
const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 5000;
/** A server that accepts connections, and closes them again so often, is left alone: by each the library may begin another. */
const MOST_ATTEMPTS = 5;
/** A session that is refused for these reasons stays so: the user may be locked out by more of them. */
const HOPELESS = /BadIdentityToken|BadUserAccessDenied|BadCertificate|BadSecurityChecksFailed/;
const MOST_REQUESTS = 5;
/** So many times as long where the server goes on answering. */
const MOST_ROUNDS = 5;
/** Of the library, on its way back. */
const SIGNS = [
  'connection_lost',
  'start_reconnection',
  'backoff',
  'reconnection_attempt_has_failed',
  'after_reconnection',
] as const;

interface Events {
  interrupted: [];
  connected: [];
  failed: [IntegrationError];
}

/**
 * One session with one server, opened when it is first needed and shared by all that use it. After an interruption the library
 * activates the same session on a new connection, so that the server never counts two; what will not come right that
 * way ends the session, and the next use opens another.
 */
export class OpcUaClient extends EventEmitter<Events> {
  readonly options: ClientOptions;
  #opening: Promise<OpenSession> | undefined;
  #client: OPCUAClient | undefined;
  #session: ClientSession | undefined;
  #manager: OPCUACertificateManager | undefined;
  readonly #closed = new AbortController();
  readonly #reverse: ReverseListener | undefined;
  #patience: NodeJS.Timeout | undefined;
  isConnected = false;

  constructor(options: ClientOptions) {
    super();
    this.options = options;
    if (options.reverse !== undefined) this.#reverse = new ReverseListener(options.reverse);
    this.setMaxListeners(0);
  }

  /** All that ask while it opens wait for the same session; one that leaves does not end it for the others. */
  async open(signal?: AbortSignal): Promise<OpenSession> {
    if (this.#closed.signal.aborted) throw closed();
    if (this.#opening === undefined) {
      const opening = this.#open(this.#closed.signal);
      this.#opening = opening;
      opening.catch(() => {
        if (this.#opening === opening) this.#opening = undefined;
      });
    }
    // Its steps have time limits of their own.
    return within(this.#opening, 2 ** 31 - 1, phrase`opening a session`, signal);
  }

  /**
   * A call of the library. It holds each request of it to the connection's time limit; some calls make several, and hundreds
   * where the types of structures have to be learnt first: these go on for as long as the server answers.
   */
  async request<T>(work: Promise<T>, what: Said, signal?: AbortSignal): Promise<T> {
    try {
      const goesOn = (rounds: number) => rounds < MOST_ROUNDS && this.#isAnswered;
      return await within(work, MOST_REQUESTS * this.options.timeoutMs, what, signal, goesOn);
    } catch (thrown) {
      throw opcUaError(thrown, what);
    }
  }

  get #isAnswered(): boolean {
    const last = this.#session?.lastResponseReceivedTime.getTime() ?? 0;
    return this.isConnected && Date.now() - last < this.options.timeoutMs;
  }

  /** Drops the connection with all that is still to be delivered over it; the session comes back over another. */
  breakOff(): void {
    if (this.#client !== undefined) resetConnection(this.#client);
  }

  /** Ends the session; the next use opens another. */
  async reset(error: IntegrationError): Promise<void> {
    const wasOpen = this.#client !== undefined;
    this.#opening = undefined;
    await this.#dispose();
    if (wasOpen) this.emit('failed', error);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    const opening = this.#opening;
    this.#opening = undefined;
    await opening?.catch(() => undefined);
    await this.#dispose();
    await this.#reverse?.close();
    this.emit('failed', closed());
    this.removeAllListeners();
  }

  async #open(signal: AbortSignal): Promise<OpenSession> {
    const { endpointUrl, security, timeoutMs, profile } = this.options;
    const endpoint = chooseEndpoint(await readEndpoints(this.options, this.#reverse, signal), security);
    if (security.policy !== 'None') await this.#check(endpoint);
    try {
      const session = await this.#connect(endpoint, signal);
      const namespaces = await within(session.readNamespaceArray(), timeoutMs, phrase`reading its namespaces`, signal);
      const limits = await readLimits(session, profile, timeoutMs, signal);
      this.isConnected = true;
      this.#session = session;
      endRepublishing(session);
      this.#watch(session, namespaces);
      const serverCertificate = security.policy === 'None' ? null : endpoint.serverCertificate;
      return { session, security: securityOf(endpoint), serverCertificate, namespaces, limits };
    } catch (thrown) {
      await this.#dispose();
      throw opcUaError(thrown, phrase`opening a session with ${endpointUrl}`);
    }
  }

  /** @throws config PCP_OPCUA_UNTRUSTED, PCP_OPCUA_CERTIFICATE... */
  #check({ serverCertificate, server }: EndpointDescription): Promise<void> {
    const { pki, endpointUrl, reverse, certificateHost } = this.options;
    const dialled = reverse === undefined ? parseEndpointUrl(endpointUrl).host : undefined;
    return pki.check(serverCertificate, {
      applicationUri: server.applicationUri,
      host: certificateHost ?? dialled,
    });
  }

  async #connect(endpoint: EndpointDescription, signal: AbortSignal): Promise<ClientSession> {
    const { endpointUrl, identity, pki, timeoutMs, sessionTimeoutMs } = this.options;
    const { ua } = opcUaLibrary();
    this.#manager = await pki.open();
    const client = ua.OPCUAClient.create({
      applicationName: APPLICATION_NAME,
      applicationUri: pki.applicationUri,
      clientName: APPLICATION_NAME,
      clientCertificateManager: this.#manager,
      certificateFile: pki.certificateFile,
      securityMode: endpoint.securityMode,
      securityPolicy: endpoint.securityPolicyUri ?? ua.SecurityPolicy.None,
      serverCertificate: endpoint.serverCertificate,
      // What an open connection does when it breaks is set below; a first attempt that fails is told at once.
      connectionStrategy: { maxRetry: 0, initialDelay: FIRST_RETRY_MS, maxDelay: LAST_RETRY_MS },
      // A connection that nothing came over for so long is given up: longer than what makes sure that something comes.
      transportTimeout: 2 * KEEP_ALIVE * timeoutMs,
      defaultTransactionTimeout: timeoutMs,
      requestedSessionTimeout: sessionTimeoutMs,
      keepSessionAlive: true,
      keepAliveInterval: KEEP_ALIVE * timeoutMs,
      endpointMustExist: false,
    });
    waitInsteadOfAsking(client);
    dialOnlyWhenLost(client);
    this.#client = client;
    if (this.#reverse !== undefined) await this.#reverse.connect(client, signal);
    else await within(client.connect(endpointUrl), timeoutMs, phrase`connecting to ${endpointUrl}`, signal);
    client.connectionStrategy.maxRetry = -1;
    try {
      return await within(client.createSession(identityInfo(identity)), timeoutMs, phrase`signing in`, signal);
    } catch (thrown) {
      throw signInError(thrown, phrase`signing in`);
    }
  }

  #watch(session: ClientSession, namespaces: readonly string[]): void {
    const client = this.#client;
    if (client === undefined) return;
    // Values may come again before the session counts as back: what broke then is an interruption of its own.
    let isLetIn = true;
    const lost = () => {
      if (this.#client !== client || !isLetIn) return;
      isLetIn = false;
      this.isConnected = false;
      this.emit('interrupted');
    };
    client.on('after_reconnection', () => {
      isLetIn = true;
    });
    const giveUp = (error: IntegrationError) => {
      if (this.#client !== client) return;
      this.reset(error).catch(() => undefined);
    };
    client.on('connection_lost', lost);
    // Some of the library's steps back have no time limit. Each sign that it still looks for a way gives it time anew; once
    // the server has let it in, it has this time for all the rest.
    const patienceMs = MOST_REQUESTS * this.options.timeoutMs + LAST_RETRY_MS;
    const patience = () => {
      if (this.#client !== client || this.isConnected) return;
      clearTimeout(this.#patience);
      this.#patience = setTimeout(giveUp, patienceMs, notBack(patienceMs)).unref();
    };
    for (const sign of SIGNS) client.on(sign, patience);
    let attempts = 0;
    client.on('start_reconnection', () => {
      lost();
      attempts++;
      if (attempts > MOST_ATTEMPTS) giveUp(opcUaError(new Error('BadConnectionClosed'), phrase`connecting again`));
    });
    client.on('reconnection_attempt_has_failed', () => {
      if (this.#client === client) this.#explain(client).then((error) => error && giveUp(error));
    });
    session.on('session_repaired_failed', (error: Error) => {
      if (HOPELESS.test(error.message)) giveUp(signInError(error, phrase`signing in again`));
    });
    client.on('connection_reestablished', () => {
      if (this.#client !== client) return;
      // Broken again: given up here, its session would stay on the server, which cannot be told.
      this.#sameNamespaces(session, namespaces).then(
        (same) => {
          if (this.#client !== client || this.isConnected) return;
          if (!same) return giveUp(namespacesMoved());
          clearTimeout(this.#patience);
          this.isConnected = true;
          attempts = 0;
          this.emit('connected');
        },
        () => resetConnection(client),
      );
    });
    client.on('close', (error) => {
      giveUp(opcUaError(error ?? new Error('BadConnectionClosed'), phrase`keeping the connection`));
    });
    session.on('session_closed', (status) => {
      giveUp(opcUaError(new Error(status?.name ?? 'BadSessionClosed'), phrase`keeping the session`));
    });
  }

  /** Why a server cannot be connected to again, where waiting does not help: above all another certificate. */
  async #explain(client: OPCUAClient): Promise<IntegrationError | undefined> {
    const { security } = this.options;
    if (security.policy === 'None') return undefined;
    try {
      const endpoints = await readEndpoints(this.options, this.#reverse, this.#closed.signal);
      const endpoint = chooseEndpoint(endpoints, security);
      await this.#check(endpoint);
      const [known] = [client.serverCertificate].flat();
      return known?.equals(endpoint.serverCertificate)
        ? undefined
        : opcUaError(new Error('BadCertificateInvalid'), phrase`connecting again`);
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      return error.class === 'config' ? error : undefined;
    }
  }

  /** A server that was started anew may number its namespaces differently; what was resolved before then names other nodes. */
  async #sameNamespaces(session: ClientSession, before: readonly string[]): Promise<boolean> {
    const now = await this.request(session.readNamespaceArray(), phrase`reading its namespaces`);
    return before.every((uri, index) => now[index] === uri);
  }

  async #dispose(): Promise<void> {
    const [client, manager] = [this.#client, this.#manager];
    this.#client = undefined;
    this.#session = undefined;
    this.#manager = undefined;
    this.isConnected = false;
    clearTimeout(this.#patience);
    if (client !== undefined && manager !== undefined) await release(client, manager);
  }
}

function identityInfo(identity: Identity): UserIdentityInfo {
  const { UserTokenType } = opcUaLibrary().ua;
  switch (identity.type) {
    case 'anonymous':
      return { type: UserTokenType.Anonymous };
    case 'username':
      return { type: UserTokenType.UserName, userName: identity.username, password: identity.password };
    case 'certificate':
      return {
        type: UserTokenType.Certificate,
        certificateData: derOf(identity.certificate),
        privateKey: pemOf(identity.privateKey, identity.passphrase),
      };
  }
}

/** @throws config PCP_SETTING_INVALID */
function derOf(certificate: string): Buffer {
  try {
    return new X509Certificate(certificate).raw;
  } catch {
    throw unreadable('certificate', 'Give it as PEM.');
  }
}

/** @throws config PCP_SETTING_INVALID */
function pemOf(key: string, passphrase: string | undefined): string {
  try {
    return createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) })
      .export({ type: 'pkcs8', format: 'pem' })
      .toString();
  } catch {
    throw unreadable('private_key', 'Give it as PEM, and the passphrase if it has one.');
  }
}

function unreadable(credential: 'certificate' | 'private_key', hint: string): IntegrationError {
  const what = credential === 'certificate' ? 'certificate' : 'private key';
  return new IntegrationError('config', 'PCP_SETTING_INVALID', `The ${what} of the user cannot be read.`, {
    path: `/credentials/${credential}`,
    hint,
  });
}

function namespacesMoved(): IntegrationError {
  return new IntegrationError(
    'transient',
    'PCP_OPCUA_NAMESPACES_MOVED',
    'The server came back with its namespaces in another order.',
    {
      hint: 'The connection is opened again by itself; addresses with "nsu=" find their nodes again.',
    },
  );
}

function notBack(ms: number): IntegrationError {
  return new IntegrationError('transient', 'PCP_OPCUA_NOT_BACK', `The session did not come back within ${ms} ms.`, {
    hint: 'Another one is opened by itself; look whether the server is overloaded when this repeats.',
  });
}

function closed(): IntegrationError {
  return new IntegrationError('cancelled', 'PCP_CANCELLED', 'The connection was closed.');
}
