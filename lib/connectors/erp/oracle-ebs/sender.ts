import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { IsgSession } from '../../../protocols/isg/session';
import type { SqlDatabase, SqlTransaction } from '../../../protocols/sql/database';
import type { SourceRecord, WriteTarget } from '../../contract';
import { LostAnswer, type WriteRun } from '../../write-run';
import type { Wanted } from './posted';
import { KEY, type LoadRequest, type Parts, type Posting, type Row, refused, SERVER, SOURCE, WHO } from './posting';

/** A row to send, and which record of the batch it is of. */
export interface Outgoing extends Wanted {
  index: number;
  row: Row;
  lot?: string;
  serials: string[];
  /** One of it waits or was refused: it takes its place. */
  replaces: boolean;
  /** What is posted already, and changed by it. */
  changed?: SourceRecord;
}

/** In whose name rows are written. */
export interface Author {
  userId: string;
  name: string;
  responsibility?: { id: string; applicationId: string };
}

/**
 * How rows come into an open interface table. What fails is told to the run.
 * @returns the rows that arrived
 */
export type Sender = (rows: readonly Outgoing[], run: WriteRun, signal: AbortSignal) => Promise<Outgoing[]>;

/** By SQL: all of a batch in one transaction, in which a row that the table refuses costs only itself. */
export function byDatabase(
  database: SqlDatabase,
  posting: Posting,
  author: Author,
  target: Pick<WriteTarget, 'assertSafeToWrite'>,
): Sender {
  return async (rows, run, signal) => {
    signal.throwIfAborted();
    let isInserted = false;
    try {
      await database.transaction(async (transaction) => {
        await initialize(transaction, author);
        const group = posting.request && (await nextOf(transaction, posting.request.sequence));
        for (const outgoing of rows) await insertOne(transaction, posting, outgoing, run, group);
        const isAny = rows.some(({ index }) => run.results[index] === undefined);
        if (group !== undefined && isAny) await requestLoad(transaction, posting.request!, group);
        signal.throwIfAborted();
        target.assertSafeToWrite?.();
        isInserted = true;
      });
    } catch (thrown) {
      const left = rows.filter(({ index }) => run.results[index] === undefined).map(({ index }) => index);
      const error = IntegrationError.from(thrown);
      // Only a commit without an answer may have happened.
      run.fail(left, isInserted ? new LostAnswer(error, false) : error);
      return [];
    }
    return rows.filter(({ index }) => run.results[index] === undefined);
  };
}

/** What triggers and views of E-Business Suite ask for: user, responsibility and its application. */
async function initialize(transaction: SqlTransaction, { userId, responsibility }: Author): Promise<void> {
  if (responsibility === undefined) return;
  const parameters = [userId, responsibility.id, responsibility.applicationId];
  await transaction.execute('CALL FND_GLOBAL.APPS_INITIALIZE(?, ?, ?)', parameters);
}

async function insertOne(
  transaction: SqlTransaction,
  posting: Posting,
  outgoing: Outgoing,
  run: WriteRun,
  group: string | undefined,
): Promise<void> {
  const { row, index, replaces } = outgoing;
  const own = [row[SOURCE]!, row[KEY]!];
  try {
    await transaction.savepoint(async (inner) => {
      // What is done may lie there still.
      const isCleared = replaces || posting.state.done !== undefined;
      for (const sql of isCleared ? posting.removal : []) await inner.execute(sql, own);
      const numbered = { ...(await insertParts(inner, posting, outgoing)), ...(await placeOf(inner, posting, group)) };
      const guard = `NOT EXISTS (SELECT 1 FROM ${posting.table} WHERE ${SOURCE} = ? AND ${KEY} = ?)`;
      if ((await insertRow(inner, posting.table, numbered, guard, own)) === 0) throw sentMeanwhile(own);
    });
  } catch (thrown) {
    const error = IntegrationError.from(thrown);
    if (error.class !== 'data' && error.class !== 'conflict') throw error;
    run.fail([index], error);
  }
}

/** @returns the row, with the number that ties lot and serial numbers to it where it has some */
async function insertParts(
  transaction: SqlTransaction,
  { parts }: Posting,
  { row, lot, serials }: Outgoing,
): Promise<Row> {
  if (parts === undefined || (lot === undefined && serials.length === 0)) return row;
  const id = await nextOf(transaction, parts.sequence);
  const entries = Object.entries(row).filter(([column]) => [SOURCE, KEY, ...WHO].includes(column));
  const part = { ...Object.fromEntries(entries), [parts.id]: id };
  const ofLot =
    lot === undefined
      ? undefined
      : await insertLot(transaction, parts, { ...part, ...quantityOf(row, parts) }, lot, serials);
  const { table, from, to } = parts.serials;
  for (const serial of serials) {
    const one = { ...part, [parts.id]: ofLot ?? id, [from]: serial, [to]: serial };
    await insertRow(transaction, table, one, '1 = 1', []);
  }
  return { ...row, [parts.id]: id };
}

