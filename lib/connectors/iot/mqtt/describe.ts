import type { EntityInfo } from '../../../model/entity';
import type { IncomingMessage, MqttOptions } from '../../../protocols/mqtt/options';
import { loadPayloadCodec } from '../../../protocols/mqtt/payload';
import type { EntityDescription } from '../../contract';
import { propertiesOf } from '../../sample-schema';
import { recordsOf } from './record';
import { sample } from './sample';
import type { MqttSettings, Topic } from './settings';

const SAMPLE_MESSAGES = 50;

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
  const messages: IncomingMessage[] = [];
  const take = (message: IncomingMessage) => messages.push(message) < SAMPLE_MESSAGES;
  await sample(topic.pattern.filter, take, options, signal);
  const records = messages.flatMap((message) => recordsOf(message, topic, codec, new Date().toISOString()));
  return { info: topicInfo(topic, settings), schema: { type: 'object', properties: propertiesOf(records) } };
}
