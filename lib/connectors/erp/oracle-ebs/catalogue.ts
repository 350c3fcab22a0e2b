import type { EntityInfo } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import type { SqlDatabase } from '../../../protocols/sql/database';
import type { EntityDescription } from '../../contract';
import { concernsOne, Entities, entityInfo, entitySchema, type ResolvedEntity } from '../../generic/database/entities';
import { PRESETS, type Preset, viewOf } from './presets';
import type { EbsSettings } from './settings';

/** What is read of E-Business Suite: the presets, and the views of the connection. */
export class Catalogue {
  readonly #entities: Entities;
  readonly #own: readonly string[];

  constructor(
    readonly database: SqlDatabase,
    { organizations, views }: Pick<EbsSettings, 'organizations' | 'views'>,
  ) {
    const presets = PRESETS.map((preset) => [preset.entity, viewOf(preset, organizations, database.dialect)] as const);
    // A view of the connection may take the place of a preset: flexfields are the customer's own.
    this.#entities = new Entities(database, new Map([...presets, ...views]));
    this.#own = [...views.keys()];
  }

  /** @throws config PCP_ENTITY_UNKNOWN, or what its tables are refused with */
  async resolve(name: string): Promise<ResolvedEntity> {
    const preset = this.preset(name);
    if (preset === undefined && !this.#own.includes(name)) throw unknownEntity(name, [...this.names]);
    return this.#entities.resolve(name).catch((thrown: unknown) => {
      throw preset === undefined || this.#own.includes(name) ? thrown : inWordsOfEbs(thrown, preset);
    });
  }

  async list(signal: AbortSignal): Promise<EntityInfo[]> {
    const infos: EntityInfo[] = [];
    for (const name of this.names) {
      signal.throwIfAborted();
      infos.push(await this.#info(name));
    }
    const failed = infos.find(({ error }) => error !== undefined)?.error;
    if (failed !== undefined && infos.every(({ error }) => error !== undefined))
      throw IntegrationError.fromJSON(failed);
    return infos;
  }

  /** With the mappings that work as they are, in `x-mappings`. */
  async describe(name: string): Promise<EntityDescription> {
    const entity = await this.resolve(name);
    const mappings = this.preset(name)?.mappings;
    const schema = { ...entitySchema(entity), ...(mappings !== undefined && { 'x-mappings': mappings }) };
    return { info: this.#named(entityInfo(entity)), schema };
  }

  preset(name: string): Preset | undefined {
    return PRESETS.find(({ entity }) => entity === name);
  }

  get names(): ReadonlySet<string> {
    return new Set([...PRESETS.map(({ entity }) => entity), ...this.#own]);
  }

  /** One that cannot be read does not hide the others. */
  async #info(name: string): Promise<EntityInfo> {
    try {
      return this.#named(entityInfo(await this.resolve(name)));
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      if (!concernsOne(error)) throw error;
      const key = this.preset(name)?.key ?? [];
      return this.#named({ name, kind: 'view', key, readable: false, writable: false, error: error.toJSON() });
    }
  }

  #named(info: EntityInfo): EntityInfo {
    const label = this.preset(info.name)?.titles['en-US'];
    return { ...info, ...(label !== undefined && { label }) };
  }
}

/** What a DBA has to do about tables that the user cannot read. */
function inWordsOfEbs(thrown: unknown, { entity, tables }: Preset): IntegrationError {
  const error = IntegrationError.from(thrown);
  if (!concernsOne(error)) return error;
  return new IntegrationError(error.class, error.code, `"${entity}" cannot be read: ${error.message}`, {
    path: '/source_entity',
    hint: `Let the DBA grant SELECT on ${tables.join(', ')} to the user, or give the connection a view of its own named "${entity}".`,
    cause: thrown,
  });
}

function unknownEntity(name: string, known: readonly string[]): IntegrationError {
  return new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', `"${name}" is not an entity of the connection.`, {
    path: '/source_entity',
    hint: `Take one of ${known.join(', ')}, or give the connection a view of its own.`,
  });
}
