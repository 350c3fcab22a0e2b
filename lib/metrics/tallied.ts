import type { SqlDatabase, SqlRow, SqlTransaction } from '../protocols/sql/database';
import { BUCKETS, type Counter, SUM, type Times } from '../store/tally';
import { type Family, histogram, type Labels, type Sample } from './exposition';

interface Owner {
  table: string;
  /** Of its table, that labels need. */
  columns: string;
  labels(row: SqlRow): Labels;
}

const CONNECTION: Owner = {
  table: 'integration_connections',
  columns: '',
  labels: ({ object_id }) => ({ connection: Number(object_id) }),
};
const MAPPING: Owner = {
  table: 'integration_mappings',
  columns: ', o.connection_id',
  labels: ({ object_id, connection_id }) => ({ connection: Number(connection_id), mapping: Number(object_id) }),
};
const WEBHOOK: Owner = {
  table: 'integration_webhooks',
  columns: '',
  labels: ({ object_id }) => ({ endpoint: Number(object_id) }),
};

/** What the label of a counter is called; without one it has none. */
const COUNTERS: Record<Counter, { owner: Owner; label?: string; help: string }> = {
  http_requests_total: {
    owner: CONNECTION,
    label: 'status_class',
    help: 'Requests by HTTP, by the class of their answer; none: no answer came.',
  },
  webhook_deliveries_total: {
    owner: WEBHOOK,
    label: 'outcome',
    help: 'Attempts to deliver, by what became of them; skipped: there was nothing to send.',
  },
  lease_lost_total: { owner: MAPPING, help: 'Runs that another worker took over from one that did not answer.' },
};

const TIMES: Record<Times, { owner: Owner; help: string }> = {
  batch_write_seconds: { owner: MAPPING, help: 'From a page that was read to its commit.' },
  webhook_latency_seconds: { owner: WEBHOOK, help: 'From the begin of an attempt to deliver to its answer.' },
};

const OWNERS = { ...COUNTERS, ...TIMES };

/** What all processes have counted, of what is still there. */
export async function tallied(reader: Pick<SqlTransaction, 'query'>): Promise<Family[]> {
  const families: Family[] = [];
  for (const [name, { owner, label, help }] of Object.entries(COUNTERS)) {
    const samples = (await rowsOf(reader, name, owner)).map((row) => ({
      labels: { ...owner.labels(row), ...(label !== undefined && { [label]: String(row.label) }) },
      value: Number(row.value),
    }));
    families.push({ name, type: 'counter', help, samples });
  }
  for (const [name, { owner, help }] of Object.entries(TIMES) as [Times, (typeof TIMES)[Times]][]) {
    const ofEach = Map.groupBy(await rowsOf(reader, name, owner), ({ object_id }) => Number(object_id));
    const samples = [...ofEach.values()].flatMap((rows) => histogramOf(name, owner, rows));
    families.push({ name, type: 'histogram', help, samples });
  }
  return families;
}

/** What is counted for whatever is gone does not stay for ever. */
export async function forgetGone(database: SqlDatabase): Promise<void> {
  for (const [name, { owner }] of Object.entries(OWNERS)) {
    const sql = `DELETE FROM integration_tallies WHERE name = ? AND object_id NOT IN (SELECT id FROM ${owner.table})`;
    await database.execute(sql, [name]);
  }
}

function rowsOf(reader: Pick<SqlTransaction, 'query'>, name: string, owner: Owner): Promise<SqlRow[]> {
  return reader.query(
    `SELECT t.object_id, t.label, t.value${owner.columns} FROM integration_tallies t JOIN ${owner.table} o ON o.id = t.object_id
     WHERE t.name = ? ORDER BY t.object_id, t.label`,
    [name],
  );
}

function histogramOf(name: Times, owner: Owner, rows: readonly SqlRow[]): Sample[] {
  const [first] = rows;
  if (first === undefined) return [];
  const valueAt = (label: string) => Number(rows.find((row) => row.label === label)?.value ?? 0);
  const ends = BUCKETS[name];
  let count = 0;
  const within = ends.map((end) => {
    count += valueAt(String(end));
    return count;
  });
  return histogram(owner.labels(first), ends, within, { count: count + valueAt('+Inf'), sum: valueAt(SUM) });
}
