import type { IncomingMessage } from 'node:http';
import { term } from './condition';
import type { Row } from './server';

/** A field of a model: type of the dictionary, characters or digits, decimals. */
export interface ModelField {
  name: string;
  type: 'C' | 'N' | 'D' | 'L';
  length: number;
  isRequired?: boolean;
}

interface ModelDefinition {
  /** Of the model; it is published under another name. */
  id: string;
  main: string;
  fields: ModelField[];
  /** After the branch. */
  key: string[];
  grid?: { id: string; fields: ModelField[] };
}

interface Held {
  fields: Row;
  rows: Row[];
}

type Answer = [number, unknown];
interface Sent {
  id?: unknown;
  modeltype?: unknown;
  fields?: { id: string; value: unknown }[];
  items?: { id: number; deleted: number; fields: { id: string; value: unknown }[] }[];
  models?: Sent[];
}

/**
 * A published model as FWRestModel answers for it; a stand-in, since no Protheus can be had here. What it knows is from the
 * source of the class and the examples that TOTVS publishes (tdn.totvs.com, FWRestModel; MATA035, FINA040VA - WS REST
 * FWMODEL): XML unless JSON is asked for, ten records unless COUNT says otherwise, STARTINDEX from 1, no order, FILTER in a
 * SELECT as it is, empty fields only with FIELDEMPTY, parts below the main one only with FIRSTLEVEL=false, a key in base64
 * made of the branch and padded values, which goes into a SELECT as it is, 304 for a change that changes nothing, errors of
 * the model as one text. Strict where nothing is published: types of values, numbers of new rows, ids of model and parts.
 */
export class PublishedModel {
  readonly held: Held[] = [];
  /** A class of the model's own that pays no heed to FILTER. */
  ignoresFilter = false;
  /** Refuses a key that is there already, as the dictionary (X2_UNICO) has it for most tables. */
  isUnique = true;
  /** Refusals come as a failure of the server. */
  refusesWith500 = false;
  /** Called before each list. */
  onList: () => void = () => undefined;

  constructor(readonly definition: ModelDefinition) {}

  get fields(): ModelField[] {
    return [...this.definition.fields, ...(this.definition.grid?.fields ?? [])];
  }

  /** A record as the database has it: padded, with blank days. */
  add(branch: string, fields: Row, rows: Row[] = []): void {
    const { definition } = this;
    const own = { ...fields, [branchField(definition.fields)]: branch };
    const details = definition.grid?.fields ?? [];
    this.held.push({
      fields: stored(definition.fields, own),
      rows: rows.map((row) => stored(details, row)),
    });
  }

  answer(
    method: string,
    pk: string,
    query: URLSearchParams,
    headers: IncomingMessage['headers'],
    body: string,
  ): Answer {
    if (!String(headers.accept).includes('json')) return [200, '<?xml version="1.0"?><result/>'];
    if (method === 'GET' && pk === '') return this.#list(query);
    const held = pk === '' ? undefined : this.#seek(Buffer.from(pk, 'base64').toString('utf8'));
    const [, branch = ''] = String(headers.tenantid).split(',');
    switch (method) {
      case 'GET':
        return held === undefined ? this.#invalid(pk, 404) : [200, this.#resource(held, query)];
      case 'POST':
        return this.#insert(JSON.parse(body) as Sent, branch);
      case 'PUT':
        return held === undefined ? this.#invalid(pk) : this.#update(held, JSON.parse(body) as Sent);
      case 'DELETE':
        if (held === undefined) return this.#invalid(pk);
        this.held.splice(this.held.indexOf(held), 1);
        return [200, {}];
    }
    return [405, ''];
  }

