import type { IncomingMessage, TopicSubscription } from '../../../protocols/mqtt/options';
import { loadPayloadCodec } from '../../../protocols/mqtt/payload';
import type { Consumer, MqttSession } from '../../../protocols/mqtt/session';
import { matches } from '../../../protocols/mqtt/topic';
import type { ConnectorEnvironment, SourceRecord } from '../../contract';
import type { LiveEvent, Subscription } from '../../live';
import { MessageQueue } from './message-queue';
import { recordsOf, tagValueOf } from './record';
import { type MqttSettings, resolveTopic, type Topic } from './settings';

const MOST_MESSAGES = 500;

/** The messages of an entity as its records, or those of topics as values of tags. */
export async function* subscribeTo(
  subscription: Subscription,
  settings: MqttSettings,
  open: (signal: AbortSignal, own: string | undefined) => Promise<MqttSession>,
  log: ConnectorEnvironment['log'],
  signal: AbortSignal,
): AsyncGenerator<LiveEvent> {
  const { entity, items = [] } = subscription;
  const names = entity === undefined ? items.map(({ tag }) => tag) : [entity];
  const topics = names.map((name) => resolveTopic(name, settings));
  const codec = await loadPayloadCodec(topics.map(({ setting }) => setting?.format ?? 'json'));
  const [only] = topics.length === 1 ? topics : [];
  const toRecords = (message: IncomingMessage, now: string): SourceRecord[] => {
    const topic = only ?? topics.find(({ pattern }) => matches(pattern.filter, message.topic)) ?? topics[0]!;
    return entity === undefined ? [tagValueOf(message, topic, codec, now)] : recordsOf(message, topic, codec, now);
  };

  const queue = new MessageQueue((count) => {
    const what = `messages of QoS 0 of ${names.join(', ')} come faster than they are taken`;
    log('warn', count === 0 ? `${what}: some are left out.` : `${what}: ${count} were left out.`);
  });
  let news: LiveEvent | undefined;
  const consumer: Consumer = {
    heldUp: (error) => {
      news = error === null ? { kind: 'state', state: 'connected' } : { kind: 'state', state: 'interrupted', error };
      queue.interrupt();
    },
    subscriptions: topics.map(subscriptionOf),
    receive: (message) => {
      if (message.retain && isUnwanted(topics, message.topic)) message.acknowledge();
      else queue.push(message);
    },
  };
  const stop = () => queue.end(null);
  signal.addEventListener('abort', stop, { once: true });
  let session: MqttSession | undefined;
  try {
    session = await open(signal, only?.setting?.own_connection ? only.name : undefined);
    void session.connection.ended.then((error) => queue.end(error));
    await session.add(consumer, signal);
    yield { kind: 'state', state: 'connected' };
    for (;;) {
      const messages = await queue.take(MOST_MESSAGES);
      if (messages === null) return;
      const told = news;
      news = undefined;
      if (told !== undefined) yield told;
      if (messages.length === 0) continue;
      const now = new Date().toISOString();
      for (const together of takenTogether(messages)) {
        const records = together.flatMap((message) => toRecords(message, now));
        const acknowledge = () => {
          for (const message of together) message.acknowledge();
        };
        const [{ delivery } = {}] = together;
        yield {
          kind: 'records',
          records,
          // Where the broker waits for nothing, nothing can be held back.
          ...(together.some(({ qos }) => qos > 0) && { acknowledge }),
          ...(delivery !== undefined && { delivery }),
        };
      }
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  } finally {
    signal.removeEventListener('abort', stop);
    session?.remove(consumer);
  }
}

/** What is to be taken exactly once is taken by itself. */
function takenTogether(messages: IncomingMessage[]): IncomingMessage[][] {
  const groups: IncomingMessage[][] = [];
  for (const message of messages) {
    const last = groups.at(-1);
    if (last === undefined || message.delivery !== undefined || last[0]?.delivery !== undefined) groups.push([message]);
    else last.push(message);
  }
  return groups;
}

function subscriptionOf({ pattern, setting }: Topic): TopicSubscription {
  const filter = setting?.group === undefined ? pattern.filter : `$share/${setting.group}/${pattern.filter}`;
  const retained = setting?.group === undefined ? setting?.retained : undefined;
  return { filter, qos: setting?.qos ?? 1, ...(retained !== undefined && { retained }) };
}

/** For MQTT 3.1.1, whose brokers cannot be told. */
function isUnwanted(topics: readonly Topic[], topic: string): boolean {
  return topics.some(({ pattern, setting }) => setting?.retained === 'skip' && matches(pattern.filter, topic));
}
