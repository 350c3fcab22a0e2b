import type { JsonSchema } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { NO_ROUTE } from '../../../protocols/totvs/fault';
import { type FieldType, isField, isTable, ROW_NUMBER } from '../../../protocols/totvs/field';
import type { QueryRoute } from '../../../protocols/totvs/generic-query';
import type { TotvsSession } from '../../../protocols/totvs/session';
import { readTable } from '../../../protocols/totvs/table';
import { SharedWork } from '../../../shared-work';

/** A table as the customer's dictionary has it. */
export interface DictionaryTable {
  table: string;
  title: string;
  /** Fields of its unique key; the number of the row where it has none. */
  key: string[];
}

export interface DictionaryField {
  name: string;
  title: string;
  type: FieldType;
  length: number;
  decimals: number;
}

const PAGE = 1000;

/** The tables (SX2) and fields (SX3) of the company, as they were changed here. */
export class Dictionary {
  readonly #fields = new Map<string, SharedWork<DictionaryField[]>>();

  constructor(
    private readonly session: TotvsSession,
    private readonly route: QueryRoute,
  ) {}

  async tables(signal: AbortSignal): Promise<DictionaryTable[]> {
    const rows = await this.#read('SX2', ['X2_CHAVE', 'X2_NOME', 'X2_UNICO'], [], signal);
    return rows
      .filter((row) => isTable(String(row.X2_CHAVE)))
      .map((row) => ({ table: String(row.X2_CHAVE), title: String(row.X2_NOME ?? ''), key: keyOf(row.X2_UNICO) }));
  }

  async table(name: string, signal: AbortSignal): Promise<DictionaryTable | undefined> {
    const condition = { field: 'X2_CHAVE', operator: '=' as const, value: name };
    const [row] = await this.#read('SX2', ['X2_CHAVE', 'X2_NOME', 'X2_UNICO'], [condition], signal);
    return row && { table: name, title: String(row.X2_NOME ?? ''), key: keyOf(row.X2_UNICO) };
  }

  /** What the table holds; fields that are computed on the screen are none of it. Read once; a failure is not kept. */
  fields(table: string, signal: AbortSignal): Promise<DictionaryField[]> {
    const known = this.#fields.get(table) ?? new SharedWork((own) => this.#readFields(table, own));
    this.#fields.set(table, known);
    return known.get(signal);
  }

  async #readFields(table: string, signal: AbortSignal): Promise<DictionaryField[]> {
    const names = ['X3_CAMPO', 'X3_TITULO', 'X3_TIPO', 'X3_TAMANHO', 'X3_DECIMAL', 'X3_CONTEXT'];
    const condition = { field: 'X3_ARQUIVO', operator: '=' as const, value: table };
    const rows = await this.#read('SX3', names, [condition], signal);
    return rows
      .filter((row) => row.X3_CONTEXT !== 'V' && isField(String(row.X3_CAMPO)))
      .map((row) => ({
        name: String(row.X3_CAMPO),
        title: String(row.X3_TITULO ?? ''),
        type: /^[CNDLM]$/.test(String(row.X3_TIPO)) ? (row.X3_TIPO as FieldType) : 'C',
        length: Number(row.X3_TAMANHO ?? 0),
        decimals: Number(row.X3_DECIMAL ?? 0),
      }));
  }

  async #read(
    table: string,
    names: readonly string[],
    conditions: readonly { field: string; operator: '='; value: string }[],
    signal: AbortSignal,
  ): Promise<Record<string, unknown>[]> {
    const types = (name: string): FieldType => (/_(TAMANHO|DECIMAL)$/.test(name) ? 'N' : 'C');
    const fields = Object.fromEntries(names.map((name) => [name, types(name)]));
    const [needed = ''] = names;
    const key = table === 'SX3' ? ['X3_CAMPO'] : ['X2_CHAVE'];
    const list = { table, fields, conditions, pageSize: PAGE, key, needed: [needed] };
    // A list that has to be read page by page after all gives some rows twice.
    const rows = new Map<unknown, Record<string, unknown>>();
    for await (const { entries } of readTable(this.session, this.route, list, undefined, signal)) {
      for (const row of entries) rows.set(row[needed], row);
    }
    return [...rows.values()];
  }
}

/** True for a server that does not show its dictionary: what is known without it is used then. */
export function isUnavailable(thrown: unknown): boolean {
  const { code, class: errorClass } = IntegrationError.from(thrown);
  return code === NO_ROUTE || errorClass === 'permission' || errorClass === 'data';
}

/** "C2_FILIAL+C2_NUM+DTOS(C2_DATPRI)". */
function keyOf(unique: unknown): string[] {
  const names = String(unique ?? '').match(/[A-Z][A-Z0-9]{1,2}_[A-Z0-9_]+/g) ?? [];
  return names.length > 0 ? [...new Set(names)] : [ROW_NUMBER];
}

/** @param field as the dictionary has it, where it does */
export function schemaOf(type: FieldType, field: DictionaryField | undefined): JsonSchema {
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
