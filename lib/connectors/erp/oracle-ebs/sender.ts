import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { IsgSession } from '../../../protocols/isg/session';
import type { SqlDatabase, SqlTransaction } from '../../../protocols/sql/database';
import type { WriteTarget } from '../../contract';
import { LostAnswer, type WriteRun } from '../../write-run';
import { KEY, type Posting, type Row, refused, SERVER, SOURCE, WHO } from './posting';

/** A row to send, and which record of the batch it is of. */
export interface Outgoing {
  index: number;
  row: Row;
  lot?: string;
  /** One of it was refused before: it takes its place. */
  replaces: boolean;
}

/** In whose name rows are written. */
export interface Author {
  userId: string;
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
        for (const outgoing of rows) await insertOne(transaction, posting, outgoing, run);
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
): Promise<void> {
  const { row, index, replaces } = outgoing;
  const own = [row[SOURCE]!, row[KEY]!];
  try {
    await transaction.savepoint(async (inner) => {
      if (replaces) for (const sql of posting.removal) await inner.execute(sql, own);
      const numbered = outgoing.lot === undefined ? row : await insertLot(inner, posting, row, outgoing.lot);
      const guard = `NOT EXISTS (SELECT 1 FROM ${posting.table} WHERE ${SOURCE} = ? AND ${KEY} = ?)`;
      if ((await insertRow(inner, posting.table, numbered, guard, own)) === 0) throw sentMeanwhile(own);
    });
  } catch (thrown) {
    const error = IntegrationError.from(thrown);
    if (error.class !== 'data' && error.class !== 'conflict') throw error;
    run.fail([index], error);
  }
}

/** @returns the row with the number that ties its lot to it */
async function insertLot(transaction: SqlTransaction, { lot }: Posting, row: Row, name: string): Promise<Row> {
  const { table, field, quantity, id, sequence } = lot!;
  const { next, fromNothing } = SERVER[transaction.dialect]!;
  const [number] = await transaction.query(`SELECT ${next(sequence)} AS "ID"${fromNothing}`);
  const tied = { ...row, [id]: String(number?.ID) };
  const kept = [id, quantity, SOURCE, KEY, ...WHO];
  const entries = Object.entries(tied).filter(([column]) => kept.includes(column));
  await insertRow(transaction, table, { ...Object.fromEntries(entries), [field]: name }, '1 = 1', []);
  return tied;
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

/** Through the gateway, where the table is deployed as a service: each row with a request of its own. */
export function byGateway(
  session: IsgSession,
  alias: string,
  posting: Posting,
  arrived: (row: Row) => Promise<boolean>,
): Sender {
  return async (rows, run, signal) => {
    const there: Outgoing[] = [];
    const byIndex = new Map(rows.map((outgoing) => [outgoing.index, outgoing]));
    await run.each(
      rows.map(({ index }) => [index]),
      async ([index]) => {
        const outgoing = byIndex.get(index!)!;
        const { row, lot, replaces } = outgoing;
        if (lot !== undefined) throw refused(posting.lot!.field, lot, phrase`goes by SQL only, as a row of its own`);
        if (replaces) throw refusedThere(row);
        await session.insert(alias, posting.table, [row], signal).catch((thrown: unknown) => {
          const error = IntegrationError.from(thrown);
          throw error.outcomeUnknown ? new LostAnswer(error, false) : error;
        });
        if (!(await arrived(row))) throw new LostAnswer(notArrived(posting.table, alias), false);
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
