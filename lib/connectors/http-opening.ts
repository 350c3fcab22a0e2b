import type { HttpClient } from '../protocols/http/client';
import { openHttp } from '../protocols/http/open';
import type { ConnectorEnvironment } from './contract';

/** What a connector by HTTP works with: made when it is first needed, which dials nothing, and closed with the connector. */
export class HttpOpening<T extends { client: HttpClient }> {
  readonly #make: () => T;
  #opened: T | undefined;

  constructor(make: () => T) {
    this.#make = make;
  }

  get(): T {
    this.#opened ??= this.#make();
    return this.#opened;
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.client.close();
  }
}

/** A client with these settings, and with what the hub lends. */
export function httpClient(
  settings: Parameters<typeof openHttp>[0],
  { allowedTargets, http }: ConnectorEnvironment,
): HttpClient {
  return openHttp({ ...settings, ...http, ...(allowedTargets !== undefined && { allowedTargets }) });
}
