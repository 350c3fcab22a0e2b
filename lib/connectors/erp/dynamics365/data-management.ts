import { setTimeout as delay } from 'node:timers/promises';
import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { HttpClient } from '../../../protocols/http/client';
import { isObject } from '../../../protocols/odata/entity';
import { failureOf } from '../../../protocols/odata/fault';
import { readJson } from '../../../protocols/odata/feed';
import { inWordsOfDynamics } from './explain';
import type { PackageEntity } from './packages';
import type { DynamicsSettings } from './settings';

const ACTIONS = '/data/DataManagementDefinitionGroups/Microsoft.Dynamics.DataEntities.';
const HEADERS = { 'content-type': 'application/json', accept: 'application/json' };
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;
const LARGEST = 128 * 1024 * 1024;
const LONGEST_WORDS = 1000;

export type Outcome = 'Succeeded' | 'PartiallySucceeded' | 'Failed' | 'Canceled';
const ENDS: readonly string[] = ['Succeeded', 'PartiallySucceeded', 'Failed', 'Canceled'] satisfies Outcome[];

/** Opens a client for another host, whose address came in an answer. */
export type OpenElsewhere = (url: URL) => HttpClient;

/**
 * The package API of data management. A job has an identifier that we give it, so what became of one can always be asked:
 * one whose start was not answered is not started twice.
 */
export class DataManagement {
  constructor(
    private readonly client: HttpClient,
    private readonly settings: Pick<DynamicsSettings, 'secrets' | 'packageWaitSeconds'>,
    private readonly open: OpenElsewhere,
  ) {}