  #list(query: URLSearchParams): Answer {
    this.onList();
    const filter = query.get('FILTER') ?? '';
    const terms = filter === '' ? [] : filter.split(/ AND (?=(?:[^']*'[^']*')*[^']*$)/).map(term);
    if (terms.includes(undefined)) return [500, { errorCode: 500, errorMessage: `erro de SQL: ${filter}` }];
    const found = this.ignoresFilter
      ? this.held
      : this.held.filter(({ fields }) => terms.every((each) => each!(fields)));
    const [start, count] = [Number(query.get('STARTINDEX') ?? 1), Number(query.get('COUNT') ?? 10)];
    const page = found.slice(start - 1, start - 1 + count);
    const resources = page.map((held) => this.#resource(held, query));
    return [200, { total: found.length, count: page.length, startindex: start, resources }];
  }

  /** As the class does it: the key is part of a SELECT, and whatever is in it, too. */
  #seek(key: string): Held | undefined {
    if (key.includes("'")) return this.held[0];
    return this.held.find((held) => this.#key(held) === key);
  }

  #key({ fields }: Held): string {
    const names = [branchField(this.definition.fields), ...this.definition.key];
    return names.map((name) => String(fields[name])).join('');
  }

  #resource(held: Held, query: URLSearchParams): Row {
    const { id, main, fields, grid } = this.definition;
    const wanted = query.get('FIELDS')?.split(',');
    const shown = (own: Row, all: ModelField[]) =>
      all
        .filter(({ name }) => wanted?.includes(name) !== false)
        .filter(({ name }) => query.get('FIELDEMPTY') === 'true' || !/^\s*$/.test(String(own[name])))
        .map(({ name }, n) => ({ id: name, order: n + 1, value: own[name] }));
    const items = held.rows.map((row, n) => ({ id: n + 1, deleted: 0, fields: shown(row, grid?.fields ?? []) }));
    const empty = { id: 1, deleted: 0, fields: shown(stored(grid?.fields ?? [], {}), grid?.fields ?? []) };
    const parts = [
      { id: grid?.id, modeltype: 'GRID', optional: 1, struct: [], items: items.length > 0 ? items : [empty] },
    ];
    const part = { id: main, modeltype: 'FIELDS', fields: shown(held.fields, fields) };
    const hasParts = grid !== undefined && query.get('FIRSTLEVEL') === 'false';
    const pk = Buffer.from(this.#key(held), 'utf8').toString('base64');
    return { id, operation: 1, pk, models: [{ ...part, ...(hasParts && { models: parts }) }] };
  }

  #insert(sent: Sent, branch: string): Answer {
    const { fields, key, grid } = this.definition;
    const held: Held = { fields: stored(fields, { [branchField(fields)]: branch }), rows: [] };
    const problem =
      this.#fill(held, sent) ?? this.#required(held.fields, fields) ?? this.#missingIn(held.rows, grid?.fields);
    if (problem !== undefined) return problem;
    if (this.isUnique && this.held.some((each) => this.#key(each) === this.#key(held))) {
      return this.#refusal('JAGRAVADO', key[0] ?? '', 'Já existe registro com esta informação.', 'Altere a chave.');
    }
    this.held.push(held);
    return [201, this.#resource(held, new URLSearchParams())];
  }

  #update(held: Held, sent: Sent): Answer {
    const { fields, key, grid } = this.definition;
    const next: Held = { fields: { ...held.fields }, rows: held.rows.map((row) => ({ ...row })) };
    const problem =
      this.#fill(next, sent) ?? this.#required(next.fields, fields) ?? this.#missingIn(next.rows, grid?.fields);
    if (problem !== undefined) return problem;
    const changed = key.find((name) => held.fields[name] !== next.fields[name]);
    if (changed !== undefined) return this.#refusal('CANSETVALUE', changed, 'Campo não pode ser alterado.', '');
    if (JSON.stringify(held) === JSON.stringify(next)) return [304, ''];
    Object.assign(held, next);
    return [200, this.#resource(held, new URLSearchParams())];
  }

  #fill(held: Held, sent: Sent): Answer | undefined {
    const { id, main, fields, grid } = this.definition;
    const [part, ...others] = sent.models ?? [];
    if (sent.id !== id || part?.id !== main || part.modeltype !== 'FIELDS' || others.length > 0) {
      return this.#refusal('MODELO', '', 'Estrutura inválida para o modelo.', '');
    }
    const problem = this.#set(held.fields, fields, part.fields ?? []);
    if (problem !== undefined) return problem;
    for (const detail of part.models ?? []) {
      if (detail.id !== grid?.id || detail.modeltype !== 'GRID')
        return this.#refusal('MODELO', '', 'Submodelo inválido.', '');
      for (const item of detail.items ?? []) {
        if (item.id === held.rows.length + 1) held.rows.push(stored(grid!.fields, {}));
        const row = held.rows[item.id - 1];
        if (row === undefined) return this.#refusal('LINHA', '', `Linha ${item.id} não existe.`, '');
        const wrong = this.#set(row, grid!.fields, item.fields);
        if (wrong !== undefined) return wrong;
        if (item.deleted === 1) row.isDeleted = true;
      }
      held.rows = held.rows.filter(({ isDeleted }) => isDeleted !== true);
    }
    return undefined;
  }

  #set(row: Row, fields: ModelField[], values: { id: string; value: unknown }[]): Answer | undefined {
    for (const { id, value } of values) {
      const field = fields.find(({ name }) => name === id);
      if (field === undefined) return this.#refusal('NOFIELD', id, `Campo ${id} não existe.`, '');
      const text = String(value);
      const fits = {
        C: typeof value === 'string' && text.length <= field.length,
        N: typeof value === 'number',
        D: typeof value === 'string' && /^(\d{8}|\s*)$/.test(text),
        L: value === '.T.' || value === '.F.',
      }[field.type];
      if (!fits) return this.#refusal('TYPE', id, `Valor inválido: ${text}`, 'Corrija o valor.');
      Object.assign(row, stored([field], { [id]: value }));
    }
    return undefined;
  }

  #missingIn(rows: Row[], fields: ModelField[] = []): Answer | undefined {
    return rows.map((row) => this.#required(row, fields)).find((each) => each !== undefined);
  }

  #required(row: Row, fields: ModelField[]): Answer | undefined {
    const missing = fields.find(({ name, isRequired }) => isRequired && String(row[name]).trim() === '');
    if (missing === undefined) return undefined;
    return this.#refusal('OBRIGAT', missing.name, `O campo ${missing.name} é obrigatório.`, 'Preencha o campo.');
  }

  #refusal(id: string, field: string, message: string, solution: string): Answer {
    const said = { 'submodel origin': this.definition.main, 'field origin': field };
    const errors = { 'submodel error': this.definition.main, 'field error': field, error: id };
    const lines = Object.entries({ ...said, ...errors }).map(([name, value]) => `Id ${name}: [${value}]`);
    lines.push(
      `Error menssage: [${message}]`,
      `Solution menssage: [${solution}]`,
      'Assigned value: []',
      'Previous value: []',
    );
    const errorMessage = `\r\n --- Error on Model ---\r\n${lines.join('\r\n')}\r\n`;
    return [this.refusesWith500 ? 500 : 400, { errorCode: 400, errorMessage }];
  }

  #invalid(pk: string, status = 400): Answer {
    const key = Buffer.from(pk, 'base64').toString('utf8');
    return [status, { errorCode: status, errorMessage: `Invalid record '${key}' on table ${this.definition.main}` }];
  }
}

function branchField(fields: ModelField[]): string {
  return fields.find(({ name }) => name.endsWith('_FILIAL'))!.name;
}

function stored(fields: ModelField[], row: Row): Row {
  const empty = { C: '', N: 0, D: '        ', L: '.F.' };
  return Object.fromEntries(
    fields.map(({ name, type, length }) => {
      const value = row[name] ?? empty[type];
      return [name, type === 'C' ? String(value).padEnd(length) : type === 'D' ? String(value).padEnd(8) : value];
    }),
  );
}
