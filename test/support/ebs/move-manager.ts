import type { SqlRow, SqlTransaction } from '../../../lib/protocols/sql/database';

const [MOVE, COMPLETION, RETURN] = [1, 2, 3];
const [QUEUE, RUN, TO_MOVE, REJECT, SCRAP] = [1, 2, 3, 4, 5];
const [RELEASED, COMPLETE] = [3, 4];
/** Not a count point, and not completed by what only passes it. */
const DIRECT_CHARGE = 3;
/** Where an operation counts what stands at a step. */
const COUNTERS: Record<number, string> = {
  [QUEUE!]: 'quantity_in_queue',
  [RUN!]: 'quantity_running',
  [TO_MOVE!]: 'quantity_waiting_to_move',
  [REJECT!]: 'quantity_rejected',
  [SCRAP!]: 'quantity_scrapped',
};

/** Pieces that are not there yet may come: the row waits. */
export const NOT_YET = 'The quantity is not available at the from operation and step';

interface Place {
  operation: number;
  step: number;
}

interface Operation {
  number: number;
  countPoint: number;
}

/**
 * A stand-in for the WIP Move Transaction Manager of E-Business Suite 12.1. What a row has to be, and what it gets where it is
 * empty, is that of WIP_MOVE_VALIDATOR (wipmovvb.pls 120.12). What is at each step, that a row waits for pieces which are not
 * there, and which operations a move completes, is that of WIP_MOVPROC_PRIV (wipmovpb.pls 120.52): within an operation from
 * Queue or Run to To Move, Reject or Scrap, each operation between two, and the same backwards; one that is no count point and
 * not charged automatically only when the move begins or ends there. A row that is refused stays with the status 3.
 */
export class MoveManager {
  constructor(private readonly transaction: SqlTransaction) {}

  /** @returns why the row is refused; undefined when it was posted */
  async post(row: SqlRow, job: SqlRow | undefined): Promise<string | undefined> {
    if (job === undefined) return 'Invalid job';
    const operations = await this.#operationsOf(job);
    const move = derived(row, operations);
    const problem = problemOf(row, job, operations, move);
    if (problem !== undefined) return problem;
    const { from, to, type } = move as Required<Move>;
    const quantity = String(row.transaction_quantity);
    if (type === RETURN) await this.#backIntoJob(job, from, quantity);
    if (!(await this.#take(job, from, quantity))) return NOT_YET;
    await this.#put(job, to, quantity);
    await this.#complete(job, operations, from, to, quantity);
    if (type === COMPLETION) await this.#outOfJob(job, to, quantity);
    await this.transaction.execute(
      `INSERT INTO wip_move_transactions SELECT transaction_id, last_update_date, source_code, source_line_id, ?, ?, ?,
         transaction_date, transaction_quantity, transaction_uom, ?, ?, ?, ?, overcompletion_transaction_qty,
         (SELECT reason_id FROM mtl_transaction_reasons r WHERE r.reason_name = i.reason_name), reference
       FROM wip_move_txn_interface i WHERE transaction_id = ?`,
      [
        ...[job.organization_id, job.wip_entity_id, job.primary_item_id, from.operation, from.step],
        ...[to.operation, to.step, row.transaction_id],
      ].map(String),
    );
    return undefined;
  }

  async #operationsOf(job: SqlRow): Promise<Operation[]> {
    const sql =
      'SELECT operation_seq_num, count_point_type FROM wip_operations WHERE wip_entity_id = ? ORDER BY operation_seq_num';
    const rows = await this.transaction.query(sql, [String(job.wip_entity_id)]);
    return rows.map((each) => ({ number: Number(each.operation_seq_num), countPoint: Number(each.count_point_type) }));
  }

  async #take(job: SqlRow, { operation, step }: Place, quantity: string): Promise<boolean> {
    const counter = COUNTERS[step]!;
    const sql = `UPDATE wip_operations SET ${counter} = ${counter} - ?::numeric WHERE wip_entity_id = ? AND operation_seq_num = ?
      AND ${counter} >= ?::numeric`;
    return (await this.transaction.execute(sql, [quantity, String(job.wip_entity_id), operation, quantity])) === 1;
  }

