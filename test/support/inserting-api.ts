import type { Resolution, WriteGuarantee, WriteRecord, WriteResult } from '../../lib/connectors/contract';
import type { ConnectorDescriptor } from '../../lib/connectors/descriptor';
import type { LoadedConnector } from '../../lib/connectors/registry';
import { IntegrationError } from '../../lib/model/errors';

/** What happens to one request: its effect, and whether its answer arrives. */
export type Fate = 'answered' | 'answer lost' | 'request lost' | 'not sent' | 'connection lost';

/**
 * Stand-in for an API that inserts a row for every POST it gets, in this process so that each request can be lost at a chosen
 * moment. With `idempotencyKey` it answers a key that it knows as it did the first time; with `lookup` it can be asked for a row by the
 * record's own number.
 */
export class InsertingApi {
  readonly rows: { id: string; data: Record<string, unknown> }[] = [];
  readonly requests: string[] = [];
  readonly answers = new Map<string, string>();
  /** Whether it answers a look-up. */
  isThere = true;
  fate: (record: WriteRecord) => Fate = () => 'answered';
  settleMs = 1;
  /** What a look-up gives of a row. */
  shown: (data: Record<string, unknown>) => Record<string, unknown> = (data) => data;

  constructor(readonly offers: Pick<WriteGuarantee, 'idempotencyKey' | 'lookup'>) {}

  connector(): LoadedConnector {
    const writes = {
      ...this.offers,
      upsertByKey: false,
      transactional: false,
      snapshot: false,
      settleMs: this.settleMs,
    };
    const descriptor: ConnectorDescriptor = {
      type: 'test.api',
      title: { 'en-US': 'API', 'pt-BR': 'API' },
      description: { 'en-US': '', 'pt-BR': '' },
      node: null,
      icon: '',
      color: '',
      since: '0.1.0',
      capabilities: ['test', 'write'],
      writes,
      batchSize: { default: 10, maximum: 10 },
      drivers: [],
      settings: {},
      operations: ['write'],
    };
    const writer = {
      write: (records: WriteRecord[]) => this.write(records),
      resolve: async (records: WriteRecord[]) => {
        if (!this.isThere) throw new IntegrationError('transient', 'PCP_TEST', 'No answer.');
        return records.map((record) => this.find(record));
      },
      finish: async () => undefined,
      abandon: async () => undefined,
    };
    const create = () => ({
      test: async () => ({ ok: true, steps: [], duration_ms: 0 }),
      openWriter: async () => writer,
      close: async () => undefined,
    });
    return { descriptor, create };
  }

  private async write(records: WriteRecord[]): Promise<WriteResult[]> {
    const results: (WriteResult | undefined)[] = records.map(() => undefined);
    for (const [index, record] of records.entries()) {
      const fate = this.fate(record);
      const error = new IntegrationError('transient', 'PCP_TEST', `Request ${index}: ${fate}.`);
      if (fate === 'connection lost') throw error;
      if (fate === 'not sent') throw Object.assign(error, { results });
      if (fate === 'request lost') results[index] = { outcome: 'unknown', error };
      else {
        const result = this.take(record);
        results[index] = fate === 'answer lost' ? { outcome: 'unknown', error } : result;
      }
    }
    return results as WriteResult[];
  }

  private take({ data, idempotencyKey, externalKey }: WriteRecord): WriteResult {
    this.requests.push(String(data.id));
    if (externalKey !== undefined) {
      const row = this.rows.find(({ id }) => id === externalKey);
      if (row === undefined)
        return { outcome: 'failed', error: new IntegrationError('data', 'PCP_TEST', `No row ${externalKey}.`) };
      row.data = data;
      return { outcome: 'updated', externalKey };
    }
    const known = this.offers.idempotencyKey ? this.answers.get(idempotencyKey as string) : undefined;
    const id = known ?? `row-${this.rows.length + 1}`;
    if (known === undefined) this.rows.push({ id, data });
    this.answers.set(idempotencyKey as string, id);
    return { outcome: 'created', externalKey: id };
  }

  private find({ data }: WriteRecord): Resolution {
    const row = this.rows.find((one) => one.data.id === data.id);
    return row === undefined
      ? { state: 'absent' }
      : { state: 'found', externalKey: row.id, data: this.shown(row.data) };
  }
}
