import { connectAsync } from 'mqtt';

export interface PublisherTask {
  port: number;
  messages: number;
  /** Absent: as fast as the broker takes them. */
  perSecond?: number;
}

const BYTES = 200;
const TAGS = 100;
const TICK_MS = 10;
/** Messages that wait for their acknowledgement. */
const WINDOW = 1_000;

/** A value and the moment at which it left, of the given size. */
function payloadOf(n: number): string {
  const at = Date.now();
  const text = JSON.stringify({ n, value: at, quality: 'good', source_timestamp: new Date(at).toISOString(), pad: '' });
  return text.replace('"pad":"', `"pad":"${'x'.repeat(BYTES - text.length)}`);
}

/** Messages of QoS 1 to the topics `bench/<tag>`. */
async function publish({ port, messages, perSecond = Number.POSITIVE_INFINITY }: PublisherTask): Promise<void> {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5 });
  const started = performance.now();
  let sent = 0;
  let ticking: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve, reject) => {
    let acknowledged = 0;
    const send = (): void => {
      const due =
        perSecond === Number.POSITIVE_INFINITY ? messages : (perSecond * (performance.now() - started)) / 1000;
      for (; sent < Math.min(due, messages) && sent < acknowledged + WINDOW; sent++) {
        client.publish(`bench/${sent % TAGS}`, payloadOf(sent), { qos: 1 }, (error) => {
          if (error) return reject(error);
          acknowledged++;
          if (acknowledged === messages) resolve();
          else if (perSecond === Number.POSITIVE_INFINITY && acknowledged % (WINDOW / 2) === 0) send();
        });
      }
    };
    if (perSecond !== Number.POSITIVE_INFINITY) ticking = setInterval(send, TICK_MS);
    send();
  });
  clearInterval(ticking);
  await client.endAsync();
}

process.once('message', (task: PublisherTask) => {
  publish(task).then(
    () => process.send?.('done'),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
});
