import { IntegrationError } from '../../../model/errors';
import type { IncomingMessage } from '../../../protocols/mqtt/options';
import { guessPayload, type PayloadCodec } from '../../../protocols/mqtt/payload';
import type { SourceRecord } from '../../contract';
import type { TagValue } from '../../live';
import type { Topic } from './settings';

/** What a record says about its message. Never part of what is published. */
export const ABOUT_MESSAGE = [
  '_topic',
  '_qos',
  '_retain',
  '_duplicate',
  '_received_at',
  '_expiry_s',
  '_content_type',
  '_response_topic',
  '_correlation_data',
  '_user_properties',
  '_error',
] as const;

/**
 * The records of one message: the object in its payload, one record for each object of a list, and `value` for all else.
 * What cannot be decoded is given as it came, with `_error`: it is rejected where it is used, and never lost.
 * @param now ISO 8601
 */
export function recordsOf(message: IncomingMessage, topic: Topic, codec: PayloadCodec, now: string): SourceRecord[] {
  const about = aboutMessage(message, now);
  const fields = topic.pattern.fieldsOf(message.topic);
  try {
    const payload = decoded(message, topic, codec);
    const parts = Array.isArray(payload) && payload.length > 0 && payload.every(isObject) ? payload : [payload];
    return parts.map((part) => ({ ...fields, ...(isObject(part) ? part : { value: part }), ...about }));
  } catch (thrown) {
    const { code, message: text } = IntegrationError.from(thrown);
    return [{ ...fields, value: guessPayload(message.payload), ...about, _error: { code, message: text } }];
  }
}

/** The payload as the value of a tag named by its topic. */
export function tagValueOf(message: IncomingMessage, topic: Topic, codec: PayloadCodec, now: string): TagValue {
  const about = aboutMessage(message, now);
  const base = { tag: message.topic, source_timestamp: null, received_at: now, ...about };
  try {
    return { ...base, value: decoded(message, topic, codec), quality: 'good' };
  } catch (thrown) {
    return { ...base, value: null, quality: 'bad', status: IntegrationError.from(thrown).code };
  }
}

function decoded({ payload }: IncomingMessage, { setting }: Topic, codec: PayloadCodec): unknown {
  return setting === undefined ? guessPayload(payload) : codec.decode(payload, setting.format ?? 'json');
}

function aboutMessage({ topic, qos, retain, duplicate, properties }: IncomingMessage, now: string): SourceRecord {
  const about: SourceRecord = {
    _topic: topic,
    _qos: qos,
    _retain: retain,
    _duplicate: duplicate,
    _received_at: now,
  };
  const { expirySeconds, contentType, responseTopic, correlationData, userProperties } = properties;
  if (expirySeconds !== undefined) about._expiry_s = expirySeconds;
  if (contentType !== undefined) about._content_type = contentType;
  if (responseTopic !== undefined) about._response_topic = responseTopic;
  if (correlationData !== undefined) about._correlation_data = correlationData.toString('base64');
  if (userProperties !== undefined) about._user_properties = userProperties;
  return about;
}

function isObject(value: unknown): value is SourceRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
