import type { EntityInfo, JsonSchema } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { NOT_FOUND } from '../../../protocols/totvs/fault';
import { type FieldType, isTable, ROW_NUMBER } from '../../../protocols/totvs/field';
import { queryTable } from '../../../protocols/totvs/generic-query';
import type { TotvsSession } from '../../../protocols/totvs/session';
import type { EntityDescription } from '../../contract';
import { Dictionary, type DictionaryField, isUnavailable } from './dictionary';
import { inWordsOfTotvs } from './explain';
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

export type ProtheusEntity = ApiEntity | TableEntity;

/** What a server has. */
export class Catalogue {
  readonly dictionary: Dictionary;

  constructor(
    readonly session: TotvsSession,
    readonly settings: ProtheusSettings,
  ) {
    this.dictionary = new Dictionary(session, settings.query);
  }

  /** @throws config PCP_ENTITY_UNKNOWN */
  async resolve(name: string, signal: AbortSignal): Promise<ProtheusEntity> {
    signal.throwIfAborted();
    const preset = this.#presets.find(({ entity }) => entity === name);
    if (preset !== undefined) return this.#placeOf(preset);
    const found =
      isTable(name) && this.#hasTables ? await this.dictionary.table(name, signal).catch(unlessUnavailable) : undefined;
    if (found !== undefined) return { kind: 'table', name, key: found.key, table: name };
    throw new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', `"${name}" is not an entity of the connection.`, {
      path: '/source_entity',
      hint: `Take one of ${this.#presets.map(({ entity }) => entity).join(', ')}, or in Protheus a table of the dictionary (SC2).`,
    });
  }

  /** The entities of the plant first, then the tables of the dictionary; a route that does not answer is told at its entities. */
  async list(signal: AbortSignal): Promise<EntityInfo[]> {
    const asked = await this.routes(signal);
    const failures = asked.flatMap(({ error }) => (error === undefined ? [] : [error]));
    if (failures.length === asked.length && failures[0] !== undefined) throw failures[0];
    const errors = new Map(asked.map(({ name, error }) => [name, error]));
    const presets = this.#presets.map((preset) => presetInfo(preset, errors.get(this.#routeOf(preset))));
    const tables = this.#hasTables ? await this.dictionary.tables(signal).catch(unlessUnavailable) : [];
    return [...presets, ...(tables ?? []).map(({ table, title, key }) => tableInfo(table, title, key))];
  }

  /** With the mappings that work as they are, in `x-mappings`. */
  async describe(name: string, signal: AbortSignal): Promise<EntityDescription> {
    const entity = await this.resolve(name, signal);
    if (entity.kind === 'api') {
      const { preset } = entity;
      const required = preset.required ?? [];
      const schema = { type: 'object', properties: preset.properties, required, 'x-mappings': preset.mappings };
      return { info: presetInfo(preset, undefined), schema };
    }
    const { preset, table } = entity;
    const known = await this.dictionary.fields(table, signal).catch(unlessUnavailable);
    const fields = Object.entries(await this.fields(entity, undefined, signal));
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
    for (const route of new Set(this.#presets.map((preset) => this.#routeOf(preset)))) {
      const error = await this.#ask(route, signal).then(
        () => undefined,
        (thrown: unknown) => {
          signal.throwIfAborted();
          return inWordsOfTotvs(thrown, route);
        },
      );
      asked.push({ name: route, ...(error !== undefined && { error }) });
      if (error?.class === 'auth' || error?.class === 'transient') break;
    }
    return asked;
  }

  async #ask(route: string, signal: AbortSignal): Promise<void> {
    const { session, settings } = this;
    if (route === settings.query.path) {
      const query = { table: 'SX2', fields: { X2_CHAVE: 'C' as const }, page: 1, pageSize: 1 };
      await queryTable(session, settings.query, query, signal);
      return;
    }
    const target = `${route}?page=1&pageSize=1`;
    const response = await session.ask({ target, signal }).catch((thrown: unknown) => {
      // It answers: it just has nothing.
      if (IntegrationError.from(thrown).code !== NOT_FOUND) throw thrown;
    });
    response?.discard();
  }

  get #presets(): Preset[] {
    return presetsOf(this.settings.product);
  }

  get #hasTables(): boolean {
    return this.settings.product === 'protheus';
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

function unlessUnavailable(thrown: unknown): undefined {
  if (!isUnavailable(thrown)) throw thrown;
  return undefined;
}

function presetInfo(preset: Preset, error: IntegrationError | undefined): EntityInfo {
  const info = { name: preset.entity, label: preset.titles['en-US'], kind: 'entity', key: [...preset.key] };
  if (error !== undefined) return { ...info, readable: false, writable: false, error: error.toJSON() };
  return { ...info, readable: true, writable: isApi(preset) && preset.writes !== undefined };
}

function tableInfo(name: string, title: string, key: readonly string[]): EntityInfo {
  return { name, ...(title !== '' && { label: title }), kind: 'table', key: [...key], readable: true, writable: false };
}

function schemaOf(type: FieldType, field: DictionaryField | undefined): JsonSchema {
  const title = field?.title ?? '';
  const named = { ...(title !== '' && { title }), 'x-protheus-type': type };
  switch (type) {
    case 'N':
      return { type: ['string', 'null'], format: 'decimal', ...named };
    case 'D':
      return { type: ['string', 'null'], format: 'date', ...named };
    case 'L':
      return { type: ['boolean', 'null'], ...named };
  }
  const { length = 0 } = field ?? {};
  return { type: ['string', 'null'], ...(type === 'C' && length > 0 && { maxLength: length }), ...named };
}
