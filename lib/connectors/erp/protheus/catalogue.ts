import type { EntityInfo } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import { NOT_FOUND } from '../../../protocols/totvs/fault';
import { type FieldType, isTable, ROW_NUMBER } from '../../../protocols/totvs/field';
import { queryTable } from '../../../protocols/totvs/generic-query';
import type { TotvsSession } from '../../../protocols/totvs/session';
import type { EntityDescription } from '../../contract';
import { Dictionary, isUnavailable, schemaOf } from './dictionary';
import { inWordsOfTotvs } from './explain';
import { listTarget } from './list-target';
import { entityName, Model, modelName } from './models/model';
import { type ApiPreset, type Preset, presetsOf, type TablePreset } from './presets';
import type { ProtheusSettings } from './settings';

/** An entity behind an API. */
export interface ApiEntity {
  kind: 'api';
  name: string;
  key: readonly string[];
  preset: ApiPreset;
  /** Below the base URL. */
  path: string;
}

/** An entity behind a table. */
export interface TableEntity {
  kind: 'table';
  name: string;
  key: readonly string[];
  table: string;
  /** Absent for a table that is named as it is: "SC2". */
  preset?: TablePreset;
}

export type ProtheusEntity = ApiEntity | TableEntity | Model;

/** What a server has. */
export class Catalogue {
  readonly dictionary: Dictionary;
  /** Published models that are declared. The others are asked for by name only: no server tells which it has. */
  readonly #declared: Model[];
  readonly #models = new Map<string, Model>();

  constructor(
    readonly session: TotvsSession,
    readonly settings: ProtheusSettings,
  ) {
    this.dictionary = new Dictionary(session, settings.query);
    this.#declared = this.#isProtheus ? Object.keys(settings.models).map((name) => this.#model(name)) : [];
  }

