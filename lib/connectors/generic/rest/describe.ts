import type { EntityInfo, JsonSchema } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import type { HttpClient } from '../../../protocols/http/client';
import { SharedWork } from '../../../shared-work';
import type { ConnectorEnvironment, EntityDescription } from '../../contract';
import { propertiesOf } from '../../sample-schema';
import { ask, parseJson } from './answer';
import { draftEntities } from './openapi';
import { firstRecords, type Source } from './read';
import { type EntitySetting, type RestSettings, resolveEntity } from './settings';

const SAMPLE_RECORDS = 50;
const LARGEST_DOCUMENT = 16 * 1024 * 1024;

/** What a connection can describe: its entities, and the drafts of those that the API's own description names. */
export class Catalogue {
  readonly #client: HttpClient;
  readonly #settings: RestSettings;
  readonly #log: ConnectorEnvironment['log'];
  readonly #drafts: SharedWork<Record<string, EntitySetting>>;

  constructor(client: HttpClient, settings: RestSettings, log: ConnectorEnvironment['log']) {
    this.#client = client;
    this.#settings = settings;
    this.#log = log;
    this.#drafts = new SharedWork((signal) => this.#draft(signal));
  }

  async list(signal: AbortSignal): Promise<EntityInfo[]> {
    signal.throwIfAborted();
    const infos = Object.entries(this.#settings.entities).map(([name, entity]) => entityInfo(name, entity));
    const drafts = await this.#drafts.get(signal).catch((thrown: unknown) => {
      const { code, message } = IntegrationError.from(thrown);
      this.#log('warn', `The OpenAPI document cannot be read: ${code}: ${message}`);
      return {};
    });
    const names = Object.keys(drafts).filter((name) => !Object.hasOwn(this.#settings.entities, name));
    return [...infos, ...names.map(draftInfo)];
  }

  /** Fields as the first records show them; a draft is described by itself, to be corrected and taken over. */
  async describe(name: string, signal: AbortSignal): Promise<EntityDescription> {
    signal.throwIfAborted();
    if (!Object.hasOwn(this.#settings.entities, name) && this.#settings.openapi !== undefined) {
      const drafts = await this.#drafts.get(signal);
      const draft = Object.hasOwn(drafts, name) ? drafts[name] : undefined;
      if (draft !== undefined) return { info: draftInfo(name), schema: { type: 'object', 'x-draft': draft } };
    }
    const entity = resolveEntity(name, this.#settings);
    const source: Source = { client: this.#client, settings: this.#settings, entity, log: this.#log };
    const records = entity.path === undefined ? [] : await firstRecords(source, SAMPLE_RECORDS, signal);
    const schema: JsonSchema = { type: 'object', properties: propertiesOf(records) };
    return { info: entityInfo(name, entity), schema };
  }

  async #draft(signal: AbortSignal): Promise<Record<string, EntitySetting>> {
    const { openapi } = this.#settings;
    if (openapi === undefined) return {};
    const { baseUrl } = this.#client;
    const target = this.#client.resolveLink(openapi, new URL(`${baseUrl.pathname.replace(/\/$/, '')}/`, baseUrl));
    const response = await ask(this.#client, { target, signal, maxBytes: LARGEST_DOCUMENT });
    return draftEntities(parseJson(await response.jsonText(), response.url), baseUrl.pathname);
  }
}

function entityInfo(name: string, entity: EntitySetting): EntityInfo {
  return {
    name,
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