  /** Waits for its end. @throws transient PCP_DYNAMICS_PACKAGE with `outcomeUnknown` where it has not ended in time */
  async import(entity: PackageEntity, execution: string, content: Buffer, signal: AbortSignal): Promise<Outcome> {
    return this.#run(execution, signal, async () => {
      const place = await this.#ask('GetAzureWriteUrl', { uniqueFileName: `${execution}.zip` }, signal);
      const packageUrl = blobUrl(place);
      const headers = { 'x-ms-blob-type': 'BlockBlob', 'content-type': 'application/zip' };
      await this.#transfer(packageUrl, { method: 'PUT', headers, body: content }, signal);
      return ['ImportFromPackage', { ...jobOf(entity, execution), packageUrl, execute: true, overwrite: true }];
    });
  }

  /** The same; the package is there then. */
  async export(entity: PackageEntity, execution: string, signal: AbortSignal): Promise<Outcome> {
    const job = { ...jobOf(entity, execution), packageName: `${execution}.zip`, reExecute: false };
    return this.#run(execution, signal, async () => ['ExportToPackage', job]);
  }

  /** What an export made; null where there is nothing. */
  async exported(execution: string, signal: AbortSignal): Promise<Buffer | null> {
    const url = await this.#ask('GetExportedPackageUrl', { executionId: execution }, signal);
    return typeof url === 'string' && url !== '' ? this.#transfer(url, { method: 'GET' }, signal) : null;
  }

  /** Why a job did not wholly succeed, in the words of Dynamics. */
  async errors(execution: string, signal: AbortSignal): Promise<string> {
    const told = await this.#ask('GetExecutionErrors', { executionId: execution }, signal);
    const list = typeof told === 'string' ? parsed(told) : told;
    const words = (Array.isArray(list) ? list : [list]).map((each) => {
      const { Field: field = '', ErrorMessage: message = each }: Record<string, unknown> = isObject(each) ? each : {};
      return [field, message].filter((part) => typeof part === 'string' && part !== '').join(': ');
    });
    return [...new Set(words.filter((each) => each !== ''))].join(' ').slice(0, LONGEST_WORDS);
  }

  async #run(
    execution: string,
    signal: AbortSignal,
    prepare: () => Promise<[action: string, job: Record<string, unknown>]>,
  ): Promise<Outcome> {
    let isCertain = (await this.#status(execution, signal)) !== null;
    if (!isCertain) {
      const [action, job] = await prepare();
      isCertain = await this.#ask(action, job, signal).then(
        () => true,
        (thrown: unknown) => {
          if (!IntegrationError.from(thrown).outcomeUnknown) throw thrown;
          return false;
        },
      );
    }
    const until = Date.now() + this.settings.packageWaitSeconds * 1000;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const status = await this.#status(execution, signal);
      if (status !== null && ENDS.includes(status)) return status as Outcome;
      if (Date.now() >= until) throw notEnded(execution, isCertain || status !== null);
      await delay(pause, undefined, { signal });
    }
  }

  /** Null for a job that it does not know; some releases say so with an error. */
  async #status(executionId: string, signal: AbortSignal): Promise<string | null> {
    try {
      const status = await this.#ask('GetExecutionSummaryStatus', { executionId }, signal);
      return typeof status === 'string' && status !== 'Unknown' ? status : null;
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      if (error.code === 'PCP_ODATA_REFUSED' || error.code === 'PCP_DYNAMICS_ENTITY_MISSING') return null;
      throw error;
    }
  }

  async #ask(action: string, values: Record<string, unknown>, signal: AbortSignal): Promise<unknown> {
    try {
      const request = { method: 'POST', target: `${ACTIONS}${action}`, headers: HEADERS, body: JSON.stringify(values) };
      const response = await this.client.request({ ...request, signal });
      if (!response.ok) throw await failureOf(response, this.settings.secrets);
      const { value } = (await readJson(response)) as { value?: unknown };
      return isObject(value) && 'value' in value ? value.value : value;
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      throw inWordsOfDynamics(thrown, `action ${action} of data management`);
    }
  }

  /** To and from the store of files, which lets in whoever has its address: no sign-in goes there. */
  async #transfer(
    address: string,
    request: { method: string; headers?: Record<string, string>; body?: Buffer },
    signal: AbortSignal,
  ): Promise<Buffer> {
    if (!URL.canParse(address)) throw noAddress();
    const url = new URL(address);
    const client = this.open(url);
    try {
      const response = await client.request({ ...request, target: url, signal, maxBytes: LARGEST });
      if (!response.ok) throw await response.failure();
      return await response.bytes();
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      const { hint, class: errorClass, said } = IntegrationError.from(thrown);
      // A job that is not started yet leaves nothing open.
      throw new IntegrationError(errorClass, 'PCP_DYNAMICS_PACKAGE_STORE', phrase`The store of files failed: ${said}`, {
        ...(hint !== undefined && { hint }),
      });
    } finally {
      await client.close();
    }
  }
}

function jobOf({ definitionGroup, legalEntity }: PackageEntity, executionId: string): Record<string, unknown> {
  return { definitionGroupId: definitionGroup, executionId, legalEntityId: legalEntity };
}

/** An object, or the text of one. */
function blobUrl(place: unknown): string {
  const told = typeof place === 'string' ? parsed(place) : place;
  if (isObject(told) && typeof told.BlobUrl === 'string') return told.BlobUrl;
  throw noAddress();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function noAddress(): IntegrationError {
  return new IntegrationError(
    'transient',
    'PCP_DYNAMICS_PACKAGE_STORE',
    phrase`Dynamics gave no address for the package.`,
    {
      hint: 'Look under Data management whether the environment has its store of files.',
    },
  );
}

function notEnded(execution: string, isStarted: boolean): IntegrationError {
  const message = isStarted
    ? phrase`The job ${execution} of data management has not ended yet.`
    : phrase`Data management does not know the job ${execution}, whose start was not answered.`;
  return new IntegrationError('transient', 'PCP_DYNAMICS_PACKAGE', message, {
    hint: 'Look for it under Data management > Job history; package_wait_seconds says how long it is waited for.',
    outcomeUnknown: true,
  });
}
