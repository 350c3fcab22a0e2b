import { IntegrationError } from '../../../../model/errors';
import { phrase } from '../../../../model/phrase';
import { type FieldType, readField, tableOf, writtenField } from '../../../../protocols/totvs/field';
import { type Dictionary, type DictionaryField, isUnavailable } from '../dictionary';

/** What is known of the fields of a model: as the connection declares them, else as the dictionary has their tables. */
export class ModelFields {
  readonly #tables = new Map<string, ReadonlyMap<string, DictionaryField> | null>();

  constructor(
    private readonly dictionary: Dictionary,
    private readonly declared: Readonly<Record<string, FieldType>>,
  ) {}

  /** Asks the dictionary for the tables of these fields, each once. */
  async learn(names: Iterable<string>, signal: AbortSignal): Promise<void> {
    const tables = new Set([...names].map(tableOf).filter((table) => table !== undefined));
    for (const table of tables) {
      if (this.#tables.has(table)) continue;
      const fields = await this.dictionary.fields(table, signal).catch((thrown: unknown) => {
        if (!isUnavailable(thrown)) throw thrown;
        return [];
      });
      this.#tables.set(table, fields.length === 0 ? null : new Map(fields.map((field) => [field.name, field])));
    }
  }

  /** Of a field whose table was asked for. */
  known(name: string): DictionaryField | undefined {
    return this.#tables.get(tableOf(name) ?? '')?.get(name);
  }

  /** Those of a table that was asked for, with those of it that are declared. */
  ofTable(table: string): string[] {
    const declared = Object.keys(this.declared).filter((name) => tableOf(name) === table);
    return [...new Set([...(this.#tables.get(table)?.keys() ?? []), ...declared])];
  }

  typeOf(name: string): FieldType | undefined {
    return this.declared[name] ?? this.known(name)?.type;
  }

  /** Of those whose type is known. */
  types(names: readonly string[]): Record<string, FieldType> {
    return Object.fromEntries(names.flatMap((name) => [[name, this.typeOf(name)] as const]).filter(isTyped));
  }

  /** A value as the server wrote it, as records have it; what nobody knows the type of is what it looks like. */
  read(name: string, value: unknown): unknown {
    return readField(value, this.typeOf(name) ?? looksOf(value));
  }

  /** Whether the server's value is what a field holds that was never filled. */
  isBlank(name: string, value: unknown): boolean {
    const isNumber = this.typeOf(name) === 'N' || typeof value === 'number';
    const held = this.read(name, value) ?? '';
    return held === '' || held === false || (isNumber && Number(held) === 0);
  }

  /**
   * A value as the server takes it.
   * @throws data PCP_TOTVS_VALUE: nothing was sent then
   */
  written(name: string, value: unknown, isHeld: boolean): unknown {
    const type = this.typeOf(name);
    if (type === undefined && !isHeld && this.#tables.get(tableOf(name) ?? '')) throw unknown(name);
    return writtenField(name, value, type ?? looksOf(value), this.known(name)?.length);
  }
}

/** The type of a field that nobody knows, by one of its values. */
export function looksOf(value: unknown): FieldType {
  return typeof value === 'number' ? 'N' : typeof value === 'boolean' ? 'L' : 'C';
}

function isTyped(entry: readonly [string, FieldType | undefined]): entry is readonly [string, FieldType] {
  return entry[1] !== undefined;
}

function unknown(name: string): IntegrationError {
  const message = phrase`Neither the model nor the dictionary has a field "${name}".`;
  return new IntegrationError('data', 'PCP_TOTVS_VALUE', message, {
    path: name,
    hint: 'Correct the mapping; a field that the model computes is declared with its type under "models". Nothing was sent.',
  });
}
