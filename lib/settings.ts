import { dirname, join, parse, resolve } from 'node:path';
import { IntegrationError } from './model/errors';
import { checkTargets } from './protocols/http/addresses';
import type { ProtectedPlaces } from './security/protected-files';
import type { DeadLetterPolicy } from './sync/retention';
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from './sync/runs/retry';

type LogLevel = 'info' | 'warn' | 'error' | 'debug';

/** How the hub runs in this process. */
export interface HubSettings {
  /** Where the SQLite store and the key file live: Node-RED's user directory, unless told otherwise. */
  directory: string;
  /** postgres://, mysql:// or mariadb:// URL of a store on a server; undefined = SQLite in the directory. */
  storeUrl: string | undefined;
  /** Value of INTEGRATIONS_KEY; undefined = the key file. */
  key: string | undefined;
  runner: {
    /** Limit of the runner's JavaScript heap, in MiB. */
    heapMb: number;
    /** A runner without work ends after this long. */
    idleMs: number;
    /** Runs at the same time. */
    concurrency: number;
    /** Limit of the heap in which expressions run, in MiB. */
    expressionHeapMb: number;
  };
  spool: {
    /** Live streams run here. Of several Node-RED instances with one store, one has them. */
    isEnabled: boolean;
    /** Each commit of the spool waits for the disk. */
    isFlushed: boolean;
    /** Limit of the live process's JavaScript heap, in MiB. */
    heapMb: number;
  };
  retry: RetryPolicy;
  deadLetters: DeadLetterPolicy;
  /** Files of Node-RED and of the hub that no connection may touch. */
  protectedPlaces: ProtectedPlaces;
  network: {
    /** Private addresses that connections may reach besides their own host (lib/protocols/http/addresses). */
    allowedTargets: string[];
  };
  /** A sync log is removed after so long. */
  logDays: number;
  /** What webhooks were told is removed after so long. */
  webhookDays: number;
  /** Ids of incoming deliveries are known for so long: what comes again is not processed again. */
  deliveryDays: number;
  /** An entry of the audit log is removed after so long; undefined = never. */
  auditDays: number | undefined;
  log(level: LogLevel, message: string): void;
}

/**
 * Reads `integrations` of Node-RED's settings.js; each value can be overridden from the environment:
 * INTEGRATIONS_STORE_URL, INTEGRATIONS_DIRECTORY, INTEGRATIONS_KEY, INTEGRATIONS_RUNNER_HEAP_MB, INTEGRATIONS_RUNNER_IDLE_SECONDS,
 * INTEGRATIONS_SPOOL_ENABLED, INTEGRATIONS_SPOOL_FLUSHED, INTEGRATIONS_SPOOL_HEAP_MB, INTEGRATIONS_RUNS, INTEGRATIONS_EXPRESSION_HEAP_MB, INTEGRATIONS_RETRY_SECONDS, INTEGRATIONS_RETRY_ATTEMPTS,
 * INTEGRATIONS_DEAD_LETTERS_LIMIT, INTEGRATIONS_DEAD_LETTERS_OPEN_DAYS, INTEGRATIONS_DEAD_LETTERS_CLOSED_DAYS,
 * INTEGRATIONS_LOGS_DAYS, INTEGRATIONS_WEBHOOKS_DAYS, INTEGRATIONS_HOOKS_DAYS, INTEGRATIONS_AUDIT_DAYS, INTEGRATIONS_NETWORK_ALLOWED_TARGETS (separated by commas).
 * @throws config PCP_SETTING_INVALID naming the setting
 */
