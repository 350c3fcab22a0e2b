import assert from 'node:assert/strict';
import type { Connector } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/iot/modbus/connector';
import type { TagValue } from '../../../lib/connectors/live';
import type { OpenConnection } from '../../../lib/model/connection';
import { IntegrationError } from '../../../lib/model/errors';

let lastId = 0;

/** @param id another connection each time, unless it is given */
export function connectionOf(config: Record<string, unknown>, id = ++lastId): OpenConnection {
  const own = { host: '127.0.0.1', timeout_ms: 1500 };
  return { id, name: 'line', connector_type: 'iot.modbus', config: { ...own, ...config }, credentials: {} };
}

/** Connectors of a test, closed after it. */
export class OpenConnectors {
  readonly log: string[] = [];
  #opened: Connector[] = [];

  open(config: Record<string, unknown>, id?: number): Connector {
    const connector = create(connectionOf(config, id), {
      log: (level, message) => this.log.push(`${level}: ${message}`),
    });
    this.#opened.push(connector);
    return connector;
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((connector) => connector.close()));
    this.log.length = 0;
  }
}

export const never = new AbortController().signal;

/** Values of tags by their names, as a table of [value, quality or status]. */
export function table(values: readonly TagValue[]): Record<string, unknown> {
  return Object.fromEntries(
    values.map(({ tag, value, status }) => [tag, status === undefined ? value : { value, status }]),
  );
}

export async function failure(work: Promise<unknown>): Promise<IntegrationError> {
  try {
    await work;
  } catch (thrown) {
    return IntegrationError.from(thrown);
  }
  return assert.fail('it did not fail');
}
