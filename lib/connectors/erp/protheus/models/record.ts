import { phrase } from '../../../../model/phrase';
import type { Json } from '../../../../protocols/totvs/answer';
import { refusedValue } from '../../../../protocols/totvs/field';
import { type Line, type Part, PK, type Resource } from '../../../../protocols/totvs/fw-model';
import { isAlike, withoutNothing } from '../../same-record';
import type { ModelFields } from './fields';

/** Fields that tell the rows of a grid apart, by its name; where there are none, rows are told apart by their place. */
export type RowKeys = Readonly<Record<string, readonly string[]>>;

/**
 * A record of a model as records are here: the fields of its main part, and each other part by its name, a grid as a list of
 * its rows.
 */
export function recordOf({ pk, main }: Resource, fields: ModelFields): Json {
  return { [PK]: pk, ...plain(main.lines[0], fields) };
}

/** All names of fields that a part or its parts have. */
export function fieldNames({ lines }: Part): string[] {
  return lines.flatMap((line) => [...Object.keys(line.fields), ...line.parts.flatMap(fieldNames)]);
}

/** All names of fields that a record gives, at any depth. */
export function givenNames(data: Json): string[] {
  return Object.entries(data).flatMap(([name, value]) => {
    if (Array.isArray(value)) return rowsOf(name, value).flatMap(givenNames);
    return isPart(value) ? givenNames(value) : [name];
  });
}

function plain(line: Line | undefined, fields: ModelFields): Json {
  const own = Object.entries(line?.fields ?? {}).map(([name, value]) => [name, fields.read(name, value)]);
  const parts = (line?.parts ?? []).map(({ id, isGrid, lines }) => {
    const rows = lines.filter((each) => !isGrid || isFilled(each, fields)).map((each) => plain(each, fields));
    return [id, isGrid ? rows : (rows[0] ?? null)];
  });
  return Object.fromEntries([...own, ...parts]);
}

/** A grid without rows has an empty one, to be filled in. */
function isFilled(line: Line, fields: ModelFields): boolean {
  const isOwn = Object.entries(line.fields).some(([name, value]) => !fields.isBlank(name, value));
  return isOwn || line.parts.some(({ lines }) => lines.some((each) => isFilled(each, fields)));
}

/** Writes records of a model, as a whole or as far as they differ from what it holds. */
export class LineWriter {
  constructor(
    private readonly fields: ModelFields,
    private readonly rowKeys: RowKeys,
  ) {}

  /** @throws data PCP_TOTVS_VALUE */
  created(data: Json, number = 0): Line {
    const line: Line = { number, fields: {}, parts: [] };
    for (const [name, value] of Object.entries(withoutNothing(data) as Json)) {
      if (Array.isArray(value)) {
        const lines = rowsOf(name, value).map((row, n) => this.created(row, n + 1));
        line.parts.push({ id: name, isGrid: true, lines });
      } else if (isPart(value)) line.parts.push({ id: name, isGrid: false, lines: [this.created(value)] });
      else line.fields[name] = this.fields.written(name, value, false);
    }
    return line;
  }

  /**
   * What has to be sent so that a line holds the record; null where it does. Fields and parts that are not named stay as they are.
   * @throws data PCP_TOTVS_VALUE
   */
  changed(data: Json, held: Line): Line | null {
    const line: Line = { number: held.number, fields: {}, parts: [] };
    for (const [name, value] of Object.entries(data)) {
      const part = held.parts.find(({ id }) => id === name);
      if (Array.isArray(value) || isPart(value) || part !== undefined) {
        const changed = value === null ? null : this.#changedPart(name, value, part);
        if (changed !== null) line.parts.push(changed);
      } else if (!this.#isHeld(name, value, held)) {
        line.fields[name] = this.fields.written(name, value, Object.hasOwn(held.fields, name));
      }
    }
    return Object.keys(line.fields).length + line.parts.length === 0 ? null : line;
  }

  #changedPart(id: string, value: unknown, held: Part | undefined): Part | null {
    if (held?.isGrid === true || Array.isArray(value)) {
      const lines = (held?.lines ?? []).filter((line) => isFilled(line, this.fields));
      return this.#changedGrid(id, rowsOf(id, value), lines);
    }
    if (!isPart(value)) throw refusedValue(id, undefined, phrase`must be an object`);
    const [line] = held?.lines ?? [];
    const changed = line === undefined ? this.created(value) : this.changed(value, line);
    return changed && { id, isGrid: false, lines: [changed] };
  }

  /** All rows are named, so that those which the record does not have can be deleted. */
  #changedGrid(id: string, rows: readonly Json[], held: readonly Line[]): Part | null {
    const left = new Set(held);
    let next = Math.max(0, ...held.map(({ number }) => number));
    let isChanged = false;
    const lines = rows.map((row, place): Line => {
      const same = this.#sameRow(id, row, place, held, left);
      if (same === undefined) {
        isChanged = true;
        return this.created(row, ++next);
      }
      left.delete(same);
      const changed = this.changed(row, same);
      isChanged ||= changed !== null;
      return changed ?? { number: same.number, fields: {}, parts: [] };
    });
    const gone = [...left].map(({ number }) => ({ number, isDeleted: true, fields: {}, parts: [] }));
    if (!isChanged && gone.length === 0) return null;
    return { id, isGrid: true, lines: [...lines, ...gone].sort((a, b) => a.number - b.number) };
  }

  #sameRow(id: string, row: Json, place: number, held: readonly Line[], left: ReadonlySet<Line>): Line | undefined {
    const key = this.rowKeys[id] ?? [];
    if (key.length === 0) return held[place];
    return [...left].find((line) => key.every((name) => this.#isHeld(name, row[name], line)));
  }

  #isHeld(name: string, value: unknown, { fields }: Line): boolean {
    const ours = value ?? '';
    if (ours === '') return this.fields.isBlank(name, fields[name]);
    const held = this.fields.read(name, fields[name]) ?? '';
    return isAlike(typeof ours === 'string' ? ours.trimEnd() : ours, held);
  }
}

/** @throws data PCP_TOTVS_VALUE */
function rowsOf(name: string, value: unknown): Json[] {
  if (Array.isArray(value) && value.every(isPart)) return value;
  throw refusedValue(name, undefined, phrase`must be a list of rows`);
}

function isPart(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
