import type { OpenConnection } from '../../../model/connection';
import type { HttpClient } from '../../../protocols/http/client';
import type { ConnectorEnvironment, SourceRecord, TestReport } from '../../contract';
import type { LocalizedText } from '../../descriptor';
import { testHttp } from '../../http-test';
import type { Steps } from '../../step-by-step';
import { mayHaveMore, signOfMore } from './more-pages';
import { firstRecords, type Source, wholeAnswer } from './read';
import { type EntitySetting, type RestSettings, resolveEntity } from './settings';
import { placeholders } from './template';

const HINTS = {
  timeout: 'Look whether the API is overloaded, or ask for smaller pages (size).',
  other: 'Try the same request with a tool such as curl, and ask whoever runs the API.',
};

interface Opened {
  client: HttpClient;
  settings: RestSettings;
}

/**
 * Tries a connection step by step and stops at the first that fails: the address, the handshake, then the first entity that
 * can be read, and those others whose look-up can only be judged by a record.
 * @param open reads the settings and opens the client; may throw
 */
export function testConnection(
  connection: OpenConnection,
  open: () => Opened,
  log: ConnectorEnvironment['log'],
  signal: AbortSignal,
): Promise<TestReport> {
  const readFirst = async (opened: Opened, steps: Steps, limit: AbortSignal): Promise<void> => {
    const { client, settings } = opened;
    const readable = Object.keys(settings.entities).filter((name) => settings.entities[name]?.path !== undefined);
    const detail =
      readable.length === 0 ? await reachBase(client, limit) : await readSome(readable, opened, log, limit);
    steps.pass('authenticate', String(connection.config.authentication ?? 'none'));
    steps.pass('authorise', readable[0] ?? client.baseUrl.pathname);
    steps.pass('read', detail);
  };
  return testHttp(open, readFirst, HINTS, signal);
}

async function readSome(
  readable: readonly string[],
  { client, settings }: Opened,
  log: ConnectorEnvironment['log'],
  signal: AbortSignal,
): Promise<LocalizedText> {
  const [first] = readable;
  let isEmpty = false;
  const unseen: string[] = [];
  const unpaged: string[] = [];
  for (const name of readable) {
    const entity = resolveEntity(name, settings);
    const names = namesToSee(entity);
    if (name !== first && names.length === 0) continue;
    const { record, sign } = await look({ client, settings, entity, log }, signal);
    if (name === first) isEmpty = record === undefined;
    if (record !== undefined && names.length > 0 && names.every((each) => record[each] === undefined))
      unseen.push(name);
    if (sign !== undefined) unpaged.push(`${name}, ${sign}`);
  }
  const blind = unseen.join(', ');
  const more = unpaged.join('; ');
  return {
    'en-US': `${first}: ${isEmpty ? 'no record yet' : 'a record was read'}${
      blind && `. No key is seen in what "lookup" finds: say in its "key" where it stands (${blind})`
    }${more && `. The API seems to have more than it gave: say in "paging" how the next page is asked for, or that its type is none (${more})`}`,
    'pt-BR': `${first}: ${isEmpty ? 'nenhum registro ainda' : 'um registro foi lido'}${
      blind && `. Não se vê a chave no que "lookup" acha: indique em "key" dela onde está (${blind})`
    }${more && `. A API parece ter mais do que deu: indique em "paging" como se pede a próxima página, ou que o tipo é none (${more})`}`,
  };
}

/** A record of the entity, and what its answer says about pages that would never be asked for. */
async function look(source: Source, signal: AbortSignal): Promise<{ record?: SourceRecord; sign?: string }> {
  const page = mayHaveMore(source.entity) ? await wholeAnswer(source, signal) : undefined;
  const [record] = page?.records ?? (await firstRecords(source, 1, signal));
  const sign = page && signOfMore(page, page.records.length);
  return { ...(record !== undefined && { record }), ...(sign !== undefined && { sign }) };
}

/** What a record has to show, so that it can be told whether a look-up gave the right one. */
function namesToSee({ lookup }: EntitySetting): string[] {
  if (lookup === undefined || lookup.key !== undefined) return [];
  return placeholders(lookup.path).filter((name) => name !== 'external_id');
}

/** Without an entity all that counts is whether the API lets us in. */
async function reachBase(client: HttpClient, signal: AbortSignal): Promise<LocalizedText> {
  const response = await client.request({ target: '', signal });
  const isRefused = response.status === 401 || response.status === 403 || response.status >= 500;
  if (isRefused) throw await response.failure();
  response.discard();
  return {
    'en-US': `no entity to read yet; the base URL answered ${response.status}`,
    'pt-BR': `nenhuma entidade para ler ainda; a URL base respondeu ${response.status}`,
  };
}
