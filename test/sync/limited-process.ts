import { type Network, THIS_MACHINE } from '../../lib/protocols/http/dialer';
import { openHttp } from '../../lib/protocols/http/open';
import { openStore } from '../../lib/store/store';
import { SharedRequestLimits } from '../../lib/sync/http/request-limits';

export interface LimitedWork {
  store: Parameters<typeof openStore>[0];
  baseUrl: string;
  target: string;
  maxConcurrency: number;
  parallel: number;
  requestsPerSecond?: number;
  /** How long the process may stop with a request that it was allowed to send, before it writes it. */
  stallMs?: number;
}

function stalling(stallMs: number): Network {
  const clock = new Int32Array(new SharedArrayBuffer(4));
  return {
    ...THIS_MACHINE,
    connect(address, port) {
      const socket = THIS_MACHINE.connect(address, port);
      const write = socket.write.bind(socket);
      return Object.assign(socket, {
        write(chunk: string, encoding: BufferEncoding): boolean {
          if (Math.random() < 0.3) Atomics.wait(clock, 0, 0, Math.random() * stallMs);
          return write(chunk, encoding);
        },
      });
    },
  };
}

/** A process of its own that asks an API as often as it may, until it is told to stop. Started by request-limits.test.ts. */
async function main(): Promise<void> {
  const {
    store: place,
    target,
    parallel,
    stallMs = 0,
    ...options
  } = JSON.parse(process.argv[2] ?? '{}') as LimitedWork;
  const stopped = new AbortController();
  process.on('message', () => stopped.abort());
  const store = await openStore(place);
  const sharedLimits = new SharedRequestLimits(store.database, (_level, message) =>
    process.stderr.write(`${message}\n`),
  );
  const client = openHttp({ ...options, connectionId: 1, sharedLimits, network: stalling(stallMs) });
  const ask = async () => {
    const { signal } = stopped;
    while (!signal.aborted) {
      const response = await client.request({ target, signal });
      await response.text();
    }
  };
  await Promise.all(
    Array.from({ length: parallel }, () =>
      ask().catch((error: unknown) => {
        if (!stopped.signal.aborted) throw error;
      }),
    ),
  );
  await client.close();
  await sharedLimits.close();
  await store.close();
  process.disconnect();
}

main().catch((error: unknown) => {
  process.stderr.write(String(error));
  process.exit(1);
});
