import type { OpenConnection } from '../../../model/connection';
import type { HttpClient } from '../../../protocols/http/client';
import type { TestReport } from '../../contract';
import type { LocalizedText } from '../../descriptor';
import { testHttp } from '../../http-test';
import type { Steps } from '../../step-by-step';
import { unansweredOf, withUnanswered } from '../unanswered';
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
  const readEntities = async ({ application, settings }: Opened, steps: Steps, limit: AbortSignal): Promise<void> => {
    const asked = await application.ask(limit);
    const answering = asked.filter(({ error }) => error === undefined);
    const failed = asked.find(({ error, isOwn }) => error !== undefined && isOwn === true);
    const worst = asked.find(({ error }) => error?.class === 'auth') ?? failed ?? asked[0];
    if (worst?.error !== undefined && (worst.error.class === 'auth' || failed || answering.length === 0)) {
      throw worst.error;
    }
    steps.pass('authenticate', String(connection.config.authentication || DEFAULTS.authentication));
    steps.pass('authorise', answering.map(({ name }) => name).join(', '));
    const unanswered = unansweredOf(asked);
    steps.pass('read', withUnanswered(told(answering, settings), unanswered), unanswered);
  };
  return testHttp(open, readEntities, HINTS, signal);
}

function told(answering: readonly Asked[], { flavour, company }: DynamicsSettings): LocalizedText {
  const own = answering.filter(({ isShared }) => isShared !== true);
  // A company that does not exist is asked for without a complaint.
  if (flavour === 'finance_operations' && company !== '' && own.every(({ found }) => found === 0)) {
    return {
      'en-US': `no entity has a record of the company "${company}": check its name (dataAreaId)`,
      'pt-BR': `nenhuma entidade tem registro da empresa "${company}": confira o nome (dataAreaId)`,
    };
  }
  const empty = answering.filter(({ found }) => found === 0).map(({ name }) => name);
  const without = (label: string) => (empty.length === 0 ? '' : `; ${label}: ${empty.join(', ')}`);
  const [many, one] = [answering.length, answering.length === 1];
  return {
    'en-US': `${many} ${one ? 'entity answers' : 'entities answer'}${without('without records')}`,
    'pt-BR': `${many} ${one ? 'entidade responde' : 'entidades respondem'}${without('sem registros')}`,
  };
}
