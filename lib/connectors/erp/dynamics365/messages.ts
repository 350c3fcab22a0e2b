import type { EntityInfo } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { parseExactJson } from '../../../model/exact-json';
import { phrase } from '../../../model/phrase';
import { refuseWebPage } from '../../../protocols/http/web-page';
import { Batching } from '../../../protocols/odata/batching';
import type { Entity } from '../../../protocols/odata/entity';
import { failureOf } from '../../../protocols/odata/fault';
import { findEach } from '../../../protocols/odata/find';
import type {
  DescribedRequest,
  EntityDescription,
  Resolution,
  WriteGuarantee,
  WriteInterruption,
  WriteRecord,
  WriteResult,
  Writer,
  WriteTarget,
} from '../../contract';
import { LostAnswer, WriteRun } from '../../write-run';
import { externalKey } from '../external-key';
import type { Catalogue } from './catalogue';
import { COMPANY } from './company';
import { inWordsOfDynamics } from './explain';
import { contentOf, ITEM_FIELD, KEY_FIELD, MESSAGES, type MessageType, messageSchema } from './message';

type Data = Record<string, unknown>;

const PREFIX = 'mes/';
const TARGET = '/api/services/SysMessageServices/SysMessageService/SendMessage';
const QUEUE = 'JmgMES3P';
const HEADERS = { 'content-type': 'application/json', accept: 'application/json' };

/** A data entity of the customer's own, over the messages of the queue. */
export interface MessageLog {
  entity_set: string;
  /** Its field that gives our key, and the member of the message that holds it. */
  key: string;
  /** Its field that gives the content of the message. */
  content: string;
}

export function isMessage(entity: string): boolean {
  return entity.startsWith(PREFIX);
}

/**
 * The messages of the MES integration. The queue keeps one before it answers, and works on it later, in order for each
 * production order. It knows no key of ours: where the environment has a data entity over its messages each is looked for
 * before it is sent, else nobody can be asked what became of one whose answer was lost.
 */
