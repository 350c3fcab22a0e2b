import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { inEachLanguage } from '../../../locales/catalogue';
import { IntegrationError } from '../../../model/errors';
import { listed, phrase } from '../../../model/phrase';
import type { SqlDatabase, SqlOptions } from '../../../protocols/sql/database';
import { networkError, place, timeoutError } from '../../../protocols/sql/errors';
import type { TestDetail, TestReport, TestStep, TestStepName } from '../../contract';
import { concernsOne, type Entities } from './entities';
import type { DatabaseSettings } from './settings';

/** All steps together; the contract allows 10 s. */
const LIMIT_MS = 9000;

const CERTIFICATE = { 'en-US': 'certificate and name are right', 'pt-BR': 'o certificado e o nome estão corretos' };
const NOTHING = { 'en-US': 'nothing to read yet', 'pt-BR': 'ainda não há o que ler' };
const tablesAndViews = (count: number) => ({
  'en-US': `${count} tables and views`,
  'pt-BR': `${count} tabelas e visões`,
});

interface BrokenView {
  name: string;
  error: IntegrationError;
}

function whatWasRead(names: string[], broken: BrokenView[]): TestDetail {
  if (broken.length === 0) return names.length === 0 ? NOTHING : names.join(', ');
  const each = broken.map(({ name, error }) => phrase`the view "${name}" is broken: ${error.said}`);
  return inEachLanguage(listed([names.join(', '), ...each]));
}

interface Opened {
  database: SqlDatabase;
  entities: Entities;
}

/**
 * Tries a connection step by step and stops at the first that fails.
 *
 * @param settings reads the settings; may throw
 * @param open opens a database for this test alone, with the time limits given
 */
export async function diagnose(
  settings: () => DatabaseSettings,
  open: (settings: DatabaseSettings) => Promise<Opened>,
  signal: AbortSignal,
): Promise<TestReport> {
  const started = performance.now();
  const steps: TestStep[] = [];
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  let step: TestStepName = 'resolve';
  let options: SqlOptions | undefined;
  let opened: Opened | undefined;
  const pass = (name: TestStepName, detail: TestDetail, next: TestStepName) => {
    steps.push({ name, ok: true, detail });
    step = next;
  };
  const bounded = <T>(work: Promise<T>) => within(work, limit, signal, () => options);
  try {
    const read = settings();
    options = limited(read.options);
    const limitedSettings = { ...read, options };
    if (options.dialect === 'sqlite') {
      pass('resolve', String(options.storage), 'connect');
      opened = await bounded(open(limitedSettings));
      await bounded(opened.database.query('SELECT 1 AS one'));
      pass('connect', 'SQLite', 'authorise');
    } else {
      const { address } = await bounded(lookup(options.host ?? 'localhost'));
      pass('resolve', address, 'connect');
      await bounded(reach(options));
      pass('connect', place(options), 'authenticate');
      opened = await bounded(open(limitedSettings));
      await bounded(opened.database.now());
      if (options.ssl !== undefined && options.ssl !== false) pass('tls', CERTIFICATE, 'authenticate');
      pass('authenticate', String(options.username), 'authorise');
    }
    const tables = await bounded(opened.database.listTables());
    pass('authorise', tablesAndViews(tables.length), 'read');
    const names = tables.slice(0, 1).map(({ table }) => qualified(table));
    for (const name of names) await bounded(readOne(opened, name));
    const broken: BrokenView[] = [];
    for (const name of read.views.keys()) {
      const error = await bounded(brokenView(opened, name));
      if (error === null) names.push(name);
      else broken.push({ name, error });
    }
    if (names.length === 0 && broken[0] !== undefined) throw broken[0].error;
    pass('read', whatWasRead(names, broken), 'read');
  } catch (thrown) {
    const error = withoutValue(explained(thrown, options));
    steps.push({ name: failedStep(step, error), ok: false, error: error.toJSON() });
  }
  // A server that does not answer does not answer the farewell either.
  opened?.database.close().catch(() => undefined);
  return { ok: steps.every(({ ok }) => ok), steps, duration_ms: Math.round(performance.now() - started) };
}

function limited(options: SqlOptions): SqlOptions {
  const atMost = (value: number | undefined, most: number) => Math.min(value ?? most, most);
  return {
    ...options,
    poolSize: 1,
    connectTimeoutMs: atMost(options.connectTimeoutMs, 4000),
    statementTimeoutMs: atMost(options.statementTimeoutMs, 4000),
  };
}

function qualified(table: { schema?: string; name: string }): string {
  return table.schema === undefined ? table.name : `${table.schema}.${table.name}`;
}

/** Only whether somebody listens: what comes then is the driver's. */
function reach(options: SqlOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: options.host ?? 'localhost', port: options.port ?? 0, timeout: 4000 });
    const end = (error?: Error) => {
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.once('connect', () => end());
    socket.once('error', end);
    socket.once('timeout', () => end(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
  });
}

async function readOne({ database, entities }: Opened, name: string): Promise<void> {
  const entity = await entities.resolve(name);
  await database.query(database.limit(`SELECT * FROM ${entity.source}`, 1));
}

/** Why a view of the settings cannot be read; the other entities may be sound. */
async function brokenView(opened: Opened, name: string): Promise<IntegrationError | null> {
  try {
    await readOne(opened, name);
    return null;
  } catch (thrown) {
    const error = IntegrationError.from(thrown);
    if (concernsOne(error)) return withoutValue(error);
    throw error;
  }
}

async function within<T>(
  work: Promise<T>,
  limit: AbortSignal,
  signal: AbortSignal,
  options: () => SqlOptions | undefined,
): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const stop = () => {
    const cause = limit.reason as Error;
    if (signal.aborted)
      stopped.reject(
        new IntegrationError('cancelled', 'PCP_CANCELLED', 'The test was cancelled.', {
          cause,
          hint: 'Start it again.',
        }),
      );
    else stopped.reject(timeoutError(cause, options() ?? { dialect: 'postgres' }));
  };
  if (limit.aborted) stop();
  else limit.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    limit.removeEventListener('abort', stop);
  }
}

/** Errors of the first steps come from Node itself, those of the others are typed already. */
function explained(thrown: unknown, options: SqlOptions | undefined): IntegrationError {
  const typed = thrown instanceof IntegrationError || options === undefined ? undefined : networkError(thrown, options);
  const error = typed ?? IntegrationError.from(thrown);
  if (error.hint !== undefined) return error;
  return new IntegrationError(error.class, error.code, error.said, {
    ...(error.path !== undefined && { path: error.path }),
    hint: 'Look at the log of the database for details.',
    cause: error,
  });
}

/** What a database quotes of a value that it could not convert is data of the rows, and whoever tests need not see any. */
function withoutValue(error: IntegrationError): IntegrationError {
  if (error.class !== 'data') return error;
  const { class: errorClass, code, message, value: _, ...details } = error.toJSON();
  return new IntegrationError(errorClass, code, message.replace(/(["']).*\1/s, '$1…$1'), { ...details, cause: error });
}

/** The driver does several steps at once; its error tells which one failed. */
function failedStep(step: TestStepName, error: IntegrationError): TestStepName {
  if (step !== 'authenticate' && step !== 'connect') return step;
  if (error.code.startsWith('PCP_TLS_')) return 'tls';
  if (error.code.startsWith('PCP_CONNECT_')) return 'connect';
  if (error.class === 'auth') return 'authenticate';
  if (error.class === 'permission' || error.code === 'PCP_SQL_DATABASE_UNKNOWN') return 'authorise';
  return step;
}
