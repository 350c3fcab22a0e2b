import { createHash, randomBytes } from 'node:crypto';
import type { OpenConnection } from '../../../model/connection';
import { IntegrationError } from '../../../model/errors';
import type { MqttOptions } from '../../../protocols/mqtt/options';
import type { PayloadFormat } from '../../../protocols/mqtt/payload';
import { checkFilter, covers, type TopicPattern, topicPattern } from '../../../protocols/mqtt/topic';
import { writeRefused } from '../../write-refused';
import { checked, integer, invalid, text } from '../setting-values';
import { hubClientId } from './client-id';
import { readSparkplug, type SparkplugSettings } from './sparkplug-settings';
import { TOPICS_SCHEMA, WILL_SCHEMA } from './topics-schema';

export interface PublishSetting {
  qos?: 1 | 2;
  retain?: boolean;
  value?: string;
  numbers?: string[];
  expiry_s?: number;
  content_type?: string;
  response_topic?: string;
  correlation_data?: string;
  user_properties?: Record<string, string>;
  idempotency_property?: string;
  queue?: boolean;
  repeatable?: boolean;
}

interface TopicSetting {
  topic: string;
  format?: PayloadFormat;
  qos?: 0 | 1 | 2;
  retained?: 'keep' | 'new' | 'skip';
  group?: string;
  own_connection?: boolean;
  key?: string[];
  publish?: PublishSetting;
}

/** An entity: an entry of "topics", or a topic by its own name. */
export interface Topic {
  name: string;
  /** Absent for a topic by its own name, whose payloads are what they look like. */
  setting?: TopicSetting;
  pattern: TopicPattern;
  publish: PublishSetting;
}

/** An entry of `writable`: topics or tags, with bounds of the values where it has some. */
export interface WriteRule {
  filter: string;
  min?: number;
  max?: number;
}

interface WillSetting {
  topic: string;
  payload?: string;
  qos?: 0 | 1 | 2;
  retain?: boolean;
  delay_s?: number;
  expiry_s?: number;
}

/** Who connects: what subscribes keeps the client id and its session, others must not take it over. */
export type Role = 'subscribe' | 'publish' | 'test' | 'sample' | 'sparkplug' | 'sparkplug-edge';

export interface MqttSettings {
  topics: ReadonlyMap<string, Topic>;
  writesEnabled: boolean;
  writable: readonly WriteRule[];
  timeoutMs: number;
  receiveMaximum: number;
  /** How many brokers there are to choose from. */
  servers: number;
  sparkplug: SparkplugSettings;
  /** @param own topic that is listened to over a connection of its own */
  optionsFor(role: Role, onProblem: MqttOptions['onProblem'], own?: string): MqttOptions;
}

const HOUR = 3600;
const SPARKPLUG_TOPICS = 'spBv1.0/#';
const PROTOCOLS = ['mqtt:', 'mqtts:', 'ws:', 'wss:'];

/**
 * @param directory the hub's own; without it, and without a client id, there is none that would be the same next time
 * @throws config PCP_SETTING_INVALID, PCP_MQTT_TOPIC with the path of the setting
 */
export function readSettings(connection: OpenConnection, directory?: string): MqttSettings {
  const { config } = connection;
  const topics = checked<Record<string, TopicSetting>>('topics', config.topics ?? {}, TOPICS_SCHEMA);
  const entries = Object.entries(topics).map(([name, setting]): [string, Topic] => {
    const pattern = topicPattern(setting.topic, `/config/topics/${name}/topic`);
    if (setting.publish?.queue === true && covers(SPARKPLUG_TOPICS, pattern.filter)) {
      throw invalid(
        `topics/${name}/publish/queue`,
        'off for topics of Sparkplug: a command that comes late moves a machine',
      );
    }
    return [name, { name, setting, pattern, publish: setting.publish ?? {} }];
  });
  const writable = (Array.isArray(config.writable) ? config.writable : []).map(
    (rule: WriteRule | string): WriteRule => (typeof rule === 'string' ? { filter: rule } : rule),
  );
  for (const { filter } of writable) checkFilter(filter, '/config/writable');
  const timeoutMs = integer(config.timeout_ms) ?? 8000;
  const receiveMaximum = integer(config.receive_maximum) ?? 1000;
  const base = readOptions(connection, timeoutMs, receiveMaximum);
  const lasting = () =>
    text(config.client_id) ??
    // Values that were never saved have no id.
    (directory !== undefined && connection.id > 0 ? `${hubClientId(directory)}-${connection.id}` : undefined);
  return {
    topics: new Map(entries),
    writesEnabled: config.writes_enabled === true,
    writable,
    timeoutMs,
    receiveMaximum,
    servers: base.servers.length,
    sparkplug: readSparkplug(connection),
    optionsFor: (role, onProblem, own) => {
      const clientId = lasting() ?? `pcp-${randomBytes(6).toString('hex')}`;
      // A session whose id nobody has again would only collect messages.
      const sessionExpirySeconds = lasting() === undefined ? 0 : (integer(config.session_expiry_s) ?? HOUR);
      if (role === 'subscribe' && own === undefined) return { ...base, clientId, sessionExpirySeconds, onProblem };
      const { will: _, ...others } = base;
      if (own !== undefined)
        return { ...others, clientId: `${clientId}-${digest(own)}`, sessionExpirySeconds, onProblem };
      const part = role.startsWith('sparkplug') ? role : `${role}-${randomBytes(3).toString('hex')}`;
      return { ...others, clientId: `${clientId}-${part}`, sessionExpirySeconds: 0, onProblem };
    },
  };
}

