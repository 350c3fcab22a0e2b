import { createHash } from 'node:crypto';
import type { EntityInfo, JsonSchema } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import type { HttpClient } from '../../../protocols/http/client';
import { parseIdocs } from '../../../protocols/idoc/parse';
import { IDOC_TYPES, type IdocType, type Segment } from '../../../protocols/idoc/types';
import { idocXml } from '../../../protocols/idoc/write';
import { parameterText } from '../../../protocols/odata/query';
import type {
  DescribedRequest,
  EntityDescription,
  Recognition,
  WriteGuarantee,
  WriteRecord,
  WriteResult,
  Writer,
  WriteTarget,
} from '../../contract';
import { LostAnswer, WriteRun } from '../../write-run';
import type { ODataEntity } from '../odata/entity';
import { NO_IDOC } from './idoc-settings';
import type { SapSettings } from './settings';

/** Nobody can be asked what became of an IDoc whose answer was lost: a person looks it up in transaction BD87. */
export const IDOC_GUARANTEE: WriteGuarantee = {
  ...{ upsertByKey: false, idempotencyKey: false, lookup: 'none', transactional: false, snapshot: false },
};

/** Of the control record: what identifies the document on our side; the part of it goes into the key. */
const KEY_LENGTH = 70;
const KEY = { ARCKEY: { type: 'string', maxLength: KEY_LENGTH }, ARCKEY_PART: { type: 'string' } };
/** "YYYYMMDDHHmmss" */
const MOMENT_LENGTH = 14;
const PREFIX = 'idoc/';

export function isIdoc(entity: string): boolean {
  return entity.startsWith(PREFIX);
}

/** Goods movements give their document a reference of ours; where it is in the IDoc, and in what is read of it. */
const REFERENCE = {
  type: /^MBGMCR\d\d$/,
  path: ['E1MBGMCR', 'E1BP2017_GM_HEAD_01', 'REF_DOC_NO'],
  set: 'A_MaterialDocumentHeader',
  kept: 'ReferenceDocument',
};

/** Tells the documents that an IDoc has posted from others; null where they are not among what is read, or nothing tells them. */
export function idocRecognition({ set }: Pick<ODataEntity, 'set'>, entity: string): Recognition | null {
  if (!REFERENCE.type.test(entity.slice(PREFIX.length)) || set.name !== REFERENCE.set) return null;
  return {
    fields: [REFERENCE.kept],
    ownKey: (record) => textOf(record[REFERENCE.kept]) ?? null,
    // What SAP called it is not told to whoever sends an IDoc.
    externalKey: () => undefined,
  };
}

