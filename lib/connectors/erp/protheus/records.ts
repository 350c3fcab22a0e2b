import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { HttpRequest } from '../../../protocols/http/client';
import type { Json } from '../../../protocols/totvs/answer';
import { NOT_FOUND } from '../../../protocols/totvs/fault';
import { externalKey } from '../external-key';
import { inTermsOf, isSame, withoutNothing } from '../same-record';
import type { ApiEntity, Catalogue } from './catalogue';
import { addressOf, findByApi } from './lookup';
import { externalKeyOf } from './recognise';
import { bodyOf, withOurMoments } from './record';

export type WriteRequest = Omit<HttpRequest, 'signal'>;
export const JSON_BODY = { 'content-type': 'application/json' };

/** How the records of an entity are found, and the requests that change them. */
export interface Records {
  /** Posted once, never changed. */
  readonly isDocument: boolean;
  /** A record as the system keeps it: its key may be another one there. */
  fieldsOf(data: Json): Json;
  keyOf(data: Json): string;
  find(data: Json, signal: AbortSignal): Promise<Found | null>;
  creation(data: Json, signal: AbortSignal): Promise<WriteRequest>;
  /** Whether a record that was to be deleted is not there. */
  isGone(error: { code: string; message: string }): boolean;
}

/** The record of the system that has the key of one of ours. */
export interface Found {
  data: Json;
  /** Null where it holds what ours does. */
  change(): WriteRequest | null;
  removal(): WriteRequest;
  /** What it holds, written as our record writes it wherever that is the same. */
  inTermsOf(ours: Json): Json;
}

/** Records of an API of the PCP module, or of another product. */
export class ApiRecords implements Records {
  readonly isDocument: boolean;

  constructor(
    private readonly catalogue: Catalogue,
    private readonly entity: ApiEntity,
  ) {
    this.isDocument = entity.preset.writes === 'document';
  }

  fieldsOf(data: Json): Json {
    const { external_key: field } = this.entity.preset;
    const value = field === undefined ? undefined : data[field];
    if (field === undefined || value === undefined || value === null || value === '') return data;
    const { stopKeyLength: length, sender } = this.catalogue.settings;
    return { ...data, [field]: externalKey(value, { form: 'short', length }, sender) };
  }

  keyOf(data: Json): string {
    return externalKeyOf(data, this.entity.key, this.entity.preset.properties);
  }

  async find(data: Json, signal: AbortSignal): Promise<Found | null> {
    const { entity } = this;
    const record = await findByApi(this.catalogue, entity, data, signal);
    if (record === null) return null;
    const held = withOurMoments(record, data, entity.preset);
    const target = addressOf(entity, data);
    return {
      data: held,
      change: () => {
        if (isSame(data, held)) return null;
        return { method: 'PUT', target, headers: JSON_BODY, body: bodyOf(data, entity.preset) };
      },
      removal: () => {
        if (entity.preset.by !== undefined) throw noDeletion(entity.name);
        return { method: 'DELETE', target: `${target}${this.isDocument ? '/reversal' : ''}` };
      },
      inTermsOf: (ours) => inTermsOf(ours, data, held),
    };
  }

  async creation(data: Json): Promise<WriteRequest> {
    const { path, preset } = this.entity;
    const { member } = preset.by ?? {};
    const own = member === undefined ? data : { [member]: this.catalogue.settings.company, ...data };
    return { method: 'POST', target: path, headers: JSON_BODY, body: bodyOf(withoutNothing(own) as Json, preset) };
  }

  isGone({ code }: { code: string }): boolean {
    return code === NOT_FOUND;
  }
}

function noDeletion(name: string): IntegrationError {
  return new IntegrationError('config', 'PCP_NOT_WRITABLE', phrase`Nothing of "${name}" can be deleted.`, {
    path: '/source_entity',
    hint: 'The published API has no way: reverse it in the system itself.',
  });
}
