import { MqttConnection } from '../../../protocols/mqtt/connection';
import type { IncomingMessage, MqttOptions } from '../../../protocols/mqtt/options';

/** Retained messages come at once, frequent ones within moments. */
const LONGEST_MS = 2500;

/**
 * Messages that come now, until there are enough. By a connection of its own, and outside of any group: nobody else misses what
 * is taken here.
 * @param take whether more are wanted
 */
export async function sample(
  filter: string,
  take: (message: IncomingMessage) => boolean,
  options: MqttOptions,
  signal: AbortSignal,
): Promise<void> {
  const enough = Promise.withResolvers<void>();
  const receive = (message: IncomingMessage) => {
    message.acknowledge();
    if (!take(message)) enough.resolve();
  };
  const connection = await MqttConnection.open(options, receive, signal);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_MS)]);
  limit.addEventListener('abort', () => enough.resolve());
  try {
    await connection.subscribe({ filter, qos: 0 }, signal);
    await Promise.race([enough.promise, connection.ended]);
    signal.throwIfAborted();
  } finally {
    await connection.close();
  }
}
