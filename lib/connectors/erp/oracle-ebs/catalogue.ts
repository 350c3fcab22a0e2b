import type { EntityInfo } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { SqlDatabase } from '../../../protocols/sql/database';
import type { EntityDescription } from '../../contract';
import { concernsOne, Entities, entityInfo, entitySchema, type ResolvedEntity } from '../../generic/database/entities';
import type { Posting } from './posting';
import { interfaceView, PRESETS, type Preset, viewOf } from './presets';
import type { EbsSettings } from './settings';

const POSTINGS = PRESETS.flatMap(({ posting }) => posting ?? []);

/** What there is of E-Business Suite: the presets, the interfaces behind those that are written, and the views of the connection. */
export class Catalogue {
  readonly #entities: Entities;
  readonly #own: readonly string[];

  constructor(
    readonly database: SqlDatabase,
    { organizations, views, sourceCode }: Pick<EbsSettings, 'organizations' | 'views' | 'sourceCode'>,
  ) {
    const presets = PRESETS.map((preset) => [preset.entity, viewOf(preset, organizations, database.dialect)] as const);
    const waiting = POSTINGS.map(
      (posting) => [posting.table, interfaceView(posting, sourceCode, database.dialect)] as const,
    );
    // What was posted is looked for in all organizations, whatever the connection reads.
    const posted = PRESETS.map(
      (preset) =>
        [postedName(preset.entity), viewOf({ ...preset, ...preset.posting?.posted }, [], database.dialect)] as const,
    );
    // A view of the connection may take the place of a preset: flexfields are the customer's own.
    this.#entities = new Entities(database, new Map([...presets, ...waiting, ...views, ...posted]));
    this.#own = [...views.keys()];
  }

  /** @throws config PCP_ENTITY_UNKNOWN, or what its tables are refused with */
  async resolve(name: string): Promise<ResolvedEntity> {
    if (!this.names.has(name)) throw unknownEntity(name, [...this.names]);
    return this.#entities.resolve(name).catch((thrown: unknown) => {
      throw this.#own.includes(name) ? thrown : inWordsOfEbs(thrown, name, this.preset(name)?.tables ?? [name]);
    });
  }

  /** Where the postings of an entity are: those that wait or were refused, and those that were made. */
  async postings(entity: string, { table }: Posting): Promise<{ waiting: ResolvedEntity; posted: ResolvedEntity }> {
    const resolve = (name: string) =>
      this.#entities.resolve(name).catch((thrown: unknown) => {
        throw inWordsOfEbs(thrown, entity, [table, ...(this.preset(entity)?.tables ?? [])]);
      });
    return { waiting: await resolve(table), posted: await resolve(postedName(entity)) };
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
    const { mappings, posting } = this.preset(name) ?? {};
    const { properties, ...schema } = entitySchema(entity);
    const written = posting?.fields ?? {};
    const both = { ...schema, properties: { ...written, ...properties } };
    return {
      info: this.#named(entityInfo(entity)),
      // What is read need not be complete for what is written, nor the other way round.
      schema: {
        ...(posting === undefined ? both : { ...both, required: [] }),
        ...(mappings !== undefined && { 'x-mappings': mappings }),
      },
    };
  }

  preset(name: string): Preset | undefined {
    return PRESETS.find(({ entity }) => entity === name);
  }

  get names(): ReadonlySet<string> {
    return new Set([...PRESETS.map(({ entity }) => entity), ...POSTINGS.map(({ table }) => table), ...this.#own]);
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
    const { titles, posting } = this.preset(info.name) ?? {};
    const label = titles?.['en-US'] ?? (isInterface(info.name) ? 'Transactions that wait or were refused' : undefined);
    return {
      ...info,
      writable: info.readable && posting !== undefined,
      ...(label !== undefined && { label }),
      ...(titles && { labels: { ...titles } }),
    };
  }
}

/** No entity of a connection can be named so: it is for the hub's own use. */
function postedName(entity: string): string {
  return `${entity}\0posted`;
}

function isInterface(name: string): boolean {
  return POSTINGS.some(({ table }: Posting) => table === name);
}

/** What a DBA has to do about tables that the user cannot read. */
function inWordsOfEbs(thrown: unknown, entity: string, tables: readonly string[]): IntegrationError {
  const error = IntegrationError.from(thrown);
  if (!concernsOne(error)) return error;
  return new IntegrationError(error.class, error.code, phrase`"${entity}" cannot be read: ${error.said}`, {
    path: '/source_entity',
    hint: `Let the DBA grant SELECT on ${tables.join(', ')} to the user.`,
    cause: thrown,
  });
}

function unknownEntity(name: string, known: readonly string[]): IntegrationError {
  return new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', phrase`"${name}" is not an entity of the connection.`, {
    path: '/source_entity',
    hint: `Take one of ${known.join(', ')}, or give the connection a view of its own.`,
  });
}
