import type { EntityInfo, JsonSchema } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { HttpClient } from '../../../protocols/http/client';
import { placeOf } from '../../../protocols/http/url';
import { SharedWork } from '../../../shared-work';
import type { ConnectorEnvironment, EntityDescription } from '../../contract';
import { propertiesOf } from '../../sample-schema';
import { ask } from './answer';
import { draftEntities } from './openapi';
import { type ApiDocument, readDocument } from './openapi-document';
import { firstRecords, type Source } from './read';
import { type EntitySetting, type RestSettings, resolveEntity } from './settings';

const SAMPLE_RECORDS = 50;
const LARGEST_DOCUMENT = 16 * 1024 * 1024;
const MOST_NAMES = 5;

interface Drafts {
  drafts: Record<string, EntitySetting>;
  /** Why there may be more than these. */
  fault?: IntegrationError;
}

/** What a connection can describe: its entities, and the drafts of those that the API's own description names. */
export class Catalogue {
  readonly #client: HttpClient;
  readonly #settings: RestSettings;
  readonly #log: ConnectorEnvironment['log'];
  readonly #drafts: SharedWork<Drafts>;

  constructor(client: HttpClient, settings: RestSettings, log: ConnectorEnvironment['log']) {
    this.#client = client;
    this.#settings = settings;
    this.#log = log;
    this.#drafts = new SharedWork((signal) => this.#draft(signal));
  }

  async list(signal: AbortSignal): Promise<EntityInfo[]> {
    signal.throwIfAborted();
    const infos = Object.entries(this.#settings.entities).map(([name, entity]) => entityInfo(name, entity));
    return [...infos, ...(await this.#listDrafts(signal))];
  }

  /** What cannot be read of the document is told by an entry of its own. */
  async #listDrafts(signal: AbortSignal): Promise<EntityInfo[]> {
    try {
      const { drafts, fault } = await this.#drafts.get(signal);
      const names = Object.keys(drafts).filter((name) => !Object.hasOwn(this.#settings.entities, name));
      const infos = names.map((name) => ({ ...draftInfo(name), draft: drafts[name] }));
      return fault === undefined ? infos : [...infos, this.#faultInfo(fault)];
    } catch (thrown) {
      signal.throwIfAborted();
      return [this.#faultInfo(thrown)];
    }
  }

  #faultInfo(thrown: unknown): EntityInfo {
    return { ...draftInfo('openapi'), error: IntegrationError.from(thrown).toJSON() };
  }

  /** Fields as the first records show them; a draft is described by itself, to be corrected and taken over. */
  async describe(name: string, signal: AbortSignal): Promise<EntityDescription> {
    signal.throwIfAborted();
    if (!Object.hasOwn(this.#settings.entities, name) && this.#settings.openapi !== undefined) {
      const { drafts } = await this.#drafts.get(signal);
      const draft = Object.hasOwn(drafts, name) ? drafts[name] : undefined;
      if (draft !== undefined) return { info: draftInfo(name), schema: { type: 'object', 'x-draft': draft } };
    }
    const entity = resolveEntity(name, this.#settings);
    const source: Source = { client: this.#client, settings: this.#settings, entity, log: this.#log };
    const records = entity.path === undefined ? [] : await firstRecords(source, SAMPLE_RECORDS, signal);
    const schema: JsonSchema = { type: 'object', properties: propertiesOf(records) };
    return { info: entityInfo(name, entity), schema };
  }

  async #draft(signal: AbortSignal): Promise<Drafts> {
    const { openapi } = this.#settings;
    if (openapi === undefined) return { drafts: {} };
    const { baseUrl } = this.#client;
    const document = await this.#document(openapi, signal);
    const drafts = draftEntities(document, baseUrl.pathname);
    return document.others.size === 0 ? { drafts } : { drafts, fault: inParts([...document.others]) };
  }

  /** The setting is where the document is, or the document itself. */
  async #document(openapi: string, signal: AbortSignal): Promise<ApiDocument> {
    if (/^\s*\{|\n/.test(openapi)) return readDocument(openapi, phrase`The document`);
    const { baseUrl } = this.#client;
    const target = this.#client.resolveLink(openapi, new URL(`${baseUrl.pathname.replace(/\/$/, '')}/`, baseUrl));
    const response = await ask(this.#client, { target, signal, maxBytes: LARGEST_DOCUMENT });
    return readDocument(await response.jsonText(), placeOf(response.url));
  }
}

function inParts(others: string[]): IntegrationError {
  const named = others.slice(0, MOST_NAMES).join(', ');
  const message = phrase`Parts of the OpenAPI document are in others, which are not read: ${named}.`;
  return new IntegrationError('config', 'PCP_REST_OPENAPI', message, {
    path: '/config/openapi',
    hint: 'Bundle them into one document, for example by "npx @redocly/cli bundle openapi.yaml -o bundled.yaml".',
  });
}

function entityInfo(name: string, entity: EntitySetting): EntityInfo {
  const path = entity.path ?? (entity.create ?? entity.bulk ?? entity.update)?.path;
  return {
    name,
    ...(path !== undefined && { label: `${name} (${path})` }),
    kind: 'resource',
    key: entity.key ?? [],
    readable: entity.path !== undefined,
    writable: (entity.create ?? entity.update ?? entity.bulk) !== undefined,
  };
}

/** Drafts are guesses, so they are neither read nor written before somebody took them over. */
function draftInfo(name: string): EntityInfo {
  return { name, label: `${name} (OpenAPI)`, kind: 'draft', key: [], readable: false, writable: false };
}
