import type { IClientOptions, IClientSubscribeOptions, IPublishPacket } from 'mqtt';
import type { MessageProperties, MqttOptions, OutgoingMessage, TopicSubscription } from './options';

type Will = NonNullable<IClientOptions['will']>;

const RETAIN_HANDLING = { keep: 0, new: 1, skip: 2 };

/** The library's options: one connection, no reconnecting, nothing queued. */
export function connectPacketOf(options: MqttOptions): IClientOptions {
  const { version, clientId, username, password, will, sessionExpirySeconds, receiveMaximum, maxMessageBytes } =
    options;
  return {
    protocolId: 'MQTT',
    protocolVersion: version,
    clientId,
    clean: sessionExpirySeconds === 0,
    keepalive: options.keepaliveSeconds,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    // Whoever signs in has a time limit of his own.
    connectTimeout: 2 * options.timeoutMs,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(will !== undefined && { will: willOf(will, version) }),
    ...(version === 5 && {
      properties: {
        sessionExpiryInterval: sessionExpirySeconds,
        receiveMaximum,
        maximumPacketSize: maxMessageBytes,
        requestProblemInformation: true,
      },
    }),
  };
}

function willOf(will: OutgoingMessage & { delaySeconds?: number }, version: number): Will {
  const { topic, payload, qos, retain, properties = {}, delaySeconds } = will;
  const own = { ...propertiesOut(properties), ...(delaySeconds !== undefined && { willDelayInterval: delaySeconds }) };
  return { topic, payload, qos, retain, ...(version === 5 && { properties: own }) };
}

export function subscribeOptions(subscription: TopicSubscription, version: number): IClientSubscribeOptions {
  const { qos, retained = 'keep', id } = subscription;
  if (version !== 5) return { qos };
  return {
    qos,
    rh: RETAIN_HANDLING[retained],
    ...(id !== undefined && { properties: { subscriptionIdentifier: id } }),
  };
}

export function propertiesOut(properties: MessageProperties): NonNullable<IPublishPacket['properties']> {
  const { expirySeconds, contentType, isText, responseTopic, correlationData, userProperties } = properties;
  return {
    ...(expirySeconds !== undefined && { messageExpiryInterval: expirySeconds }),
    ...(contentType !== undefined && { contentType }),
    ...(isText === true && { payloadFormatIndicator: true }),
    ...(responseTopic !== undefined && { responseTopic }),
    ...(correlationData !== undefined && { correlationData }),
    ...(userProperties !== undefined && { userProperties }),
  };
}
