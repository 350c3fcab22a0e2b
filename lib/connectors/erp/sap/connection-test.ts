import type { OpenConnection } from '../../../model/connection';
import { IntegrationError } from '../../../model/errors';
import type { HttpClient } from '../../../protocols/http/client';
import type { TestDetail, TestReport, TestStep, TestStepName } from '../../contract';
import type { Catalogue } from './catalogue';
import { inWordsOfSap } from './explain';
import { PRESETS } from './presets';
import { DEFAULTS, type SapSettings } from './settings';

/** All steps together; the contract allows 10 s. */
const LIMIT_MS = 9000;

export interface Opened {
  client: HttpClient;
  settings: SapSettings;
  catalogue: Catalogue;
}

/**
 * Tries a connection step by step and stops at the first that fails: the address, the handshake, then every service. What the
 * connection names itself has to answer; of the standard ones, one is enough, and the others are told.
 * @param open reads the settings and opens the client; may throw
 */
export async function testConnection(
  connection: OpenConnection,
  open: () => Opened,
  signal: AbortSignal,
): Promise<TestReport> {
  const started = performance.now();
  const steps: TestStep[] = [];
  const pass = (name: TestStepName, detail: TestDetail) => steps.push({ name, ok: true, detail });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  let step: TestStepName = 'resolve';
  try {
    const { client, settings, catalogue } = open();
    const reached = await client.probe(limit);
    pass('resolve', reached.address);
    pass('connect', reached.address);
    if (reached.tls !== undefined) pass('tls', reached.tls);
    step = 'read';
    const asked = await askServices(catalogue, limit);
    const active = asked.filter(({ error }) => error === undefined);
    const failed = asked.find(({ name, error }) => error !== undefined && settings.own.includes(name));
    const worst = asked.find(({ error }) => error?.class === 'auth') ?? failed ?? asked[0];
    if (worst?.error !== undefined && (worst.error.class === 'auth' || failed !== undefined || active.length === 0)) {
      throw worst.error;
    }
    pass('authenticate', String(connection.config.authentication || DEFAULTS.authentication));
    pass('authorise', active.map(({ name }) => name).join(', '));
    pass('read', await readOne(catalogue, active, asked, limit));
  } catch (thrown) {
    const error = explained(thrown, limit, signal);
    steps.push({ name: failedStep(error, step), ok: false, error: error.toJSON() });
  }
  return { ok: steps.every(({ ok }) => ok), steps, duration_ms: Math.round(performance.now() - started) };
}

interface Asked {
  name: string;
  error?: IntegrationError;
}

async function askServices({ services }: Catalogue, signal: AbortSignal): Promise<Asked[]> {
  const ask = async ([name, service]: [
    string,
    { model(signal: AbortSignal): Promise<unknown>; options: { path: string } },
  ]) => {
    try {
      await service.model(signal);
      return { name };
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      return { name, error: inWordsOfSap(thrown, name, service.options.path) };
    }
  };
  const [first, ...others] = services;
  if (first === undefined) return [];
  const asked = await ask(first);
  // Every wrong password counts towards the lock of the user.
  if (asked.error?.class === 'auth' || asked.error?.class === 'transient') return [asked];
  return [asked, ...(await Promise.all(others.map(ask)))];
}

async function readOne(
  catalogue: Catalogue,
  active: readonly Asked[],
  asked: readonly Asked[],
  signal: AbortSignal,
): Promise<TestDetail> {
  const isActive = (service: string) => active.some(({ name }) => name === service);
  const preset = PRESETS.find(({ service }) => isActive(service));
  const [other] = active;
  const model = other && (await catalogue.service(other.name).model(signal));
  const own =
    model && [...model.entitySets.values()].find((set) => set.addressable && set.pageable && !set.isSingleton);
  const name = preset?.entity ?? (own === undefined ? undefined : `${other?.name}/${own.name}`);
  let found = 0;
  if (name !== undefined) {
    const { service, set } = await catalogue.resolve(name, signal);
    found = (await service.page(set, { top: 1 }, signal)).entities.length;
  }
  const missing = asked.filter(({ error }) => error !== undefined).map((each) => `${each.name} (${each.error?.code})`);
  const rest = missing.length === 0 ? '' : missing.join(', ');
  return {
    'en-US': `${name ?? '-'}: ${found === 0 ? 'no record yet' : 'a record was read'}${rest && `; without an answer: ${rest}`}`,
    'pt-BR': `${name ?? '-'}: ${found === 0 ? 'ainda sem registros' : 'um registro foi lido'}${rest && `; sem resposta: ${rest}`}`,
  };
}

function explained(thrown: unknown, limit: AbortSignal, signal: AbortSignal): IntegrationError {
  if (limit.aborted && !signal.aborted) {
    return new IntegrationError('transient', 'PCP_HTTP_TIMEOUT', `No complete answer within ${LIMIT_MS / 1000} s.`, {
      hint: 'Look whether the system is overloaded (transaction SM50).',
    });
  }
  const error = IntegrationError.from(thrown);
  if (error.hint !== undefined) return error;
  return IntegrationError.fromJSON({
    ...error.toJSON(),
    hint: 'Try the same address in a browser, and ask whoever administers the system.',
  });
}

function failedStep({ class: errorClass, code }: IntegrationError, step: TestStepName): TestStepName {
  if (code === 'PCP_CONNECT_HOST_UNKNOWN' || code === 'PCP_ADDRESS_REFUSED') return 'resolve';
  if (code.startsWith('PCP_TLS_')) return 'tls';
  if (code.startsWith('PCP_CONNECT_')) return 'connect';
  if (errorClass === 'auth') return 'authenticate';
  return errorClass === 'permission' ? 'authorise' : step;
}
