import type { IntegrationError } from '../model/errors';
import type { HttpClient } from '../protocols/http/client';
import type { TestReport, TestStepName } from './contract';
import { type Steps, stepByStep } from './step-by-step';

/** What to do about failures that do not say it themselves. */
export interface HttpTestHints {
  timeout: string;
  other: string;
}

/**
 * Tries a connection by HTTP: its address, the handshake, then what is to be read there.
 * @param open reads the settings and opens the client; may throw
 */
export function testHttp<T extends { client: HttpClient }>(
  open: () => T,
  read: (opened: T, steps: Steps, signal: AbortSignal) => Promise<void>,
  hints: HttpTestHints,
  signal: AbortSignal,
): Promise<TestReport> {
  const walk = async (steps: Steps, limit: AbortSignal): Promise<void> => {
    const opened = open();
    const { address, tls } = await opened.client.probe(limit);
    steps.pass('resolve', address);
    steps.pass('connect', address);
    if (tls !== undefined) steps.pass('tls', tls);
    steps.begin('read');
    await read(opened, steps, limit);
  };
  const rules = { timeout: { code: 'PCP_HTTP_TIMEOUT', hint: hints.timeout }, hint: hints.other, failedStep };
  return stepByStep(walk, rules, signal);
}

function failedStep({ class: errorClass, code }: IntegrationError, current: TestStepName): TestStepName {
  if (code === 'PCP_CONNECT_HOST_UNKNOWN' || code === 'PCP_ADDRESS_REFUSED') return 'resolve';
  if (code.startsWith('PCP_TLS_')) return 'tls';
  if (code.startsWith('PCP_CONNECT_')) return 'connect';
  if (errorClass === 'auth') return 'authenticate';
  return errorClass === 'permission' ? 'authorise' : current;
}
