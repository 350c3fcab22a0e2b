import { IntegrationError } from '../model/errors';
import type { FromRunner, RunnerSetup, ToRunner } from './protocol';

const STATE_EVERY_MS = 2_000;
const WAKE_AGAIN_MS = 10_000;
/** Leases are kept as long as their process lives: one that cannot close what it holds open ends all the same. */
const END_WITHIN_MS = 20_000;

/** What a child process of Node-RED holds open, and what it answers. */
export interface Session {
  /** True while the process must stay. */
  readonly busy: boolean;
  receive(message: ToRunner): Promise<void>;
  close(): Promise<void>;
}

/**
 * Makes this process a child of Node-RED that works by its messages. The session is opened with the first message that needs
 * it, and again when that failed.
 * @param name what its log lines call it
 */
export function serve(
  name: string,
  open: (setup: RunnerSetup, send: (message: FromRunner) => void) => Promise<Session>,
  endWithinMs = END_WITHIN_MS,
): void {
  let setup: RunnerSetup | null = null;
  let session: Promise<Session> | null = null;
  let ending = false;

  const send = (message: FromRunner): void => {
    // Without a parent there is nobody to tell; `disconnect` ends this process.
    if (process.connected) process.send?.(message);
  };

  const openSession = (): Promise<Session> => {
    if (setup === null)
      throw new IntegrationError('bug', 'PCP_RUNNER_SETUP', `The ${name} was asked to work before its setup.`);
    session ??= open(setup, send);
    session.catch(() => {
      session = null;
    });
    return session;
  };

  const receive = async (message: ToRunner): Promise<void> => {
    if (message.type === 'setup') setup = message.setup;
    else await (await openSession()).receive(message);
  };

  const refuse = (message: ToRunner, error: unknown): void => {
    const failure = IntegrationError.from(error);
    if ('id' in message && message.type !== 'connection') {
      send({ type: 'failure', id: message.id, error: failure.toJSON() });
      return;
    }
    send({ type: 'log', level: 'error', message: `The ${name} could not begin: ${failure.code}: ${failure.message}` });
    if (message.type === 'wake') setTimeout(() => accept(message), WAKE_AGAIN_MS).unref();
  };

  const accept = (message: ToRunner): void => {
    receive(message).catch((error: unknown) => refuse(message, error));
  };

  const end = async (): Promise<void> => {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(1), endWithinMs).unref();
    try {
      await (await session)?.close();
    } finally {
      process.exit(0);
    }
  };

  process.on('message', (message: ToRunner) => {
    if (message.type === 'stop') void end();
    else accept(message);
  });
  process.on('disconnect', () => void end());
  process.on('SIGTERM', () => void end());
  // Ctrl-C goes to the whole group; the parent decides when its child stops.
  process.on('SIGINT', () => undefined);

  setInterval(() => {
    session?.then(
      (opened) => send({ type: 'state', busy: opened.busy, rssBytes: process.memoryUsage.rss() }),
      () => send({ type: 'state', busy: true, rssBytes: process.memoryUsage.rss() }),
    );
  }, STATE_EVERY_MS).unref();
}
