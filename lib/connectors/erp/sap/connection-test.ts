import type { OpenConnection } from '../../../model/connection';
import type { IntegrationError } from '../../../model/errors';
import type { HttpClient } from '../../../protocols/http/client';
import type { EntitySet } from '../../../protocols/odata/model';
import type { TestReport } from '../../contract';
import type { LocalizedText } from '../../descriptor';
import { testHttp } from '../../http-test';
import type { Steps } from '../../step-by-step';
import { unansweredOf, withUnanswered } from '../unanswered';
import type { Catalogue } from './catalogue';
import { inWordsOfSap } from './explain';
import type { Idocs } from './idocs';
import { PRESETS } from './presets';
import { DEFAULTS, type SapSettings } from './settings';

const HINTS = {
  timeout: 'Look whether the system is overloaded (transaction SM50).',
  other: 'Try the same address in a browser, and ask whoever administers the system.',
};

export interface Opened {
  client: HttpClient;
  settings: SapSettings;
  catalogue: Catalogue;
  idocs: Idocs;
}

/**
 * Tries a connection step by step and stops at the first that fails: the address, the handshake, then every service. What the
 * connection names itself has to answer; of the standard ones, one is enough, and the others are told.
 * @param open reads the settings and opens the client; may throw
 */
export function testConnection(
  connection: OpenConnection,
  open: () => Opened,
  signal: AbortSignal,
): Promise<TestReport> {
  const readServices = async ({ settings, catalogue }: Opened, steps: Steps, limit: AbortSignal): Promise<void> => {
    const asked = await askServices(catalogue, limit);
    const active = asked.filter(({ error }) => error === undefined);
    const failed = asked.find(({ name, error }) => error !== undefined && settings.own.includes(name));
    const worst = asked.find(({ error }) => error?.class === 'auth') ?? failed ?? asked[0];
    if (worst?.error !== undefined && (worst.error.class === 'auth' || failed !== undefined || active.length === 0)) {
      throw worst.error;
    }
    steps.pass('authenticate', String(connection.config.authentication || DEFAULTS.authentication));
    steps.pass('authorise', active.map(({ name }) => name).join(', '));
    const unanswered = unansweredOf(asked);
    steps.pass('read', withUnanswered(await readOne(catalogue, active, limit), unanswered), unanswered);
  };
  return testHttp(open, readServices, HINTS, signal);
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

async function readOne(catalogue: Catalogue, active: readonly Asked[], signal: AbortSignal): Promise<LocalizedText> {
  const isActive = (service: string) => active.some(({ name }) => name === service);
  const preset = PRESETS.find(({ service }) => isActive(service));
  const [other] = active;
  const model = other && (await catalogue.service(other.name).model(signal));
  const own =
    model &&
    [...model.entitySets.values()].find((set) => set.addressable && set.pageable && !set.isSingleton && isFree(set));
  const name = preset?.entity ?? (own === undefined ? undefined : `${other?.name}/${own.name}`);
  let found = 0;
  if (name !== undefined) {
    const { service, set } = await catalogue.resolve(name, signal);
    found = (await service.page(set, { top: 1 }, signal)).entities.length;
  }
  return {
    'en-US': `${name ?? '-'}: ${found === 0 ? 'no record yet' : 'a record was read'}`,
    'pt-BR': `${name ?? '-'}: ${found === 0 ? 'ainda sem registros' : 'um registro foi lido'}`,
  };
}

function isFree({ requiresFilter, requiredInFilter }: EntitySet): boolean {
  return !requiresFilter && requiredInFilter.length === 0;
}
