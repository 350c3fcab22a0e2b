import { LIMITS, type Table } from './pdu';

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
  /** Never read, not even between others. */
  forbidden: readonly Range[];
}

/** What a device turned out not to give: learnt from its refusals, and as long as the connection is open. */
export class Holes {
  /** Of each unit and table: pairs of addresses that are not read with one request. */
  readonly #cuts = new Map<string, [last: number, first: number][]>();
  /** Items that are refused by themselves. */
  readonly #refused = new Map<string, Map<string, Range>>();

  /** A block that ends with `last` and one that begins with `first` can each be read, both together cannot. */
  cut(place: Range, last: number, first: number): void {
    const cuts = this.#cuts.get(keyOf(place));
    if (cuts) cuts.push([last, first]);
    else this.#cuts.set(keyOf(place), [[last, first]]);
  }

  refuse(item: Range): void {
    const refused = this.#refused.get(keyOf(item)) ?? new Map<string, Range>();
    this.#refused.set(keyOf(item), refused.set(rangeKey(item), item));
  }

  /** What was refused is there after all. */
  allow(item: Range): void {
    this.#refused.get(keyOf(item))?.delete(rangeKey(item));
  }

  isRefused(item: Range): boolean {
    return this.#refused.get(keyOf(item))?.has(rangeKey(item)) === true;
  }

  /** Whether one request may read from `address` up to `end`. */
  allows(place: Range, address: number, end: number): boolean {
    const cuts = this.#cuts.get(keyOf(place)) ?? [];
    const refused = [...(this.#refused.get(keyOf(place))?.values() ?? [])];
    return (
      !cuts.some(([last, first]) => address <= last && first < end) &&
      !refused.some((item) => item.address < end && item.address + item.count > address)
    );
  }
}

/**
 * The fewest requests that read all items, unit by unit and table by table: neighbours are read together with what lies
 * between them, within the limits. An item is never split.
 */
export function planBlocks<T extends Range>(items: readonly T[], limits: PlanLimits, holes: Holes): Block<T>[] {
  const blocks: Block<T>[] = [];
  const sorted = items.toSorted(
    (a, b) => a.unitId - b.unitId || a.table.localeCompare(b.table) || a.address - b.address || b.count - a.count,
  );
  let block: Block<T> | undefined;
  for (const item of sorted) {
    if (block !== undefined && joins(block, item, limits, holes)) {
      block.items.push(item);
      block.count = Math.max(block.count, item.address + item.count - block.address);
      continue;
    }
    const { unitId, table, address, count } = item;
    const own: Block<T> = { unitId, table, address, count, items: [item] };
    blocks.push(own);
    // What is refused stays alone.
    block = holes.isRefused(item) ? block : own;
  }
  return blocks;
}

function joins(block: Range, item: Range, limits: PlanLimits, holes: Holes): boolean {
  if (block.unitId !== item.unitId || block.table !== item.table || holes.isRefused(item)) return false;
  const end = Math.max(block.address + block.count, item.address + item.count);
  return (
    item.address - (block.address + block.count) <= limits.maxGap &&
    end - block.address <= longest(item.table, limits) &&
    !limits.forbidden.some((range) => isSamePlace(range, item) && overlaps(range, block.address, end)) &&
    holes.allows(block, block.address, end)
  );
}

export function longest(table: Table, { maxRegisters, maxBits }: PlanLimits): number {
  return table === 'coil' || table === 'discrete'
    ? Math.min(maxBits, LIMITS.readBits)
    : Math.min(maxRegisters, LIMITS.readRegisters);
}

export function isSamePlace(a: Range, b: Range): boolean {
  return a.unitId === b.unitId && a.table === b.table;
}

export function overlaps(range: Range, address: number, end: number): boolean {
  return range.address < end && range.address + range.count > address;
}

function keyOf({ unitId, table }: Range): string {
  return `${unitId}/${table}`;
}

function rangeKey({ address, count }: Range): string {
  return `${address}+${count}`;
}