/** @throws config PCP_ENTITY_UNKNOWN */
export function resolveTopic(name: string, { topics }: MqttSettings): Topic {
  const known = topics.get(name);
  if (known !== undefined) return known;
  if (name.includes('/') || name === '#' || name === '+') {
    return { name, pattern: topicPattern(name, '/source_entity'), publish: {} };
  }
  throw new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', `"${name}" is not a topic of the connection.`, {
    path: '/source_entity',
    hint: `Add it to "topics" of the connection, or give a topic with "/". There are: ${[...topics.keys()].join(', ') || 'none yet'}.`,
  });
}

/** @throws permission PCP_WRITE_REFUSED, config PCP_NOT_WRITABLE */
export function checkPublishable(topic: Topic, { writesEnabled, writable }: MqttSettings): void {
  if (!topic.pattern.isPublishable) {
    throw new IntegrationError(
      'config',
      'PCP_NOT_WRITABLE',
      `"${topic.name}" has wildcards and cannot be published to.`,
      {
        path: '/config/topics',
        hint: 'Name the levels by fields of the record, as in "plant/{line}/order".',
      },
    );
  }
  const isAllowed =
    writable.length > 0
      ? writable.some((rule) => !hasBounds(rule) && covers(rule.filter, topic.pattern.filter))
      : topic.setting !== undefined;
  const what = `"${topic.name}"`;
  if (!writesEnabled) {
    throw writeRefused(what, '/config/writes_enabled', 'Turn "writes_enabled" on in the connection.');
  }
  if (!isAllowed) throw writeRefused(what, '/config/writable', 'Add the topic to "writable" of the connection.');
}

/** Such a rule is about the values of tags, not about what is published to topics. */
export function hasBounds({ min, max }: WriteRule): boolean {
  return min !== undefined || max !== undefined;
}

function readOptions(
  { config, credentials }: OpenConnection,
  timeoutMs: number,
  receiveMaximum: number,
): Omit<MqttOptions, 'clientId' | 'sessionExpirySeconds' | 'onProblem'> {
  const will = config.will === undefined ? undefined : checked<WillSetting>('will', config.will, WILL_SCHEMA);
  const optional = {
    username: text(config.username),
    password: text(credentials.password),
    will: will === undefined ? undefined : willOf(will),
  };
  const tls = {
    ca: text(config.tls_ca),
    servername: text(config.tls_servername),
    alpn: text(config.tls_alpn),
    certificate: text(credentials.certificate),
    privateKey: text(credentials.private_key),
    passphrase: text(credentials.passphrase),
  };
  return {
    servers: readServers(text(config.url)),
    version: config.protocol_version === '3.1.1' ? 4 : 5,
    ...defined(optional),
    tls: defined(tls),
    keepaliveSeconds: integer(config.keepalive_s) ?? 30,
    receiveMaximum,
    maxMessageBytes: integer(config.max_message_bytes) ?? 1_048_576,
    timeoutMs,
  };
}

function willOf({ topic, payload = '', qos = 0, retain = false, delay_s, expiry_s }: WillSetting): MqttOptions['will'] {
  return {
    topic,
    payload: Buffer.from(payload),
    qos,
    retain,
    ...(delay_s !== undefined && { delaySeconds: delay_s }),
    ...(expiry_s !== undefined && { properties: { expirySeconds: expiry_s } }),
  };
}

function readServers(list: string | undefined): URL[] {
  const texts = (list ?? '').split(',').map((one) => one.trim());
  return texts.map((one) => {
    const url = URL.canParse(one) ? new URL(one) : undefined;
    if (url === undefined || !PROTOCOLS.includes(url.protocol) || url.hostname === '') {
      throw invalid('url', 'a URL as mqtts://broker.example.com:8883');
    }
    // A secret in a setting could be read by everybody.
    if (url.username !== '' || url.password !== '') throw invalid('url', 'without user and password');
    return url;
  });
}

/** The same each time, so that the broker finds the session again. */
function digest(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 8);
}

/** Without the members that are undefined. */
function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
