import { MqttConnection } from '../../../protocols/mqtt/connection';
import type { MqttOptions } from '../../../protocols/mqtt/options';
import type { TestDetail, TestReport } from '../../contract';
import { type FailureRules, type Steps, stepByStep } from '../../step-by-step';

const RULES: FailureRules = {
  timeout: {
    code: 'PCP_MQTT_TIMEOUT',
    hint: 'Look whether the broker is overloaded, and whether a firewall swallows the connection.',
  },
  failedStep({ class: errorClass, code }, current) {
    if (code === 'PCP_CONNECT_HOST_UNKNOWN') return 'resolve';
    if (code.startsWith('PCP_TLS_')) return 'tls';
    if (code.startsWith('PCP_CONNECT_') || code === 'PCP_MQTT_PROTOCOL' || code === 'PCP_MQTT_WEBSOCKET')
      return 'connect';
    return errorClass === 'permission' ? 'authorise' : current;
  },
};

/**
 * Tries a connection step by step and stops at the first that fails: a client of its own signs in and subscribes to every
 * topic, outside of any group, so that the messages of others are not taken away.
 * @param open reads the settings; may throw
 */
export function testConnection(
  open: () => { filters: string[]; options: MqttOptions },
  signal: AbortSignal,
): Promise<TestReport> {
  const subscribe = async (steps: Steps, limit: AbortSignal): Promise<void> => {
    const { filters, options } = open();
    steps.begin('authenticate');
    const ignore = (message: { acknowledge(): void }) => message.acknowledge();
    const connection = await MqttConnection.open(options, ignore, limit);
    try {
      const { server, tls } = connection;
      steps.pass('resolve', server.hostname);
      steps.pass('connect', server.host);
      if (tls !== undefined) steps.pass('tls', tls);
      steps.pass('authenticate', signedInAs(options, tls !== undefined));
      for (const filter of filters) await connection.subscribe({ filter, qos: 0, retained: 'skip' }, limit);
      steps.pass('authorise', {
        'en-US': `${filters.length} topics granted`,
        'pt-BR': `${filters.length} tópicos concedidos`,
      });
    } finally {
      await connection.close();
    }
  };
  return stepByStep(subscribe, RULES, signal);
}

function signedInAs({ username, clientId }: MqttOptions, isEncrypted: boolean): TestDetail {
  if (username === undefined || isEncrypted) return username ?? clientId;
  return {
    'en-US': `${username}; the password goes over the network unencrypted, mqtts: or wss: would protect it`,
    'pt-BR': `${username}; a senha passa pela rede sem criptografia, mqtts: ou wss: a protegeria`,
  };
}
