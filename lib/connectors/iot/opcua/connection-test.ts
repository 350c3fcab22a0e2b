import { IntegrationError } from '../../../model/errors';
import type { OpcUaClient } from '../../../protocols/opcua/client';
import { resolveHost } from '../../../protocols/opcua/endpoints';
import type { TestReport, TestStep, TestStepName } from '../../contract';
import { readNow } from './read-tags';
import type { OpcUaSettings } from './settings';

/** All steps together; the contract allows 10 s. */
const LIMIT_MS = 9000;

/**
 * Tries a connection step by step: the host, the server's certificate, the user, then a tag or the server's own state.
 * @param open reads the settings; may throw
 */
export async function testConnection(
  open: () => { client: OpcUaClient; settings: OpcUaSettings },
  signal: AbortSignal,
): Promise<TestReport> {
  const started = performance.now();
  const steps: TestStep[] = [];
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  let step: TestStepName = 'resolve';
  try {
    const { client, settings } = open();
    const { reverse, endpointUrl, timeoutMs } = settings;
    const address = reverse?.listenUrl ?? (await resolveHost(endpointUrl, timeoutMs, limit));
    steps.push({ name: 'resolve', ok: true, detail: address });
    step = 'connect';
    const { security } = await client.open(limit);
    steps.push({ name: 'connect', ok: true, detail: endpointUrl });
    steps.push({ name: 'tls', ok: true, detail: security });
    steps.push({ name: 'authenticate', ok: true, detail: settings.identity.type });
    step = 'read';
    const [first = 'i=2259'] = settings.tags.keys();
    const [value] = await readNow(client, settings, [first], limit);
    if (value?.quality === 'bad') throw unreadable(first, value.status ?? 'Bad');
    steps.push({ name: 'read', ok: true, detail: first });
  } catch (thrown) {
    const error = explained(thrown, limit, signal);
    steps.push({ name: failedStep(error, step), ok: false, error: error.toJSON() });
  }
  return { ok: steps.every(({ ok }) => ok), steps, duration_ms: Math.round(performance.now() - started) };
}

function explained(thrown: unknown, limit: AbortSignal, signal: AbortSignal): IntegrationError {
  if (limit.aborted && !signal.aborted) {
    return new IntegrationError(
      'transient',
      'PCP_CONNECT_TIMEOUT',
      `There was no complete answer within ${LIMIT_MS / 1000} s.`,
      {
        hint: 'Check host and port, and whether a firewall swallows the connection.',
      },
    );
  }
  return IntegrationError.from(thrown);
}

function unreadable(tag: string, status: string): IntegrationError {
  return new IntegrationError('config', 'PCP_OPCUA_UNREADABLE', `"${tag}" has no value (${status}).`, {
    path: '/config/tags',
    hint: 'Check the address of the tag: browse the server for what it has.',
  });
}

const SECURITY_CODE = /^PCP_OPCUA_(ENDPOINT|UNTRUSTED|CLIENT_UNTRUSTED|CERTIFICATE(_[A-Z]+)?)$/;

function failedStep({ class: errorClass, code }: IntegrationError, step: TestStepName): TestStepName {
  if (code === 'PCP_CONNECT_HOST_UNKNOWN') return 'resolve';
  if (SECURITY_CODE.test(code)) return 'tls';
  if (code === 'PCP_OPCUA_SIGN_IN') return 'authenticate';
  return errorClass === 'permission' ? 'authorise' : step;
}
