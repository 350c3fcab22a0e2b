import type { EntityInfo } from '../../../model/entity';
import { MqttConnection } from '../../../protocols/mqtt/connection';
import type { IncomingMessage, MqttOptions } from '../../../protocols/mqtt/options';
import { loadPayloadCodec } from '../../../protocols/mqtt/payload';
import type { EntityDescription } from '../../contract';
import { propertiesOf } from '../../sample-schema';
import { recordsOf } from './record';
import type { MqttSettings, Topic } from './settings';

const SAMPLE_MESSAGES = 50;
const SAMPLE_MS = 2500;

export function topicInfo({ name, setting, pattern }: Topic, { writesEnabled }: MqttSettings): EntityInfo {
  return {
    name,
    kind: 'topic',
    key: setting?.key ?? [],
    readable: true,
    writable: writesEnabled && pattern.isPublishable,
  };
}

/** Fields as the messages show them that come within moments: those retained, and the frequent ones. */
export async function describeTopic(
  topic: Topic,
  settings: MqttSettings,
  options: MqttOptions,
  signal: AbortSignal,
): Promise<EntityDescription> {
  const codec = await loadPayloadCodec([topic.setting?.format ?? 'json']);
  const messages = await sample(topic.pattern.filter, options, signal);
  const records = messages.flatMap((message) => recordsOf(message, topic, codec, new Date()));
  return { info: topicInfo(topic, settings), schema: { type: 'object', properties: propertiesOf(records) } };
}

/** By a connection of its own, and outside of any group: nobody else misses what is taken here. */
async function sample(filter: string, options: MqttOptions, signal: AbortSignal): Promise<IncomingMessage[]> {
  const messages: IncomingMessage[] = [];
  const enough = Promise.withResolvers<void>();
  const receive = (message: IncomingMessage) => {
    message.acknowledge();
    if (messages.push(message) >= SAMPLE_MESSAGES) enough.resolve();
  };
  const connection = await MqttConnection.open(options, receive, signal);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(SAMPLE_MS)]);
  limit.addEventListener('abort', () => enough.resolve());
  try {
    await connection.subscribe({ filter, qos: 0 }, signal);
    await Promise.race([enough.promise, connection.ended]);
    signal.throwIfAborted();
    return messages;
  } finally {
    await connection.close();
  }
}