  async #put(job: SqlRow, { operation, step }: Place, quantity: string): Promise<void> {
    const counter = COUNTERS[step]!;
    const sql = `UPDATE wip_operations SET ${counter} = ${counter} + ?::numeric WHERE wip_entity_id = ? AND operation_seq_num = ?`;
    await this.transaction.execute(sql, [quantity, String(job.wip_entity_id), operation]);
  }

  async #complete(job: SqlRow, operations: readonly Operation[], from: Place, to: Place, quantity: string) {
    const sign = isBefore(from, to) ? '' : '-';
    const [first, last] = isBefore(from, to) ? [from, to] : [to, from];
    for (const { number, countPoint } of operations) {
      const isEnd = number === from.operation || number === to.operation;
      if (countPoint === DIRECT_CHARGE && !isEnd) continue;
      const isBehindFirst = number > first.operation || (number === first.operation && first.step <= RUN!);
      const isBeforeLast = number < last.operation || (number === last.operation && last.step > RUN!);
      if (!isBehindFirst || !isBeforeLast) continue;
      const sql = `UPDATE wip_operations SET quantity_completed = quantity_completed + ?::numeric
        WHERE wip_entity_id = ? AND operation_seq_num = ?`;
      await this.transaction.execute(sql, [`${sign}${quantity}`, String(job.wip_entity_id), number]);
    }
  }

  async #outOfJob(job: SqlRow, place: Place, quantity: string): Promise<void> {
    await this.#take(job, place, quantity);
    await this.#count(job, quantity);
  }

  async #backIntoJob(job: SqlRow, place: Place, quantity: string): Promise<void> {
    await this.#put(job, place, quantity);
    await this.#count(job, `-${quantity}`);
  }

  async #count(job: SqlRow, quantity: string): Promise<void> {
    const sql =
      'UPDATE wip_discrete_jobs SET quantity_completed = quantity_completed + ?::numeric WHERE wip_entity_id = ?';
    await this.transaction.execute(sql, [quantity, String(job.wip_entity_id)]);
  }
}

interface Move {
  type: number;
  from?: Place;
  to?: Place;
}

/** With what a row that leaves something out gets. */
function derived(row: SqlRow, operations: readonly Operation[]): Move {
  const given = (name: string) => (row[name] === null ? undefined : Number(row[name]));
  const last = operations.at(-1)?.number;
  const type = given('transaction_type') ?? MOVE!;
  const fromOperation = given('fm_operation_seq_num') ?? (type === RETURN ? last : undefined);
  const fromStep = given('fm_intraoperation_step_type') ?? (type === RETURN ? TO_MOVE : undefined);
  const next = operations.find(({ number, countPoint }) => number > (fromOperation ?? 0) && countPoint === 1)?.number;
  const toOperation = given('to_operation_seq_num') ?? (type === COMPLETION ? last : type === MOVE ? next : undefined);
  const toStep =
    given('to_intraoperation_step_type') ?? (type === COMPLETION ? TO_MOVE : type === MOVE ? QUEUE : undefined);
  const place = (operation?: number, step?: number) =>
    operation === undefined || step === undefined ? undefined : { operation, step };
  const [from, to] = [place(fromOperation, fromStep), place(toOperation, toStep)];
  return { type, ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

function problemOf(
  row: SqlRow,
  job: SqlRow,
  operations: readonly Operation[],
  { type, from, to }: Move,
): string | undefined {
  if (![RELEASED, COMPLETE].includes(Number(job.status_type))) return 'Job is not released';
  if (operations.length === 0) return 'The job has no routing';
  if (![MOVE, COMPLETION, RETURN].includes(type)) return 'Invalid transaction type';
  if (type !== MOVE && job.completion_subinventory === null) return 'The job has no completion subinventory';
  if (String(row.transaction_date) < String(job.date_released ?? '')) return 'The job was released later';
  const has = (place: Place) => operations.some(({ number }) => number === place.operation);
  if (from === undefined || !has(from) || !(from.step in COUNTERS)) return 'Invalid from operation';
  if (to === undefined || !has(to) || !(to.step in COUNTERS)) return 'Invalid to operation';
  const last = operations.at(-1)!.number;
  const isEnd = (place: Place) => place.operation === last && place.step === TO_MOVE;
  if (type === COMPLETION && !isEnd(to)) return 'A completion goes to the step To Move of the last operation';
  if (type === RETURN && !isEnd(from)) return 'A return comes from the step To Move of the last operation';
  if (from.operation === to.operation && from.step === to.step) return 'From and to are the same';
  if (Number(row.transaction_quantity) <= 0) return 'Transaction quantity must be greater than zero';
  return undefined;
}

function isBefore(a: Place, b: Place): boolean {
  return a.operation < b.operation || (a.operation === b.operation && a.step < b.step);
}