/** @returns the number that ties serial numbers to the lot, where it has some */
async function insertLot(
  transaction: SqlTransaction,
  { lot: { table, field, serials: tie }, sequence }: Parts,
  part: Row,
  lot: string,
  serials: readonly string[],
): Promise<string | undefined> {
  const id = serials.length === 0 ? undefined : await nextOf(transaction, sequence);
  await insertRow(transaction, table, { ...part, [field]: lot, ...(id !== undefined && { [tie]: id }) }, '1 = 1', []);
  return id;
}

function quantityOf(row: Row, { lot: { quantity } }: Parts): Row {
  return row[quantity] === undefined ? {} : { [quantity]: row[quantity] };
}

/** The group that a row belongs to, and its own number in it. */
async function placeOf(transaction: SqlTransaction, { request }: Posting, group: string | undefined): Promise<Row> {
  if (request === undefined || group === undefined) return {};
  return { [request.group]: group, [request.header]: await nextOf(transaction, request.sequence) };
}

/** With the rows or not at all: the request is a row as well, which the concurrent manager sees when all is committed. */
async function requestLoad(transaction: SqlTransaction, request: LoadRequest, group: string): Promise<void> {
  try {
    await transaction.execute(SERVER[transaction.dialect]!.load(request), [group]);
  } catch (thrown) {
    const error = IntegrationError.from(thrown);
    if (error.class === 'transient') throw error;
    const message = phrase`The concurrent request ${request.program} was refused: ${error.said}`;
    throw new IntegrationError('config', 'PCP_EBS_NO_REQUEST', message, {
      path: '/config/responsibility',
      hint: 'Let the DBA grant EXECUTE on FND_REQUEST, and take a responsibility whose request group has the program.',
      cause: thrown,
    });
  }
}

async function nextOf(transaction: SqlTransaction, sequence: string): Promise<string> {
  const { next, fromNothing } = SERVER[transaction.dialect]!;
  const [number] = await transaction.query(`SELECT ${next(sequence)} AS "ID"${fromNothing}`);
  return String(number?.ID);
}

function insertRow(
  transaction: SqlTransaction,
  table: string,
  row: Row,
  condition: string,
  parameters: readonly string[],
): Promise<number> {
  const names = Object.keys(row);
  const values = names.map(() => '?').join(', ');
  const { fromNothing } = SERVER[transaction.dialect]!;
  const sql = `INSERT INTO ${table} (${names.join(', ')}) SELECT ${values}${fromNothing} WHERE ${condition}`;
  return transaction.execute(sql, [...Object.values(row), ...parameters]);
}

const BY_SQL = phrase`goes by SQL only, as a row of its own`;

/** Through the gateway, where the table is deployed as a service: each row with a request of its own. */
export function byGateway(
  session: IsgSession,
  alias: string,
  posting: Posting,
  arrived: (outgoing: Outgoing) => Promise<boolean>,
): Sender {
  return async (rows, run, signal) => {
    const there: Outgoing[] = [];
    const byIndex = new Map(rows.map((outgoing) => [outgoing.index, outgoing]));
    await run.each(
      rows.map(({ index }) => [index]),
      async ([index]) => {
        const outgoing = byIndex.get(index!)!;
        const { row, lot, serials, replaces } = outgoing;
        if (lot !== undefined) throw refused(posting.parts!.lot.field, lot, BY_SQL);
        if (serials.length > 0) throw refused(posting.parts!.serials.field, serials[0], BY_SQL);
        if (replaces) throw refusedThere(row);
        await session.insert(alias, posting.table, [row], signal).catch((thrown: unknown) => {
          const error = IntegrationError.from(thrown);
          throw error.outcomeUnknown ? new LostAnswer(error, false) : error;
        });
        if (!(await arrived(outgoing))) throw new LostAnswer(notArrived(posting.table, alias), false);
        there.push(outgoing);
      },
    );
    return there;
  };
}

function sentMeanwhile([source, key]: string[]): IntegrationError {
  return new IntegrationError(
    'conflict',
    'PCP_EBS_SENT_MEANWHILE',
    phrase`A row ${source}/${key} came into the table meanwhile.`,
    {
      hint: 'Another process writes with the same source code: give each a code of its own.',
    },
  );
}

/** A row that was refused is taken out by SQL only. */
function refusedThere(row: Row): IntegrationError {
  const message = phrase`A row ${row[SOURCE]}/${row[KEY]} that was refused is in the interface still.`;
  return new IntegrationError('data', 'PCP_EBS_IN_ERROR', message, {
    hint: 'Correct and resubmit it in E-Business Suite (pending transactions), or delete it there; then this record can be sent again.',
  });
}

function notArrived(table: string, alias: string): IntegrationError {
  const message = phrase`The service "${alias}" took a row for ${table}, which is not there.`;
  return new IntegrationError('config', 'PCP_EBS_NOT_ARRIVED', message, {
    path: '/config/interfaces',
    outcomeUnknown: true,
    hint: 'Check that alias and database belong to the same E-Business Suite, and that the service commits.',
  });
}