function memberOf(value: unknown, name: string): unknown {
  return (value as Record<string, unknown> | null | undefined)?.[name];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The IDocs of a connection: what it takes, and what it sends. */
export class Idocs {
  readonly #client: HttpClient;
  readonly #settings: SapSettings;

  constructor(client: HttpClient, settings: SapSettings) {
    this.#client = client;
    this.#settings = settings;
  }

  list(): EntityInfo[] {
    return this.#settings.idoc === undefined ? [] : this.#types.map(infoOf);
  }

  /** @throws config PCP_ENTITY_UNKNOWN */
  describe(entity: string): EntityDescription {
    const type = this.#typeOf(entity);
    const { mappings } = IDOC_TYPES.find((each) => each.type === type.type) ?? {};
    const own = segmentsSchema(type.segments);
    const schema = { ...own, properties: { ...KEY, ...own.properties } };
    return { info: infoOf(type), schema: mappings === undefined ? schema : { ...schema, 'x-mappings': mappings } };
  }

  /** What SAP sent, for a flow to map: control record and segments of each. @throws data PCP_IDOC_INVALID */
  read(payload: unknown): unknown {
    const text = Buffer.isBuffer(payload) ? payload.toString('utf8') : String(payload ?? '');
    return parseIdocs(text, this.#types).map(({ control, data }) => ({ control, ...data }));
  }

  /** @throws config PCP_NOT_WRITABLE */
  writer(target: Pick<WriteTarget, 'entity' | 'assertSafeToWrite'>): Writer {
    const type = this.#typeOf(target.entity);
    if (type.direction === 'out') {
      throw new IntegrationError('config', 'PCP_NOT_WRITABLE', `${type.type} comes from SAP.`, {
        path: '/source_entity',
        hint: 'Take it with a webhook, and read it with the function read_idoc.',
      });
    }
    const finish = async () => undefined;
    return {
      ...(REFERENCE.type.test(type.type) && {
        ownKey: ({ data }: WriteRecord) => textOf(REFERENCE.path.reduce(memberOf, data)),
      }),
      write: (records, signal) => this.#write(type, records, target, signal),
      finish,
      abandon: finish,
    };
  }

  request(entity: string, record: WriteRecord): DescribedRequest {
    const { target, headers, body } = this.#requestOf(this.#typeOf(entity), record);
    return { method: 'POST', url: `${String(this.#client.baseUrl).replace(/\/$/, '')}${target}`, headers, body };
  }

  async #write(
    type: IdocType,
    records: readonly WriteRecord[],
    target: Pick<WriteTarget, 'assertSafeToWrite'>,
    signal: AbortSignal,
  ): Promise<WriteResult[]> {
    signal.throwIfAborted();
    const run = new WriteRun(records.length, this.#settings.parallelWrites, signal, target);
    await run.each(
      records.map((_, index) => [index]),
      async ([index]) => {
        run.results[index!] = await this.#post(type, records[index!]!, target, signal);
      },
    );
    return run.end();
  }

  /** SAP keeps the IDoc before it answers; what becomes of it later shows in its status there. */
  async #post(
    type: IdocType,
    record: WriteRecord,
    { assertSafeToWrite: beforeSend }: Pick<WriteTarget, 'assertSafeToWrite'>,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const request = this.#requestOf(type, record);
    try {
      const response = await this.#client.request({
        method: 'POST',
        ...request,
        ...(beforeSend && { beforeSend }),
        signal,
      });
      if (!response.ok) throw await response.failure();
      response.discard();
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      throw error.outcomeUnknown ? new LostAnswer(error, false) : error;
    }
    return { outcome: 'created', externalKey: numberOf(record) };
  }

  #requestOf(type: IdocType, record: WriteRecord): { target: string; headers: Record<string, string>; body: string } {
    const { session, idoc } = this.#settings;
    const settings = idoc ?? NO_IDOC;
    const { ARCKEY = record.key, ARCKEY_PART, ...data } = record.data;
    const key = (ARCKEY_PART ?? '') === '' ? String(ARCKEY) : `${ARCKEY}/${ARCKEY_PART}`;
    const control = {
      ...{ TABNAM: 'EDI_DC40', MANDT: session.parameters['sap-client'] ?? '', DOCNUM: numberOf(record), DIRECT: '2' },
      ...{ IDOCTYP: type.type, MESTYP: type.message },
      ...{ SNDPOR: settings.sender_port, SNDPRT: 'LS', SNDPRN: settings.sender },
      ...{ RCVPOR: settings.receiver_port, RCVPRT: 'LS', RCVPRN: settings.receiver },
      // By which the document is found in transaction WE09.
      ARCKEY: key.slice(0, KEY_LENGTH),
    };
    return {
      target: `${settings.path}${parameterText(Object.entries(session.parameters))}`,
      headers: { 'content-type': 'text/xml; charset=utf-8' },
      body: idocXml(type, control, data),
    };
  }

  #typeOf(entity: string): IdocType {
    const found = this.#types.find(({ type }) => PREFIX + type === entity);
    if (found !== undefined) return found;
    throw new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', `"${entity}" is not a known type of IDocs.`, {
      path: '/source_entity',
      hint: `There are ${this.#types.map(({ type }) => PREFIX + type).join(', ')}; add yours to "types" of the setting "idoc".`,
    });
  }

  get #types(): readonly IdocType[] {
    return [...(this.#settings.idoc?.types ?? []), ...IDOC_TYPES];
  }
}

function infoOf({ type, message, titles, direction }: IdocType): EntityInfo {
  return {
    name: PREFIX + type,
    label: titles?.['en-US'] ?? message,
    kind: 'IDoc',
    key: direction === 'in' ? ['ARCKEY'] : [],
    readable: false,
    writable: direction === 'in',
  };
}

function segmentsSchema(segments: readonly Segment[]): JsonSchema {
  const one = ({ name, many, fields, moments = {}, segments: inner = [] }: Segment): [string, JsonSchema] => {
    const own = [...Object.entries(fields), ...Object.keys(moments).map((moment) => [moment, MOMENT_LENGTH] as const)];
    const texts = own.map(([field, maxLength]) => [field, { type: 'string', maxLength }]);
    const schema: JsonSchema = {
      type: 'object',
      properties: { ...Object.fromEntries(texts), ...segmentsSchema(inner).properties },
    };
    return [name, many === true ? { type: 'array', items: schema } : schema];
  };
  return { type: 'object', properties: Object.fromEntries(segments.map(one)) };
}

/** 16 digits that are the same for every attempt of one change. */
function numberOf({ key, hash, idempotencyKey }: WriteRecord): string {
  const digest = createHash('sha256')
    .update(`${idempotencyKey ?? key}|${hash}`)
    .digest();
  return String(digest.readBigUInt64BE() % 10n ** 16n).padStart(16, '0');
}
