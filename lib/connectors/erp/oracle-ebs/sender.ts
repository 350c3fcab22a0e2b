import { IntegrationError } from '../../../model/errors';
import type { IsgSession } from '../../../protocols/isg/session';
import type { SqlDatabase, SqlTransaction } from '../../../protocols/sql/database';
import { LostAnswer, type WriteRun } from '../../write-run';
import { KEY, type Posting, type Row, SERVER, SOURCE } from './posting';

/** A row to send, and which record of the batch it is of. */
export interface Outgoing {
  index: number;
  row: Row;
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
export function byDatabase(database: SqlDatabase, posting: Posting, author: Author): Sender {
  return async (rows, run, signal) => {
    signal.throwIfAborted();
    let isInserted = false;
    try {
      await database.transaction(async (transaction) => {
        await initialize(transaction, author);
        for (const outgoing of rows) await insertOne(transaction, posting, outgoing, run);
        signal.throwIfAborted();
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
      const names = Object.keys(row);
      const values = names.map(() => '?').join(', ');
      const guard = `SELECT 1 FROM ${posting.table} WHERE ${SOURCE} = ? AND ${KEY} = ?`;
      const { fromNothing } = SERVER[transaction.dialect]!;
      const sql = `INSERT INTO ${posting.table} (${names.join(', ')}) SELECT ${values}${fromNothing} WHERE NOT EXISTS (${guard})`;
      const inserted = await inner.execute(sql, [...Object.values(row), ...own]);
      if (inserted === 0) throw sentMeanwhile(own);
    });
  } catch (thrown) {
    const error = IntegrationError.from(thrown);
    if (error.class !== 'data' && error.class !== 'conflict') throw error;
    run.fail([index], error);
  }
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
        const { row, replaces } = outgoing;
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
    `A row ${source}/${key} came into the table meanwhile.`,
    {
      hint: 'Another process writes with the same source code: give each a code of its own.',
    },
  );
}

/** A row that was refused is taken out by SQL only. */
function refusedThere(row: Row): IntegrationError {
  const message = `A row ${row[SOURCE]}/${row[KEY]} that was refused is in the interface still.`;
  return new IntegrationError('data', 'PCP_EBS_IN_ERROR', message, {
    hint: 'Correct and resubmit it in E-Business Suite (pending transactions), or delete it there; then this record can be sent again.',
  });
}

function notArrived(table: string, alias: string): IntegrationError {
  const message = `The service "${alias}" took a row for ${table}, which is not there.`;
  return new IntegrationError('config', 'PCP_EBS_NOT_ARRIVED', message, {
    path: '/config/interfaces',
    outcomeUnknown: true,
    hint: 'Check that alias and database belong to the same E-Business Suite, and that the service commits.',
  });
}