export class Messages {
  readonly #catalogue: Catalogue;

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue;
  }

  list(): EntityInfo[] {
    return MESSAGES.map(infoOf);
  }

  /** @throws config PCP_ENTITY_UNKNOWN */
  describe(entity: string): EntityDescription {
    const type = typeOf(entity);
    return { info: infoOf(type), schema: messageSchema(type) };
  }

  guarantee(): WriteGuarantee {
    const { messageLog, timeoutMs } = this.#catalogue.settings;
    const lookup = messageLog === undefined ? 'none' : 'strong';
    const promise = {
      upsertByKey: false,
      idempotencyKey: false,
      lookup,
      transactional: false,
      snapshot: false,
    } as const;
    return { ...promise, settleMs: 2 * timeoutMs };
  }

  writer(target: Pick<WriteTarget, 'entity' | 'assertSafeToWrite'>): Writer {
    const type = typeOf(target.entity);
    const finish = async () => undefined;
    return {
      write: (records, signal) => this.#write(type, records, target, signal),
      ...(this.#log !== undefined && {
        resolve: (records: WriteRecord[], signal: AbortSignal) => this.#resolve(type, records, signal),
      }),
      finish,
      abandon: finish,
    };
  }

  request(entity: string, record: WriteRecord): DescribedRequest {
    const { baseUrl } = this.#catalogue.client;
    const body = this.#bodyOf(typeOf(entity), record.data, record.key);
    return { method: 'POST', url: `${String(baseUrl).replace(/\/$/, '')}${TARGET}`, headers: HEADERS, body };
  }

  /** The content of the message that was sent for a record; null where there is none, undefined where nobody can tell. */
  async find(
    records: readonly Pick<WriteRecord, 'data' | 'key'>[],
    signal: AbortSignal,
  ): Promise<(Data | null | undefined)[]> {
    const log = this.#log;
    if (log === undefined) return records.map(() => undefined);
    const found = await this.#ask(log, records, signal);
    return found.map((entity) => {
      if (entity instanceof IntegrationError) throw entity;
      return entity && contentIn(entity, log);
    });
  }

  get #log(): MessageLog | undefined {
    return this.#catalogue.settings.messageLog;
  }

  async #write(
    type: MessageType,
    records: readonly WriteRecord[],
    target: Pick<WriteTarget, 'assertSafeToWrite'>,
    signal: AbortSignal,
  ): Promise<WriteResult[]> {
    signal.throwIfAborted();
    const there = this.#log && (await this.#ask(this.#log, records, signal).catch(nothingSent(records)));
    const run = new WriteRun(records.length, this.#catalogue.settings.parallelWrites, signal, target);
    await run.each(inOrder(records), async (indexes) => {
      for (const index of indexes) {
        try {
          signal.throwIfAborted();
          target.assertSafeToWrite?.();
          run.results[index] = await this.#send(type, records[index]!, there?.[index], target, signal);
        } catch (thrown) {
          run.fail([index], thrown);
          // The messages of an order are worked on as they came: what belongs behind this one must not pass it.
          if (run.results[index]?.outcome !== 'failed') return;
        }
      }
    });
    return run.end();
  }

  /** @param there what the environment has of it, where it can tell */
  async #send(
    type: MessageType,
    record: WriteRecord,
    there: Entity | IntegrationError | null | undefined,
    { assertSafeToWrite: beforeSend }: Pick<WriteTarget, 'assertSafeToWrite'>,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    if (there instanceof IntegrationError) throw there;
    const body = this.#bodyOf(type, record.data, record.key);
    const sentBefore = record.wasWritten === true || record.externalKey !== undefined;
    if (there && this.#isSame(there, body)) return { outcome: 'unchanged', externalKey: this.#keyOf(record) };
    if (there || sentBefore) throw postedBefore(this.#keyOf(record));
    const { client, settings } = this.#catalogue;
    try {
      const request = { method: 'POST', target: TARGET, headers: HEADERS, body, signal };
      const response = await client.request({ ...request, ...(beforeSend && { beforeSend }) });
      if (!response.ok) throw await failureOf(response, settings.secrets);
      refuseWebPage(response);
      response.discard();
    } catch (thrown) {
      const error = inWordsOfDynamics(thrown, 'service of the MES integration');
      throw error.outcomeUnknown ? new LostAnswer(error, false) : error;
    }
    return { outcome: 'created', externalKey: this.#keyOf(record) };
  }

  async #resolve(type: MessageType, records: readonly WriteRecord[], signal: AbortSignal): Promise<Resolution[]> {
    const found = await this.#ask(this.#log as MessageLog, records, signal);
    return found.map((there, index): Resolution => {
      const record = records[index]!;
      if (there === null) return { state: 'absent' };
      if (there instanceof IntegrationError) return { state: 'unknown', error: there };
      const isSame = this.#isSame(there, this.#bodyOf(type, record.data, record.key));
      return {
        state: 'found',
        externalKey: this.#keyOf(record),
        data: isSame ? record.data : contentIn(there, this.#log as MessageLog),
      };
    });
  }

  async #ask(
    log: MessageLog,
    records: readonly Pick<WriteRecord, 'data' | 'key'>[],
    signal: AbortSignal,
  ): Promise<(Entity | IntegrationError | null)[]> {
    const { service, set, model } = await this.#catalogue.resolve(log.entity_set, signal);
    const keys = records.map((record) => this.#keyOf(record));
    const batching = new Batching(service, set, model);
    const selection = { select: [...new Set([log.key, log.content, ...set.type.key])] };
    const found = await findEach(batching, log.key, keys, selection, signal);
    return found.map((entities) => (entities instanceof IntegrationError ? entities : (entities[0] ?? null)));
  }

  #isSame(there: Entity, body: string): boolean {
    const sent = JSON.parse(body) as { _messageContent: string };
    return JSON.stringify(contentIn(there, this.#log as MessageLog)) === JSON.stringify(parsed(sent._messageContent));
  }

  #bodyOf(type: MessageType, data: Data, key: string): string {
    const company = String(data[COMPANY] ?? '') || this.#catalogue.settings.company;
    if (company === '') throw noCompany();
    const own = this.#log === undefined ? {} : { [this.#log.key]: this.#keyOf({ data, key }) };
    return JSON.stringify({
      ...{ _companyId: company.toUpperCase(), _messageQueue: QUEUE, _messageType: type.type },
      _messageContent: contentOf(data, type, own),
    });
  }

  #keyOf({ data, key }: Pick<WriteRecord, 'data' | 'key'>): string {
    const { sender } = this.#catalogue.settings;
    const own = [data[KEY_FIELD], data[ITEM_FIELD]].filter((part) => (part ?? '') !== '').join('/');
    return externalKey(own || key, { form: 'guid' }, sender);
  }
}

function contentIn({ data }: Entity, { content }: MessageLog): Data {
  return parsed(String(data[content] ?? ''));
}

function parsed(content: string): Data {
  try {
    return parseExactJson(content) as Data;
  } catch {
    return {};
  }
}

/** Whatever went wrong was before the first of them. */
function nothingSent(records: readonly unknown[]): (thrown: unknown) => never {
  return (thrown) => {
    const results = records.map(() => undefined);
    throw Object.assign(IntegrationError.from(thrown), { results } satisfies WriteInterruption);
  };
}

/** Positions of the records, those of one order together and one after the other. */
function inOrder(records: readonly WriteRecord[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const [index, { data }] of records.entries()) {
    const order = String(data.ProductionOrderNumber ?? '');
    groups.set(order, [...(groups.get(order) ?? []), index]);
  }
  return [...groups.values()];
}

function typeOf(entity: string): MessageType {
  const found = MESSAGES.find((type) => type.entity === entity);
  if (found !== undefined) return found;
  throw new IntegrationError(
    'config',
    'PCP_ENTITY_UNKNOWN',
    phrase`"${entity}" is no message of the MES integration.`,
    {
      path: '/source_entity',
      hint: `There are ${MESSAGES.map((type) => type.entity).join(', ')}.`,
    },
  );
}

function infoOf({ entity, titles }: MessageType): EntityInfo {
  const named = { name: entity, label: titles['en-US'], labels: { ...titles } };
  return { ...named, kind: 'message', key: [KEY_FIELD], readable: false, writable: true };
}

function postedBefore(key: string): IntegrationError {
  const message = phrase`The message ${key} was sent before, with another content; what was sent cannot be changed.`;
  return new IntegrationError('data', 'PCP_ODATA_POSTED_BEFORE', message, {
    isFixed: true,
    hint: 'Correct the journal in Dynamics, or send the difference as a record of its own.',
  });
}

function noCompany(): IntegrationError {
  return new IntegrationError('data', 'PCP_DYNAMICS_MESSAGE', phrase`The message has no company.`, {
    path: COMPANY,
    hint: `Fill in the company of the connection, or map ${COMPANY}.`,
  });
}
