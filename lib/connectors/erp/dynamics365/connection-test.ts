import type { OpenConnection } from '../../../model/connection';
import type { HttpClient } from '../../../protocols/http/client';
import type { TestDetail, TestReport } from '../../contract';
import { testHttp } from '../../http-test';
import type { Steps } from '../../step-by-step';
import type { Application, Asked } from './application';
import { DEFAULTS, type DynamicsSettings } from './settings';

const HINTS = {
  timeout: 'Look whether the environment is in maintenance, or busy (Lifecycle Services).',
  other: 'Open the same address in a browser, and ask whoever administers the environment.',
};

export interface Opened {
  client: HttpClient;
  settings: DynamicsSettings;
  application: Application;
}

/**
 * Tries a connection step by step and stops at the first that fails: the address, the handshake, then what the application
 * asks for. One that answers is enough, and those that do not are told; what the connection names itself has to.
 * @param open reads the settings and opens the client; may throw
 */
export function testConnection(
  connection: OpenConnection,
  open: () => Opened,
  signal: AbortSignal,
): Promise<TestReport> {
  const readEntities = async ({ application }: Opened, steps: Steps, limit: AbortSignal): Promise<void> => {
    const asked = await application.ask(limit);
    const answering = asked.filter(({ error }) => error === undefined);
    const failed = asked.find(({ error, isOwn }) => error !== undefined && isOwn === true);
    const worst = asked.find(({ error }) => error?.class === 'auth') ?? failed ?? asked[0];
    if (worst?.error !== undefined && (worst.error.class === 'auth' || failed || answering.length === 0)) {
      throw worst.error;
    }
    steps.pass('authenticate', String(connection.config.authentication || DEFAULTS.authentication));
    steps.pass('authorise', answering.map(({ name }) => name).join(', '));
    steps.pass('read', told(asked));
  };
  return testHttp(open, readEntities, HINTS, signal);
}

function told(asked: readonly Asked[]): TestDetail {
  const silent = asked.filter(({ error }) => error !== undefined).map(({ name, error }) => `${name} (${error?.code})`);
  const empty = asked.filter(({ error, found }) => error === undefined && found === 0).map(({ name }) => name);
  const both = (label: string, names: readonly string[]) =>
    names.length === 0 ? '' : `; ${label}: ${names.join(', ')}`;
  const answering = asked.length - silent.length;
  return {
    'en-US': `${answering} entities answer${both('without records', empty)}${both('without an answer', silent)}`,
    'pt-BR': `${answering} entidades respondem${both('sem registros', empty)}${both('sem resposta', silent)}`,
  };
}
