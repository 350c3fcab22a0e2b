/** The live process of the tests: as the real one, with a connector more, which listens to a counter over TCP. */
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import type { Connector } from '../../lib/connectors/contract';
import type { LiveEvent } from '../../lib/connectors/live';
import { ConnectorRegistry } from '../../lib/connectors/registry';
import { IntegrationError } from '../../lib/model/errors';
import { serve } from '../../lib/runner/serve';
import { LiveSession } from '../../lib/stream/session';
import { LiveSource } from './live-source';

/** Each line that comes is a list of records, which are acknowledged by sending the last one's number back. */
async function* listen(port: number, signal: AbortSignal): AsyncIterable<LiveEvent> {
  const socket = createConnection({ port, host: '127.0.0.1', signal });
  socket.on('error', () => socket.destroy());
  try {
    for await (const line of createInterface({ input: socket })) {
      const records = JSON.parse(line);
      yield { kind: 'records', records, acknowledge: () => void socket.write(`${records.at(-1).n}\n`) };
    }
    throw new IntegrationError('transient', 'PCP_CONNECT_RESET', 'The counter is gone.');
  } finally {
    socket.destroy();
  }
}

export class TestRegistry extends ConnectorRegistry {
  private readonly source = new LiveSource();

  override async load(type: string) {
    if (type !== LiveSource.type) return super.load(type);
    const { descriptor } = this.source.loaded;
    const create = ({ config }: { config: Record<string, unknown> }): Connector => ({
      test: async () => ({ ok: true, steps: [], duration_ms: 0 }),
      subscribe: (_subscription, signal) => listen(Number(config.port), signal),
      close: async () => undefined,
    });
    return { descriptor, create };
  }
}

if (require.main === module)
  serve('live process', async (setup, send) => new LiveSession(setup, send, new TestRegistry()));
