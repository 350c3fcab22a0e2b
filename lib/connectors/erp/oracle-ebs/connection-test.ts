import { lookup } from 'node:dns/promises';
import { abortable } from '../../../abortable';
import { IntegrationError } from '../../../model/errors';
import { networkError, place } from '../../../protocols/sql/errors';
import type { TestDetail, TestReport, TestStepName } from '../../contract';
import type { LocalizedText } from '../../descriptor';
import { type Steps, stepByStep } from '../../step-by-step';
import { unansweredOf, withUnanswered } from '../unanswered';
import type { Opened } from './connector';

/** Steps that the two ways to E-Business Suite have in common, with what each says of it. */
type Passed = Partial<Record<TestStepName, string[]>>;

/**
 * Tries a connection step by step and stops at the first that fails: the database, the gateway, then every entity. One that
 * can be read is enough; those that cannot are told.
 * @param open opens both for this test alone; may throw
 */
export function testConnection(open: () => Promise<Opened>, signal: AbortSignal): Promise<TestReport> {
  const rules = {
    timeout: {
      code: 'PCP_SQL_TIMEOUT',
      hint: 'Look whether a firewall or the load of the server holds the answer up.',
    },
    hint: 'Look at the log of the database or of the gateway (oafm) for details.',
    failedStep,
  };
  return stepByStep((steps, limit) => abortable(walk(open, steps, limit), limit), rules, signal);
}

async function walk(open: () => Promise<Opened>, steps: Steps, signal: AbortSignal): Promise<void> {
  const opened = await open();
  try {
    const passed: Passed = {};
    await reachDatabase(opened, passed, steps);
    await reachGateway(opened, passed, steps, signal);
    signal.throwIfAborted();
    for (const name of ['resolve', 'connect', 'tls', 'authenticate'] as const) {
      if (passed[name] !== undefined) steps.pass(name, passed[name].join(', '));
    }
    steps.begin('read');
    await readEntities(opened, steps, signal);
  } finally {
    // A server that does not answer does not answer the farewell either.
    opened.close().catch(() => undefined);
  }
}

async function reachDatabase({ settings, catalogue }: Opened, passed: Passed, steps: Steps): Promise<void> {
  const options = settings.database;
  if (options === undefined || catalogue === undefined) return;
  const found = await lookup(options.host ?? '').catch((thrown: unknown) => {
    throw networkError(thrown, options) ?? thrown;
  });
  steps.begin('connect');
  await catalogue.database.now().catch((thrown: unknown) => {
    throw inOurFields(IntegrationError.from(thrown));
  });
  add(passed, 'resolve', found.address);
  add(passed, 'connect', place(options));
  if (options.ssl !== undefined) add(passed, 'tls', place(options));
  add(passed, 'authenticate', String(options.username));
}

/** The password is another field here than in a connection to a database alone. */
function inOurFields(error: IntegrationError): IntegrationError {
  if (error.path !== '/credentials/password') return error;
  return IntegrationError.fromJSON({ ...error.toJSON(), path: '/credentials/database_password' });
}

async function reachGateway({ gateway }: Opened, passed: Passed, steps: Steps, signal: AbortSignal): Promise<void> {
  if (gateway === undefined) return;
  const { address, tls } = await gateway.client.probe(signal);
  add(passed, 'resolve', address);
  add(passed, 'connect', address);
  if (tls !== undefined) add(passed, 'tls', tls);
  steps.begin('authenticate');
  await gateway.session.signIn(signal);
  add(passed, 'authenticate', 'ISG');
}

async function readEntities({ catalogue }: Opened, steps: Steps, signal: AbortSignal): Promise<void> {
  if (catalogue === undefined) {
    steps.pass('authorise', 'ISG');
    steps.pass('read', NO_DATABASE);
    return;
  }
  const infos = await catalogue.list(signal);
  signal.throwIfAborted();
  const readable = infos.filter((info) => info.readable).map(({ name }) => name);
  const unanswered = unansweredOf(infos);
  steps.pass('authorise', readable.join(', '));
  steps.pass('read', withUnanswered(told(readable.length), unanswered), unanswered);
}

const NO_DATABASE: TestDetail = {
  'en-US': 'services can be called; without a database there are no entities to read',
  'pt-BR': 'serviços podem ser chamados; sem banco de dados não há entidades para ler',
};

function told(readable: number): LocalizedText {
  return { 'en-US': `${readable} entities can be read`, 'pt-BR': `${readable} entidades podem ser lidas` };
}

function add(passed: Passed, name: TestStepName, detail: string): void {
  passed[name] = [...(passed[name] ?? []), detail];
}

/** The drivers do several steps at once; the error tells which one failed. */
function failedStep({ class: errorClass, code }: IntegrationError, current: TestStepName): TestStepName {
  if (code === 'PCP_CONNECT_HOST_UNKNOWN' || code === 'PCP_ADDRESS_REFUSED' || code.startsWith('PCP_SETTING_'))
    return 'resolve';
  if (code.startsWith('PCP_TLS_')) return 'tls';
  if (code.startsWith('PCP_CONNECT_')) return 'connect';
  if (errorClass === 'auth') return 'authenticate';
  return errorClass === 'permission' || code === 'PCP_SQL_DATABASE_UNKNOWN' ? 'authorise' : current;
}
