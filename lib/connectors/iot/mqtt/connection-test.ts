import { IntegrationError } from '../../../model/errors';
import { MqttConnection } from '../../../protocols/mqtt/connection';
import type { MqttOptions } from '../../../protocols/mqtt/options';
import type { TestDetail, TestReport, TestStep, TestStepName } from '../../contract';

/** All steps together; the contract allows 10 s. */
const LIMIT_MS = 9000;

/**
 * Tries a connection step by step and stops at the first that fails: a client of its own signs in and subscribes to every
 * topic, outside of any group, so that the messages of others are not taken away.
 * @param open reads the settings; may throw
 */
export async function testConnection(
  open: () => { filters: string[]; options: MqttOptions },
  signal: AbortSignal,
): Promise<TestReport> {
  const started = performance.now();
  const steps: TestStep[] = [];
  const pass = (name: TestStepName, detail: TestStep['detail']) =>
    steps.push({ name, ok: true, ...(detail !== undefined && { detail }) });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  let connection: MqttConnection | undefined;
  let step: TestStepName = 'resolve';
  try {
    const { filters, options } = open();
    step = 'authenticate';
    const ignore = (message: { acknowledge(): void }) => message.acknowledge();
    connection = await MqttConnection.open(options, ignore, limit);
    const { server, tls } = connection;
    pass('resolve', server.hostname);
    pass('connect', server.host);
    if (tls !== undefined) pass('tls', tls);
    pass('authenticate', signedInAs(options, tls !== undefined));
    for (const filter of filters) await connection.subscribe({ filter, qos: 0, retained: 'skip' }, limit);
    pass('authorise', {
      'en-US': `${filters.length} topics granted`,
      'pt-BR': `${filters.length} tópicos concedidos`,
    });
  } catch (thrown) {
    const error = explained(thrown, limit, signal);
    steps.push({ name: failedStep(error, step), ok: false, error: error.toJSON() });
  } finally {
    await connection?.close();
  }
  return { ok: steps.every(({ ok }) => ok), steps, duration_ms: Math.round(performance.now() - started) };
}

function signedInAs({ username, clientId }: MqttOptions, isEncrypted: boolean): TestDetail {
  if (username === undefined || isEncrypted) return username ?? clientId;
  return {
    'en-US': `${username}; the password goes over the network unencrypted, mqtts: or wss: would protect it`,
    'pt-BR': `${username}; a senha passa pela rede sem criptografia, mqtts: ou wss: a protegeria`,
  };
}

function explained(thrown: unknown, limit: AbortSignal, signal: AbortSignal): IntegrationError {
  if (limit.aborted && !signal.aborted) {
    return new IntegrationError('transient', 'PCP_MQTT_TIMEOUT', `No complete answer within ${LIMIT_MS / 1000} s.`, {
      hint: 'Look whether the broker is overloaded, and whether a firewall swallows the connection.',
    });
  }
  return IntegrationError.from(thrown);
}

function failedStep({ class: errorClass, code }: IntegrationError, step: TestStepName): TestStepName {
  if (code === 'PCP_CONNECT_HOST_UNKNOWN') return 'resolve';
  if (code.startsWith('PCP_TLS_')) return 'tls';
  if (code.startsWith('PCP_CONNECT_') || code === 'PCP_MQTT_PROTOCOL' || code === 'PCP_MQTT_WEBSOCKET')
    return 'connect';
  return errorClass === 'permission' ? 'authorise' : step;
}
