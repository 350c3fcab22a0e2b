import type { HttpClient } from '../../../protocols/http/client';
import type { TestReport } from '../../contract';
import type { LocalizedText } from '../../descriptor';
import { testHttp } from '../../http-test';
import type { Steps } from '../../step-by-step';
import { unansweredOf, withUnanswered } from '../unanswered';
import type { Catalogue } from './catalogue';
import type { ProtheusSettings } from './settings';

const HINTS = {
  timeout: 'Look whether the threads of the REST server are all busy (appserver.ini, console.log).',
  other: 'Try the same address in a browser, and ask whoever administers the server.',
};

export interface Opened {
  client: HttpClient;
  settings: ProtheusSettings;
  catalogue: Catalogue;
}

/**
 * Tries a connection step by step and stops at the first that fails: the address, the handshake, then every route. One that
 * answers is enough: few servers publish all, and those that do not answer are told.
 * @param open reads the settings and opens the client; may throw
 */
export function testConnection(open: () => Opened, signal: AbortSignal): Promise<TestReport> {
  const readRoutes = async ({ catalogue, settings }: Opened, steps: Steps, limit: AbortSignal): Promise<void> => {
    catalogue.session.forgive();
    const asked = await catalogue.routes(limit);
    const answering = asked.filter(({ error }) => error === undefined).map(({ name }) => name);
    const worst = asked.find(({ error }) => error?.class === 'auth' || error?.class === 'transient') ?? asked[0];
    if (worst?.error !== undefined && (worst.error.class === 'auth' || answering.length === 0)) throw worst.error;
    steps.pass('authenticate', settings.authentication);
    steps.pass('authorise', answering.join(', '));
    const unanswered = unansweredOf(asked);
    steps.pass('read', withUnanswered(told(answering.length), unanswered), unanswered);
  };
  return testHttp(open, readRoutes, HINTS, signal);
}

function told(answering: number): LocalizedText {
  if (answering === 1) return { 'en-US': '1 route answers', 'pt-BR': '1 rota responde' };
  return { 'en-US': `${answering} routes answer`, 'pt-BR': `${answering} rotas respondem` };
}
