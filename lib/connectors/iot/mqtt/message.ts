import { IntegrationError } from '../../../model/errors';
import type { MessageProperties, OutgoingMessage } from '../../../protocols/mqtt/options';
import type { PayloadCodec } from '../../../protocols/mqtt/payload';
import type { WriteRecord } from '../../contract';
import { ABOUT_MESSAGE } from './record';
import type { PublishSetting, Topic } from './settings';

const PLACEHOLDER = /\{([A-Za-z_][\w.-]*)\}/g;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** In the language since ECMAScript 2025: text that `JSON.stringify` takes over as it is. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** The message that a record becomes. @throws data PCP_MQTT_TOPIC_VALUE, PCP_MQTT_NUMBER */
export function messageFor(record: WriteRecord, topic: Topic, codec: PayloadCodec): OutgoingMessage {
  const { publish, setting, pattern } = topic;
  const format = setting?.format ?? 'json';
  const name = publish.value ?? (format === 'json' || format === 'cbor' ? undefined : 'value');
  const value = name === undefined ? bodyOf(record.data, format === 'json' ? publish : {}) : record.data[name];
  return {
    topic: pattern.topicFor(record.data),
    payload: codec.encode(value, format),
    qos: publish.qos ?? 1,
    retain: publish.retain === true,
    properties: propertiesFor(record, publish, format === 'json' || format === 'text'),
  };
}

function bodyOf(data: Record<string, unknown>, { numbers = [] }: PublishSetting): Record<string, unknown> {
  const own = Object.entries(data).filter(([name]) => !(ABOUT_MESSAGE as readonly string[]).includes(name));
  return Object.fromEntries(own.map(([name, value]) => [name, numbers.includes(name) ? numeric(value, name) : value]));
}

function numeric(value: unknown, field: string): unknown {
  if (value === null || value === undefined || typeof value === 'number') return value;
  if (typeof value === 'string' && NUMBER.test(value)) return rawJSON(value);
  throw new IntegrationError('data', 'PCP_MQTT_NUMBER', `The field "${field}" is no number.`, {
    path: field,
    value,
    hint: 'Map it as decimal or integer, or take it out of "numbers" of the topic.',
  });
}

function propertiesFor(record: WriteRecord, publish: PublishSetting, isText: boolean): MessageProperties {
  const { expiry_s, content_type, response_topic, correlation_data, user_properties, idempotency_property } = publish;
  const fill = (template: string) =>
    template.replace(PLACEHOLDER, (_, name: string) => {
      const value = record.data[name];
      return value === null || value === undefined ? '' : String(value);
    });
  const user = Object.fromEntries(Object.entries(user_properties ?? {}).map(([name, value]) => [name, fill(value)]));
  if (idempotency_property !== undefined && record.idempotencyKey !== undefined) {
    user[idempotency_property] = record.idempotencyKey;
  }
  return {
    isText,
    ...(expiry_s !== undefined && { expirySeconds: expiry_s }),
    ...(content_type !== undefined && { contentType: content_type }),
    ...(response_topic !== undefined && { responseTopic: fill(response_topic) }),
    ...(correlation_data !== undefined && { correlationData: Buffer.from(fill(correlation_data)) }),
    ...(Object.keys(user).length > 0 && { userProperties: user }),
  };
}
