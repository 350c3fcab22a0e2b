/** Entry of the runner, a child process of Node-RED: does what must not stall or endanger the flows. */
import { IntegrationError } from '../model/errors';
import type { FromRunner, RunnerSetup, ToRunner } from './protocol';
import { RunnerSession } from './session';

const STATE_EVERY_MS = 2_000;
const WAKE_AGAIN_MS = 10_000;

let setup: RunnerSetup | null = null;
let session: Promise<RunnerSession> | null = null;

function send(message: FromRunner): void {
  // Without a parent there is nobody to tell; `disconnect` ends this process.
  if (process.connected) process.send?.(message);
}

/** Opens the store with the first message that needs it, and again when that failed. */
function openSession(): Promise<RunnerSession> {
  if (setup === null)
    throw new IntegrationError('bug', 'PCP_RUNNER_SETUP', 'The runner was asked to work before its setup.');
  session ??= RunnerSession.open(setup, send);
  session.catch(() => {
    session = null;
  });
  return session;
}

async function receive(message: ToRunner): Promise<void> {
  if (message.type === 'setup') setup = message.setup;
  else await (await openSession()).receive(message);
}

function refuse(message: ToRunner, error: unknown): void {
  const failure = IntegrationError.from(error);
  if ('id' in message && message.type !== 'connection') {
    send({ type: 'failure', id: message.id, error: failure.toJSON() });
    return;
  }
  send({ type: 'log', level: 'error', message: `The runner has no store: ${failure.code}: ${failure.message}` });
  if (message.type === 'wake') setTimeout(() => accept(message), WAKE_AGAIN_MS).unref();
}

function accept(message: ToRunner): void {
  receive(message).catch((error: unknown) => refuse(message, error));
}

let ending = false;
async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  try {
    await (await session)?.close();
  } finally {
    process.exit(0);
  }
}

process.on('message', (message: ToRunner) => {
  if (message.type === 'stop') void end();
  else accept(message);
});
process.on('disconnect', () => void end());
process.on('SIGTERM', () => void end());
// Ctrl-C goes to the whole group; the parent decides when its runner stops.
process.on('SIGINT', () => undefined);

setInterval(() => {
  session?.then(
    (open) => send({ type: 'state', busy: open.busy, rssBytes: process.memoryUsage.rss() }),
    () => send({ type: 'state', busy: true, rssBytes: process.memoryUsage.rss() }),
  );
}, STATE_EVERY_MS).unref();
