import { LIMITS, READ_FUNCTIONS, type Table } from './pdu';

/** Bits or registers that stand side by side. */
export interface Range {
  unitId: number;
  table: Table;
  address: number;
  count: number;
}

/** One request, and what of its answer is wanted. */
export interface Block<T extends Range> extends Range {
  items: T[];
}

export interface PlanLimits {
  /** Bits or registers that nobody asked for and that are read to save a request. */
  maxGap: number;
  maxRegisters: number;
  maxBits: number;
  forbidden: readonly ForbiddenRange[];
}

/** Never read, not even between others: of one unit, or of all. */
export type ForbiddenRange = Omit<Range, 'unitId'> & { unitId: number | undefined };

/** What a device turned out not to give: learnt from its refusals, and as long as the connection is open. */
export class Holes {
  readonly #places = new Map<string, HolesOfTable>();

  /** Those of a unit and table. */
  of({ unitId, table }: Pick<Range, 'unitId' | 'table'>): HolesOfTable {
    const key = `${unitId}/${table}`;
    const found = this.#places.get(key) ?? new HolesOfTable();
    this.#places.set(key, found);
    return found;
  }
}

export class HolesOfTable {
  /** Pairs of addresses that are not read with one request. */
  readonly #cuts: [last: number, first: number][] = [];
  /** Items that are refused by themselves. */
  readonly #refused = new Map<string, Range>();

  /** A block that ends with `last` and one that begins with `first` can each be read, both together cannot. */
  cut(last: number, first: number): void {
    this.#cuts.push([last, first]);
  }

  refuse(item: Range): void {
    this.#refused.set(nameOf(item), item);
  }

  /** What was refused is there after all. */
  allow(item: Range): void {
    if (this.#refused.size > 0) this.#refused.delete(nameOf(item));
  }

  isRefused(item: Range): boolean {
    return this.#refused.size > 0 && this.#refused.has(nameOf(item));
  }

  /** Whether one request may read from `address` up to `end`. */
  allows(address: number, end: number): boolean {
    if (this.#cuts.some(([last, first]) => address <= last && first < end)) return false;
    return this.#refused.size === 0 || ![...this.#refused.values()].some((item) => overlaps(item, address, end));
  }
}

/**
 * The fewest requests that read all items, unit by unit and table by table: neighbours are read together with what lies
 * between them, within the limits. An item is never split.
 */
export function planBlocks<T extends Range>(items: readonly T[], limits: PlanLimits, holes: Holes): Block<T>[] {
  const groups = Map.groupBy(items, ({ unitId, table }) => unitId * 8 + READ_FUNCTIONS[table]);
  return [...groups.values()].flatMap((group) => planTable(group, limits, holes.of(group[0] as T)));
}

function planTable<T extends Range>(items: T[], limits: PlanLimits, holes: HolesOfTable): Block<T>[] {
  const { unitId, table } = items[0] as T;
  const most = longest(table, limits);
  const forbidden = limits.forbidden.filter((range) => concerns(range, items[0] as T));
  const blocks: Block<T>[] = [];
  let block: Block<T> | undefined;
  for (const item of items.sort((a, b) => a.address - b.address || b.count - a.count)) {
    const isRefused = holes.isRefused(item);
    if (block !== undefined && !isRefused) {
      const { address, count } = block;
      const end = Math.max(address + count, item.address + item.count);
      const joins =
        item.address - (address + count) <= limits.maxGap &&
        end - address <= most &&
        !forbidden.some((range) => overlaps(range, address, end)) &&
        holes.allows(address, end);
      if (joins) {
        block.items.push(item);
        block.count = end - address;
        continue;
      }
    }
    const own: Block<T> = { unitId, table, address: item.address, count: item.count, items: [item] };
    blocks.push(own);
    // What is refused stays alone.
    if (!isRefused) block = own;
  }
  return blocks;
}

export function longest(table: Table, { maxRegisters, maxBits }: PlanLimits): number {
  return table === 'coil' || table === 'discrete'
    ? Math.min(maxBits, LIMITS.bits)
    : Math.min(maxRegisters, LIMITS.registers);
}

function concerns(range: ForbiddenRange, { unitId, table }: Range): boolean {
  return range.table === table && (range.unitId === undefined || range.unitId === unitId);
}

export function isForbidden(item: Range, { forbidden }: PlanLimits): boolean {
  return forbidden.some((range) => concerns(range, item) && overlaps(range, item.address, item.address + item.count));
}

export function overlaps(range: Pick<Range, 'address' | 'count'>, address: number, end: number): boolean {
  return range.address < end && range.address + range.count > address;
}

function nameOf({ address, count }: Range): string {
  return `${address}+${count}`;
}
