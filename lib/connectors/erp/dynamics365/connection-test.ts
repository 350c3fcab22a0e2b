import type { OpenConnection } from '../../../model/connection';
import type { IntegrationError } from '../../../model/errors';
import type { HttpClient } from '../../../protocols/http/client';
import type { TestDetail, TestReport } from '../../contract';
import { testHttp } from '../../http-test';
import type { Steps } from '../../step-by-step';
import type { Catalogue } from './catalogue';
import type { Messages } from './messages';
import { PRESETS } from './presets';
import { DEFAULTS, type DynamicsSettings } from './settings';

const HINTS = {
  timeout: 'Look whether the environment is in maintenance, or busy (Lifecycle Services).',
  other: 'Open the same address in a browser, and ask whoever administers the environment.',
};

export interface Opened {
  client: HttpClient;
  settings: DynamicsSettings;
  catalogue: Catalogue;
  messages: Messages;
}

/**
 * Tries a connection step by step and stops at the first that fails: the address, the handshake, then one record of every
 * entity of the plant. One that answers is enough, and those that do not are told; what the connection names itself has to.
 * @param open reads the settings and opens the client; may throw
 */
export function testConnection(
  connection: OpenConnection,
  open: () => Opened,
  signal: AbortSignal,
): Promise<TestReport> {
  const readEntities = async ({ catalogue, settings }: Opened, steps: Steps, limit: AbortSignal): Promise<void> => {
    const own = settings.messageLog?.entity_set;
    const asked = await askEntities(catalogue, own, limit);
    const answering = asked.filter(({ error }) => error === undefined);
    const failed = asked.find(({ set, error }) => error !== undefined && set === own);
    const worst = asked.find(({ error }) => error?.class === 'auth') ?? failed ?? asked[0];
    if (worst?.error !== undefined && (worst.error.class === 'auth' || failed || answering.length === 0)) {
      throw worst.error;
    }
    steps.pass('authenticate', String(connection.config.authentication || DEFAULTS.authentication));
    steps.pass('authorise', answering.map(({ set }) => set).join(', '));
    steps.pass('read', told(asked));
  };
  return testHttp(open, readEntities, HINTS, signal);
}

interface Asked {
  set: string;
  found: number;
  error?: IntegrationError;
}

async function askEntities(catalogue: Catalogue, own: string | undefined, signal: AbortSignal): Promise<Asked[]> {
  const ask = async (set: string): Promise<Asked> => {
    try {
      return { set, found: await catalogue.ask(set, signal) };
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      return { set, found: 0, error: thrown as IntegrationError };
    }
  };
  const [first = '', ...others] = [...PRESETS.map(({ set }) => set), ...(own === undefined ? [] : [own])];
  const asked = await ask(first);
  // Whatever keeps the first from answering would only be told nine times.
  if (asked.error?.class === 'auth' || asked.error?.class === 'transient') return [asked];
  return [asked, ...(await Promise.all(others.map(ask)))];
}

function told(asked: readonly Asked[]): TestDetail {
  const silent = asked.filter(({ error }) => error !== undefined).map(({ set, error }) => `${set} (${error?.code})`);
  const empty = asked.filter(({ error, found }) => error === undefined && found === 0).map(({ set }) => set);
  const both = (label: string, names: readonly string[]) =>
    names.length === 0 ? '' : `; ${label}: ${names.join(', ')}`;
  const answering = asked.length - silent.length;
  return {
    'en-US': `${answering} entities answer${both('without records', empty)}${both('without an answer', silent)}`,
    'pt-BR': `${answering} entidades respondem${both('sem registros', empty)}${both('sem resposta', silent)}`,
  };
}
