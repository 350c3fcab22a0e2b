import type { EntityInfo, JsonSchema } from '../../../../model/entity';
import { IntegrationError } from '../../../../model/errors';
import { phrase } from '../../../../model/phrase';
import { type FieldType, tableOf } from '../../../../protocols/totvs/field';
import { type Line, listResources, PK, type Resource } from '../../../../protocols/totvs/fw-model';
import type { TotvsSession } from '../../../../protocols/totvs/session';
import type { EntityDescription } from '../../../contract';
import { type Dictionary, schemaOf } from '../dictionary';
import { looksOf, ModelFields } from './fields';
import { MAPPINGS } from './mappings';
import { fieldNames, LineWriter } from './record';

/** What a connection says about a published model; all of it may be left out. */
export interface ModelSettings {
  /** Fields of its main part that identify a record. */
  key?: string[];
  /** Of the model itself, and of its main part: for one that has no record yet to learn them from. */
  id?: string;
  main?: string;
  /** Types of fields that the dictionary does not show, or that the model computes. */
  fields?: Record<string, FieldType>;
  /** Fields that tell the rows of a grid apart, by its name. */
  row_keys?: Record<string, string[]>;
}

const PREFIX = 'fwmodel/';

/** A model of Protheus that is published under a name: an entity called "fwmodel/<name>". */
export class Model {
  readonly kind = 'model';
  readonly key: readonly string[];
  readonly fields: ModelFields;
  readonly writer: LineWriter;
  #structure: Resource | undefined;

  /** @param path below the base URL */
  constructor(
    readonly name: string,
    readonly path: string,
    private readonly settings: ModelSettings,
    private readonly session: TotvsSession,
    dictionary: Dictionary,
  ) {
    this.key = settings.key ?? [PK];
    this.fields = new ModelFields(dictionary, settings.fields ?? {});
    this.writer = new LineWriter(this.fields, settings.row_keys ?? {});
  }

  /**
   * How it is built: as it is declared, else as its first record is.
   * @throws config PCP_PROTHEUS_MODEL_EMPTY; what the session throws
   */
  async structure(signal: AbortSignal): Promise<Pick<Resource, 'id' | 'main'>> {
    const { id, main } = this.settings;
    if (id !== undefined && main !== undefined) return { id, main: { id: main, isGrid: false, lines: [] } };
    this.#structure ??= await this.sample(signal);
    if (this.#structure === undefined) throw empty(this.name);
    return this.#structure;
  }

  /** With the mappings that work as they are, in `x-mappings`. */
  async describe(signal: AbortSignal): Promise<EntityDescription> {
    const sample = await this.sample(signal);
    await this.fields.learn([...(sample === undefined ? [] : fieldNames(sample.main)), ...this.key], signal);
    const line = sample?.main.lines[0] ?? this.#unseen();
    const properties = { [PK]: { type: 'string', readOnly: true }, ...this.#properties(line) } as const;
    const mappings = MAPPINGS.get(sample?.main.id ?? this.settings.main ?? '');
    const schema = { type: 'object', properties, ...(mappings !== undefined && { 'x-mappings': mappings }) };
    return { info: this.info(undefined), schema };
  }

  info(error: IntegrationError | undefined): EntityInfo {
    const info = { name: this.name, kind: 'model', key: [...this.key] };
    if (error !== undefined) return { ...info, readable: false, writable: false, error: error.toJSON() };
    return { ...info, readable: true, writable: true };
  }

  /** What the dictionary says of a main part of which there is no record yet. */
  #unseen(): Line {
    const table = tableOf(this.key[0] ?? '');
    const names = table === undefined ? [] : this.fields.ofTable(table);
    return { number: 0, fields: Object.fromEntries(names.map((name) => [name, null])), parts: [] };
  }

  #properties({ fields, parts }: Line): Record<string, JsonSchema> {
    const own = Object.entries(fields).map(([name, value]): [string, JsonSchema] => {
      return [name, schemaOf(this.fields.typeOf(name) ?? looksOf(value), this.fields.known(name))];
    });
    const others = parts.map(({ id, isGrid, lines }): [string, JsonSchema] => {
      const properties = this.#properties(lines[0] ?? { number: 0, fields: {}, parts: [] });
      const row: JsonSchema = { type: 'object', properties };
      return [id, isGrid ? { type: 'array', items: row } : row];
    });
    return Object.fromEntries([...own, ...others]);
  }

  /** One of its records, whichever. */
  async sample(signal: AbortSignal): Promise<Resource | undefined> {
    const query = { types: {}, conditions: [], start: 1, count: 1 };
    const { resources } = await listResources(this.session, this.path, query, signal);
    return resources[0];
  }
}

/** The name that a model is published under; undefined for the name of another entity. */
export function modelName(entity: string): string | undefined {
  return /^fwmodel\/[A-Za-z0-9_]+$/.test(entity) ? entity.slice(PREFIX.length) : undefined;
}

export function entityName(model: string): string {
  return PREFIX + model;
}

function empty(name: string): IntegrationError {
  return new IntegrationError(
    'config',
    'PCP_PROTHEUS_MODEL_EMPTY',
    phrase`"${name}" has no record to learn its parts from.`,
    {
      path: '/config/models',
      hint: 'Declare "id" and "main" of the model in the connection, or create the first record in Protheus.',
    },
  );
}