export function readSettings(
  redSettings: Record<string, unknown>,
  userDir: string,
  environment: NodeJS.ProcessEnv,
  log: HubSettings['log'] = () => undefined,
): HubSettings {
  const given = section(redSettings, 'integrations');
  const runner = section(given, 'runner');
  const spool = section(given, 'spool');
  const retry = section(given, 'retry');
  const letters = section(given, 'deadLetters');
  const network = section(given, 'network');
  const logs = section(given, 'logs');
  const webhooks = section(given, 'webhooks');
  const hooks = section(given, 'hooks');
  const audit = section(given, 'audit');
  const text = (variable: string, value: unknown, name: string): string | undefined => {
    const found = environment[variable] ?? value;
    if (found === undefined || found === '') return undefined;
    if (typeof found !== 'string') throw invalid(name, 'a text');
    return found;
  };
  const integer = (
    variable: string,
    value: unknown,
    name: string,
    fallback: number,
    min: number,
    max: number,
  ): number => {
    const found = environment[variable] ?? value;
    if (found === undefined || found === '') return fallback;
    const number = Number(found);
    if (!Number.isInteger(number) || number < min || number > max)
      throw invalid(name, `a whole number from ${min} to ${max}`);
    return number;
  };
  const flag = (variable: string, value: unknown, name: string, fallback: boolean): boolean => {
    const found = environment[variable] ?? value ?? fallback;
    if (typeof found === 'boolean') return found;
    if (found !== 'true' && found !== 'false') throw invalid(name, 'true or false');
    return found === 'true';
  };
  const directory = resolve(userDir, text('INTEGRATIONS_DIRECTORY', given.directory, 'directory') ?? '');
  return {
    directory,
    storeUrl: text('INTEGRATIONS_STORE_URL', given.storeUrl, 'storeUrl'),
    key: text('INTEGRATIONS_KEY', given.key, 'key'),
    runner: {
      heapMb: integer('INTEGRATIONS_RUNNER_HEAP_MB', runner.heapMb, 'runner.heapMb', 192, 96, 8192),
      idleMs:
        1000 * integer('INTEGRATIONS_RUNNER_IDLE_SECONDS', runner.idleSeconds, 'runner.idleSeconds', 60, 1, 86_400),
      concurrency: integer('INTEGRATIONS_RUNS', runner.runs, 'runner.runs', 2, 1, 16),
      expressionHeapMb: integer(
        'INTEGRATIONS_EXPRESSION_HEAP_MB',
        runner.expressionHeapMb,
        'runner.expressionHeapMb',
        96,
        32,
        2048,
      ),
    },
    spool: {
      isEnabled: flag('INTEGRATIONS_SPOOL_ENABLED', spool.enabled, 'spool.enabled', true),
      isFlushed: flag('INTEGRATIONS_SPOOL_FLUSHED', spool.flushed, 'spool.flushed', false),
      heapMb: integer('INTEGRATIONS_SPOOL_HEAP_MB', spool.heapMb, 'spool.heapMb', 256, 96, 8192),
    },
    retry: {
      ...DEFAULT_RETRY_POLICY,
      baseDelayMs: 1000 * integer('INTEGRATIONS_RETRY_SECONDS', retry.seconds, 'retry.seconds', 10, 0, 1800),
      maxWithoutProgress: integer('INTEGRATIONS_RETRY_ATTEMPTS', retry.attempts, 'retry.attempts', 5, 1, 20),
    },
    deadLetters: {
      limit: integer('INTEGRATIONS_DEAD_LETTERS_LIMIT', letters.limit, 'deadLetters.limit', 100_000, 1, 10_000_000),
      openDays: integer(
        'INTEGRATIONS_DEAD_LETTERS_OPEN_DAYS',
        letters.openDays,
        'deadLetters.openDays',
        180,
        1,
        36_500,
      ),
      closedDays: integer(
        'INTEGRATIONS_DEAD_LETTERS_CLOSED_DAYS',
        letters.closedDays,
        'deadLetters.closedDays',
        30,
        1,
        36_500,
      ),
    },
    protectedPlaces: { directories: [...new Set([userDir, directory])], paths: nodeRedFiles(redSettings, userDir) },
    network: { allowedTargets: readTargets(network.allowedTargets, environment) },
    // At a run every 5 minutes, some 26,000 rows and 9 MB of each mapping: what the flash memory of a gateway has room for.
    logDays: integer('INTEGRATIONS_LOGS_DAYS', logs.days, 'logs.days', 90, 1, 36_500),
    webhookDays: integer('INTEGRATIONS_WEBHOOKS_DAYS', webhooks.days, 'webhooks.days', 30, 1, 36_500),
    // Senders try again for days.
    deliveryDays: integer('INTEGRATIONS_HOOKS_DAYS', hooks.days, 'hooks.days', 7, 1, 3650),
    auditDays: integer('INTEGRATIONS_AUDIT_DAYS', audit.days, 'audit.days', 0, 0, 36_500) || undefined,
    log,
  };
}

/** What of Node-RED its settings may have put elsewhere: they themselves, flows, credentials, projects and nodes. */
function nodeRedFiles(redSettings: Record<string, unknown>, userDir: string): string[] {
  const { settingsFile, flowFile, nodesDir, editorTheme } = redSettings as {
    editorTheme?: { projects?: { path?: unknown } };
  } & Record<string, unknown>;
  const given = [settingsFile, editorTheme?.projects?.path].concat(nodesDir);
  const paths = given.filter((path) => typeof path === 'string');
  if (typeof flowFile === 'string') {
    // Node-RED takes the working directory for a flow file that is there, and looks for the credentials in both.
    const { name, ext } = parse(flowFile);
    for (const folder of [userDir, dirname(resolve(flowFile)), dirname(resolve(userDir, flowFile))]) {
      for (const file of [`${name}${ext}`, `${name}_cred${ext}`]) {
        paths.push(...[file, `.${file}.backup`, `${file}.$$$`].map((each) => join(folder, each)));
      }
    }
  }
  return paths;
}

function readTargets(value: unknown, environment: NodeJS.ProcessEnv): string[] {
  const text = environment.INTEGRATIONS_NETWORK_ALLOWED_TARGETS;
  const targets = text ? text.split(',').map((part) => part.trim()) : (value ?? []);
  if (!Array.isArray(targets) || !targets.every((target) => typeof target === 'string')) {
    throw invalid('network.allowedTargets', 'a list of texts');
  }
  checkTargets(targets);
  return targets;
}

function section(settings: Record<string, unknown>, name: string): Record<string, unknown> {
  const value = settings[name] ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid(name, 'an object');
  return value as Record<string, unknown>;
}

function invalid(name: string, wanted: string): IntegrationError {
  const message = `The setting integrations.${name} must be ${wanted}.`;
  return new IntegrationError('config', 'PCP_SETTING_INVALID', message, { path: name });
}
