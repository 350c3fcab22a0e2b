import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connector } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/iot/opcua/connector';
import type { LiveEvent, TagValue } from '../../../lib/connectors/live';
import type { OpenConnection } from '../../../lib/model/connection';
import { IntegrationError } from '../../../lib/model/errors';

export const LINE = 'nsu=http://plant.example/line;s=Line1.';

/** Connections to a server, with a hub's directory of their own, all closed in the end. */
export class Connections {
  readonly directory = mkdtempSync(join(tmpdir(), 'pcp-opcua-hub-'));
  readonly log: string[] = [];
  /** How often connections were told to try again. */
  retries = 0;
  readonly #opened: Connector[] = [];

  get pki(): string {
    return join(this.directory, 'integrations.pki');
  }

  connection(
    url: string,
    config: Record<string, unknown> = {},
    credentials: Record<string, string> = {},
  ): OpenConnection {
    const own = { endpoint_url: url, authentication: 'anonymous', security_policy: 'None', timeout_ms: 3000 };
    return { id: 1, name: 'line', connector_type: 'iot.opcua', config: { ...own, ...config }, credentials };
  }

  open(url: string, config: Record<string, unknown> = {}, credentials: Record<string, string> = {}): Connector {
    const environment = {
      directory: this.directory,
      log: (_level: string, message: string) => void this.log.push(message),
      retry: () => void this.retries++,
    };
    const connector = create(this.connection(url, config, credentials), environment);
    this.#opened.push(connector);
    return connector;
  }

  /** As a person does it: tests the connection, and trusts the certificate that was refused. */
  async openTrusted(
    url: string,
    config: Record<string, unknown> = {},
    credentials: Record<string, string> = {},
  ): Promise<Connector> {
    const connector = this.open(url, { security_policy: 'best', ...config }, credentials);
    const { error } = (await connector.test(never())).steps.at(-1) ?? {};
    const thumbprint = error?.code === 'PCP_OPCUA_UNTRUSTED' ? error.value : undefined;
    if (thumbprint !== undefined) await connector.call?.('trust_certificate', { thumbprint }, never());
    return connector;
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((connector) => connector.close()));
  }

  async remove(): Promise<void> {
    await this.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function never(): AbortSignal {
  return new AbortController().signal;
}

export async function failureOf(work: Promise<unknown>): Promise<IntegrationError> {
  return work.then(
    () => {
      throw new Error('expected a failure');
    },
    (thrown: unknown) => IntegrationError.from(thrown),
  );
}

/** What a subscription gives, to be waited for. */
export class Received {
  readonly values: TagValue[] = [];
  readonly states: string[] = [];
  failure: IntegrationError | undefined;
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #wake: (() => void)[] = [];

  constructor(subscribe: (signal: AbortSignal) => AsyncIterable<LiveEvent>) {
    this.#done = this.#follow(subscribe(this.#abort.signal));
  }

  /** Bounded by the test's own time limit. */
  async until(condition: (received: this) => boolean): Promise<void> {
    while (!condition(this)) {
      if (this.failure !== undefined) throw this.failure;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  of(tag: string): unknown[] {
    return this.values.filter((value) => value.tag === tag).map(({ value }) => value);
  }

  /** Resolves when the subscription ended by itself. */
  async end(): Promise<IntegrationError | undefined> {
    await this.#done;
    return this.failure;
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }

  async #follow(events: AsyncIterable<LiveEvent>): Promise<void> {
    try {
      for await (const event of events) {
        if (event.kind === 'state') this.states.push(event.state);
        else this.values.push(...(event.records as TagValue[]));
        this.#wakeAll();
      }
    } catch (thrown) {
      this.failure = IntegrationError.from(thrown);
    }
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
