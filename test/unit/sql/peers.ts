import type { Connector, SourceRecord, WriteRecord, WriteResult } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/generic/database/connector';
import type { SqlOptions } from '../../../lib/protocols/sql/database';
import { mariadbServer } from '../../support/mariadb';
import { postgresServer } from '../../support/postgres';

/** The same behaviour on every database. `instant` is a column type whose values are bounded by the clock of the source. */
export const PEERS = [
  { name: 'SQLite', server: undefined, instant: 'DATETIME' },
  { name: 'PostgreSQL', server: postgresServer, instant: 'timestamptz' },
  { name: 'MariaDB', server: mariadbServer, instant: 'timestamp(6) NULL' },
];

/** `generic.database` on a database of a test. */
export function connectorOf(options: SqlOptions, config: Record<string, unknown> = {}): Connector {
  const { password = '', dialect, host, port, database, username, storage } = options;
  const own = storage === undefined ? { dialect, host, port, database, username } : { dialect, storage };
  const connection = { id: 1, name: 'test', connector_type: 'generic.database', config: { ...own, ...config } };
  return create({ ...connection, credentials: { password } }, { log: () => undefined });
}

/** Writes records that all have the fields of the first one. */
export async function writeRecords(
  connector: Connector,
  entity: string,
  records: SourceRecord[],
  keyFields = ['id'],
): Promise<WriteResult[]> {
  const { signal } = new AbortController();
  const fields = Object.keys(records[0]!);
  const target = { entity, keyFields, fields, resume: null, runId: 1, mappingId: 1 };
  const writer = await connector.openWriter!(target, signal);
  const keyOf = (data: SourceRecord) => JSON.stringify(keyFields.map((key) => data[key]));
  const writes = records.map((data): WriteRecord => ({ data, key: keyOf(data), hash: '', sourceKey: '' }));
  return writer.write(writes, signal);
}
