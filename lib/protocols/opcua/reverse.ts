import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { within } from './deadline';
import { type ClientReverseConnect, type OPCUAClient, opcUaLibrary } from './library';

export interface ReverseOptions {
  /** Where this side listens ("opc.tcp://0.0.0.0:4841"). */
  listenUrl: string;
  /** Application URI of the only server that is let in. */
  serverUri: string | undefined;
}

/** Servers try every few seconds, and more seldom when nobody listened for long. */
const WAIT_MS = 60_000;

/** Waits for servers that connect from their side, where a firewall lets nobody in to them (Part 6, 7.1.3). */
export class ReverseListener {
  readonly #options: ReverseOptions;
  #started: Promise<ClientReverseConnect> | undefined;

  constructor(options: ReverseOptions) {
    this.#options = options;
  }

  /** @throws config PCP_OPCUA_REVERSE when it cannot listen; transient PCP_OPCUA_REVERSE when nobody came */
  async connect(client: OPCUAClient, signal: AbortSignal): Promise<void> {
    this.#started ??= this.#start();
    const listener = await this.#started;
    const { serverUri, listenUrl } = this.#options;
    const expected = serverUri === undefined ? {} : { serverUri };
    try {
      await within(client.connectReverse(listener, expected), WAIT_MS, phrase`waiting for the server`, signal);
    } catch (thrown) {
      if (IntegrationError.from(thrown).code !== 'PCP_OPCUA_TIMEOUT') throw thrown;
      throw new IntegrationError('transient', 'PCP_OPCUA_REVERSE', `No server connected to ${listenUrl}.`, {
        hint: 'Check that the server is set up to connect to this machine and port, and that no firewall stands between.',
      });
    }
  }

  async close(): Promise<void> {
    const started = this.#started;
    this.#started = undefined;
    const listener = await started?.catch(() => undefined);
    await listener?.stop();
  }

  async #start(): Promise<ClientReverseConnect> {
    const { listenUrl } = this.#options;
    const listener = new (opcUaLibrary().ua.ClientReverseConnect)(listenUrl);
    try {
      await listener.start();
      return listener;
    } catch (cause) {
      this.#started = undefined;
      throw new IntegrationError('config', 'PCP_OPCUA_REVERSE', `Nobody can listen at ${listenUrl}.`, {
        path: '/config/reverse_listen',
        hint: 'Another connection or program has this port, or the address is none of this machine.',
        cause,
      });
    }
  }
}