  /** @throws config PCP_ENTITY_UNKNOWN */
  async resolve(name: string, signal: AbortSignal): Promise<ProtheusEntity> {
    signal.throwIfAborted();
    const preset = this.#presets.find(({ entity }) => entity === name);
    if (preset !== undefined) return this.#placeOf(preset);
    const model = this.#isProtheus ? modelName(name) : undefined;
    if (model !== undefined) return this.#model(model);
    const found =
      isTable(name) && this.#isProtheus
        ? await this.dictionary.table(name, signal).catch(unlessUnavailable)
        : undefined;
    if (found !== undefined) return { kind: 'table', name, key: found.key, table: name };
    throw new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', phrase`"${name}" is not an entity of the connection.`, {
      path: '/source_entity',
      hint: `Take one of ${this.#presets.map(({ entity }) => entity).join(', ')}, or in Protheus a table of the dictionary (SC2) or a published model (fwmodel/MATA035).`,
    });
  }

  /** The entities of the plant first, then the models, then the tables of the dictionary; a route that does not answer is told at its entities. */
  async list(signal: AbortSignal): Promise<EntityInfo[]> {
    const asked = await this.routes(signal);
    const failures = asked.flatMap(({ error }) => (error === undefined ? [] : [error]));
    if (failures.length === asked.length && failures[0] !== undefined) throw failures[0];
    const errors = new Map(asked.map(({ name, error }) => [name, error]));
    const presets = this.#presets.map((preset) => presetInfo(preset, errors.get(this.#routeOf(preset))));
    const models = this.#declared.map((model) => model.info(errors.get(model.path)));
    const tables = this.#isProtheus ? await this.dictionary.tables(signal).catch(unlessUnavailable) : [];
    return [...presets, ...models, ...(tables ?? []).map(({ table, title, key }) => tableInfo(table, title, key))];
  }

  /** With the mappings that work as they are, in `x-mappings`. */
  async describe(name: string, signal: AbortSignal): Promise<EntityDescription> {
    const entity = await this.resolve(name, signal);
    if (entity.kind === 'model') return entity.describe(signal);
    if (entity.kind === 'api') {
      const { preset } = entity;
      const required = preset.required ?? [];
      const schema = { type: 'object', properties: preset.properties, required, 'x-mappings': preset.mappings };
      return { info: presetInfo(preset, undefined), schema };
    }
    const { preset, table } = entity;
    const known = await this.dictionary.fields(table, signal).catch(unlessUnavailable);
    // What is posted and stands in no column of the table, such as a memo, comes first: it is not read.
    const { body = {}, moment } = preset?.posting ?? {};
    const posted = Object.entries(body).map(([name, { type = 'C' }]) => [name, type] as const);
    const fields = [
      ...posted,
      ...(moment ? [[moment.name, 'C'] as const] : []),
      ...Object.entries(await this.fields(entity, undefined, signal)),
    ];
    const properties = Object.fromEntries(
      fields.map(([field, type]) => [
        field,
        schemaOf(
          type,
          known?.find((each) => each.name === field),
        ),
      ]),
    );
    const schema = { type: 'object', properties, ...(preset !== undefined && { 'x-mappings': preset.mappings }) };
    if (preset !== undefined) return { info: presetInfo(preset, undefined), schema };
    const found = await this.dictionary.table(table, signal);
    return { info: tableInfo(table, found?.title ?? '', entity.key), schema };
  }

  /**
   * Types of the fields of a table: of those named, else of all. Those that nobody knows are taken for texts: the server says
   * whether it has them.
   */
  async fields(
    { table, key, preset }: TableEntity,
    names: readonly string[] | undefined,
    signal: AbortSignal,
  ): Promise<Record<string, FieldType>> {
    const own = { ...preset?.fields, [ROW_NUMBER]: 'N' as const };
    const isEnough = preset !== undefined && names?.every((name) => name in own);
    const known = isEnough ? [] : await this.dictionary.fields(table, signal).catch(unlessUnavailable);
    const types: Record<string, FieldType> = Object.fromEntries((known ?? []).map(({ name, type }) => [name, type]));
    const all = { ...types, ...own };
    const wanted = new Set([...key, ...(names ?? Object.keys(all))]);
    return Object.fromEntries([...wanted].map((name) => [name, all[name as keyof typeof all] ?? 'C']));
  }

  /** Asks every route for one record. After a refused sign-in no other is asked: every wrong password counts. */
  async routes(signal: AbortSignal): Promise<{ name: string; error?: IntegrationError }[]> {
    const asked: { name: string; error?: IntegrationError }[] = [];
    const asks = new Map(
      this.#presets.map((preset) => this.#routeOf(preset)).map((route) => [route, this.#ask(route, signal)]),
    );
    for (const model of this.#declared) asks.set(model.path, () => model.sample(signal));
    for (const [name, ask] of asks) {
      const error = await ask().then(
        () => undefined,
        (thrown: unknown) => {
          signal.throwIfAborted();
          return inWordsOfTotvs(thrown, name);
        },
      );
      asked.push({ name, ...(error !== undefined && { error }) });
      if (error?.class === 'auth' || error?.class === 'transient') break;
    }
    return asked;
  }

  #ask(route: string, signal: AbortSignal): () => Promise<unknown> {
    const { session, settings } = this;
    if (route === settings.query.path) {
      const query = { table: 'SX2', fields: { X2_CHAVE: 'C' as const }, page: 1, pageSize: 1 };
      return () => queryTable(session, settings.query, query, signal);
    }
    return async () => {
      const by = this.#presets.filter(isApi).find((preset) => this.#routeOf(preset) === route)?.by;
      // Of no record: what counts is that the route answers.
      const target = by === undefined ? `${route}?page=1&pageSize=1` : listTarget(route, by, settings.company, '0');
      const response = await session.ask({ target, signal }).catch((thrown: unknown) => {
        // It answers: it just has nothing.
        if (IntegrationError.from(thrown).code !== NOT_FOUND) throw thrown;
      });
      response?.discard();
    };
  }

  get #presets(): Preset[] {
    return presetsOf(this.settings.product);
  }

  /** The other products have neither tables nor models to be asked for. */
  get #isProtheus(): boolean {
    return this.settings.product === 'protheus';
  }

  #model(name: string): Model {
    const { modelPath, models } = this.settings;
    const known = this.#models.get(name);
    if (known !== undefined) return known;
    const path = `${modelPath}/${name}`;
    const declared = Object.hasOwn(models, name) ? models[name] : undefined;
    const model = new Model(entityName(name), path, declared ?? {}, this.session, this.dictionary);
    this.#models.set(name, model);
    return model;
  }

  /** Below the base URL; all tables have the same. */
  #routeOf(preset: Preset): string {
    const { pcpPath, query } = this.settings;
    return isApi(preset) ? (preset.base ?? pcpPath) + preset.path : query.path;
  }

  #placeOf(preset: Preset): ProtheusEntity {
    const { entity: name, key } = preset;
    if (isApi(preset)) return { kind: 'api', name, key, preset, path: this.#routeOf(preset) };
    return { kind: 'table', name, key, table: preset.table, preset };
  }
}

function isApi(preset: Preset): preset is ApiPreset {
  return 'path' in preset;
}

function isWritten(preset: Preset): boolean {
  return isApi(preset) ? preset.writes !== undefined : preset.posting !== undefined;
}

function unlessUnavailable(thrown: unknown): undefined {
  if (!isUnavailable(thrown)) throw thrown;
  return undefined;
}

function presetInfo(preset: Preset, error: IntegrationError | undefined): EntityInfo {
  const { entity: name, titles, key } = preset;
  const info = { name, label: titles['en-US'], labels: { ...titles }, kind: 'entity', key: [...key] };
  if (error !== undefined) return { ...info, readable: false, writable: false, error: error.toJSON() };
  return { ...info, readable: true, writable: isWritten(preset) };
}

function tableInfo(name: string, title: string, key: readonly string[]): EntityInfo {
  return { name, ...(title !== '' && { label: title }), kind: 'table', key: [...key], readable: true, writable: false };
}
