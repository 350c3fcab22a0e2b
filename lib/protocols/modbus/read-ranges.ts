import { IntegrationError } from '../../model/errors';
import type { ModbusClient } from './client';
import { isRefusal } from './errors';
import { bitAt, READ_FUNCTIONS } from './pdu';
import { type Block, type Holes, type PlanLimits, planBlocks, type Range } from './poll-plan';

/** Registers of an item (a bit is a byte with it as lowest one), or why there are none. */
export type Answer = Buffer | IntegrationError;

/**
 * Reads all items with as few requests as the device allows. A block that it refuses is halved until what is not there
 * stands alone, and that is remembered, so that the next reading asks right at once.
 * @throws transient PCP_CONNECT_LOST and others when the line broke: nothing can be said about single items then
 */
export async function readRanges<T extends Range>(
  client: ModbusClient,
  items: readonly T[],
  limits: PlanLimits,
  holes: Holes,
  signal: AbortSignal,
): Promise<Map<T, Answer>> {
  const answers = new Map<T, Answer>();
  const blocks = planBlocks(items, limits, holes);
  await Promise.all(blocks.map((block) => readBlock(client, block, holes, answers, signal)));
  return answers;
}

/** @returns whether one request gave all of it */
async function readBlock<T extends Range>(
  client: ModbusClient,
  block: Block<T>,
  holes: Holes,
  answers: Map<T, Answer>,
  signal: AbortSignal,
): Promise<boolean> {
  const { unitId, table, address, count, items } = block;
  const known = holes.of(block);
  let data: Buffer;
  try {
    data = await client.request(unitId, { function: READ_FUNCTIONS[table], address, count }, signal);
  } catch (thrown) {
    const error = IntegrationError.from(thrown);
    if (client.failure !== undefined) throw client.failure;
    if (error.class === 'cancelled') throw error;
    const isRefused = isRefusal(error) && error.isAboutRange;
    if (isRefused && items.length > 1) {
      await readHalves(client, block, holes, answers, signal);
      return false;
    }
    if (isRefused) for (const item of items) known.refuse(item);
    for (const item of items) answers.set(item, error);
    return false;
  }
  for (const item of items) {
    known.allow(item);
    answers.set(item, partOf(data, item, address));
  }
  return true;
}

async function readHalves<T extends Range>(
  client: ModbusClient,
  block: Block<T>,
  holes: Holes,
  answers: Map<T, Answer>,
  signal: AbortSignal,
): Promise<void> {
  const middle = widestGap(block.items);
  const [left, right] = [blockOf(block.items.slice(0, middle)), blockOf(block.items.slice(middle))];
  const isLeftWhole = await readBlock(client, left, holes, answers, signal);
  const isRightWhole = await readBlock(client, right, holes, answers, signal);
  if (isLeftWhole && isRightWhole) holes.of(block).cut(left.address + left.count - 1, right.address);
}

/** Index of the item before which the widest gap of the middle half lies: devices lack what nobody names. */
function widestGap(items: readonly Range[]): number {
  const first = Math.max(1, Math.floor(items.length / 4));
  const last = Math.min(items.length - 1, Math.ceil((items.length * 3) / 4));
  let best = Math.ceil(items.length / 2);
  let widest = 0;
  for (let index = first; index <= last; index++) {
    const before = items[index - 1] as Range;
    const gap = (items[index] as Range).address - (before.address + before.count);
    if (gap > widest) [best, widest] = [index, gap];
  }
  return best;
}

function blockOf<T extends Range>(items: T[]): Block<T> {
  const { unitId, table, address } = items[0] as T;
  const end = Math.max(...items.map((item) => item.address + item.count));
  return { unitId, table, address, count: end - address, items };
}

function partOf(data: Buffer, { table, address, count }: Range, start: number): Buffer {
  if (table === 'holding' || table === 'input') {
    return data.subarray((address - start) * 2, (address - start + count) * 2);
  }
  return Buffer.from([bitAt(data, address - start) ? 1 : 0]);
}
