import type { Connector, SourceRecord, WriteRecord, WriteResult } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/erp/oracle-ebs/connector';
import { EbsPlant } from './plant';

const signal = new AbortController().signal;

/** Material that goes into a job. */
export const ISSUE = {
  ...{
    SOURCE_LINE_ID: 'GM-1',
    ORGANIZATION_CODE: 'M1',
    ITEM: 'BOLT.M8',
    WIP_ENTITY_NAME: 'WJ-0001',
    SUBINVENTORY_CODE: 'Stores',
  },
  ...{
    TRANSACTION_TYPE_ID: '35',
    TRANSACTION_QUANTITY: '4',
    TRANSACTION_DATE: '2026-11-27T10:00:00',
    OPERATION_SEQ_NUM: '10',
  },
};

/** Writers of connections to one plant, without a hub. */
export class EbsWriting {
  readonly #opened: Connector[] = [];

  private constructor(readonly plant: EbsPlant) {}

  static async start(): Promise<EbsWriting> {
    return new EbsWriting(await EbsPlant.start());
  }

  open(config: Record<string, unknown> = {}, credentials: Record<string, string> = {}): Connector {
    const connector = create(this.plant.connection(config, credentials), { log: () => undefined });
    this.#opened.push(connector);
    return connector;
  }

  async write(connector: Connector, entity: string, ...all: SourceRecord[]): Promise<WriteResult[]> {
    const writer = await connector.openWriter!(targetOf(entity, Object.keys(all[0]!)), signal);
    return writer.write(recordsOf(all), signal);
  }

  async resolve(connector: Connector, entity: string, record: SourceRecord) {
    const writer = await connector.openWriter!(targetOf(entity, []), signal);
    const [found] = await writer.resolve!(recordsOf([record]), signal);
    return found!;
  }

  /** They come by again and again until the writing has its answer. */
  async whileManagersRun<T>(writing: Promise<T>): Promise<T> {
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    writing.then(over, over);
    while (!isOver) await this.plant.managers.run();
    return writing;
  }

  async read(connector: Connector, entity: string): Promise<SourceRecord[]> {
    const found: SourceRecord[] = [];
    const query = { entity, cursor: null, batchSize: 100 };
    for await (const batch of connector.read!(query, signal)) found.push(...batch.records);
    return found;
  }

  /** Ends the connections of one test, and empties the tables that it filled. */
  async clear(...tables: string[]): Promise<void> {
    for (const connector of this.#opened.splice(0)) await connector.close();
    await this.plant.database.execute(`TRUNCATE ${[...tables, 'initialized'].join(', ')}`);
  }

  async stop(): Promise<void> {
    await this.plant.stop();
  }
}

export function outcomesOf(results: readonly WriteResult[]): string[] {
  return results.map((result) => (result.outcome === 'failed' ? result.error.code : result.outcome));
}

export function targetOf(entity: string, fields: string[]) {
  return { entity, keyFields: ['SOURCE_LINE_ID'], fields, runId: 1, mappingId: 1, resume: null };
}

export function recordsOf(all: readonly SourceRecord[]): WriteRecord[] {
  return all.map((data, index) => {
    const name = String(data.SOURCE_LINE_ID ?? data.WIP_ENTITY_NAME ?? index);
    return { data, key: name, hash: '', sourceKey: name };
  });
}
