import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type {
  Batch,
  Connector,
  SourceRecord,
  WriteRecord,
  Writer,
  WriterState,
} from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/generic/file/connector';
import { IntegrationError } from '../../../lib/model/errors';
import type { Cursor } from '../../../lib/model/sync';
import type { RecordParser, RecordSink } from '../../../lib/protocols/formats/parser';

export const never = new AbortController().signal;

/** A root folder of its own for each test of the surrounding `describe`. */
export function temporaryRoot(): { path: string; put: (name: string, content: string | Buffer) => string } {
  const root = {
    path: '',
    put(name: string, content: string | Buffer) {
      const full = join(root.path, name);
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, content);
      return full;
    },
  };
  beforeEach(() => {
    root.path = mkdtempSync(join(tmpdir(), 'pcp-file-'));
  });
  afterEach(() => rmSync(root.path, { recursive: true, force: true }));
  return root;
}

export function fileConnector(root: string, config: Record<string, unknown> = {}, log: string[] = []): Connector {
  return create(
    {
      id: 1,
      name: 'files',
      connector_type: 'generic.file',
      config: { root, settle_seconds: 0, ...config },
      credentials: {},
    },
    { log: (_, message) => log.push(message) },
  );
}

export async function readBatches(
  connector: Connector,
  entity: string,
  {
    cursor = null,
    batchSize = 1000,
    namedFields = [],
  }: { cursor?: Cursor | null; batchSize?: number; namedFields?: string[] } = {},
): Promise<{ batches: Batch[]; error: IntegrationError | null }> {
  const batches: Batch[] = [];
  try {
    for await (const batch of connector.read!({ entity, cursor, batchSize, namedFields }, never)) batches.push(batch);
    return { batches, error: null };
  } catch (thrown) {
    return { batches, error: IntegrationError.from(thrown) };
  }
}

export async function readRecords(connector: Connector, entity: string): Promise<SourceRecord[]> {
  const { batches, error } = await readBatches(connector, entity);
  if (error) throw error;
  return batches.flatMap((batch) => batch.records);
}

/** Feeds a text in pieces of the given length. */
export function parsePieces(
  text: string,
  pieceLength: number,
  parser: (sink: RecordSink) => RecordParser,
): { records: SourceRecord[]; places: number[] } {
  const records: SourceRecord[] = [];
  const places: number[] = [];
  const running = parser((record, place) => {
    records.push(record);
    places.push(place);
  });
  for (let at = 0; at < text.length; at += pieceLength) running.write(text.slice(at, at + pieceLength));
  running.end();
  return { records, places };
}

export function writeRecords(records: SourceRecord[]): WriteRecord[] {
  return records.map((data, index) => ({ data, key: `[${index}]`, hash: String(index), sourceKey: `[${index}]` }));
}

/** The folder with public corpora, where a checkout has one beside it. */
export function sharedData(name: string): string | null {
  const path = join('..', 'shared', 'data', name);
  return existsSync(path) ? path : null;
}

export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

export const rows = (from: number, to: number): SourceRecord[] =>
  Array.from({ length: to - from }, (_, index) => ({ id: String(from + index), text: `t${from + index}` }));

/** Writers of an entity of a connection to the root. */
export function exporter(root: { path: string }) {
  async function openWriter(
    entity: Record<string, unknown>,
    {
      resume = null,
      runId = 1,
      fields = ['id', 'text'],
      config = {},
      mappingId = 7,
    }: {
      resume?: WriterState | null;
      runId?: number;
      fields?: string[];
      config?: Record<string, unknown>;
      mappingId?: number;
    } = {},
  ): Promise<Writer> {
    const connector = fileConnector(root.path, { entities: { out: entity }, ...config });
    return connector.openWriter!({ entity: 'out', keyFields: ['id'], fields, resume, runId, mappingId }, never);
  }

  async function writeAll(entity: Record<string, unknown>, records: SourceRecord[], options = {}) {
    const writer = await openWriter(entity, options);
    const results = await writer.write(writeRecords(records), never);
    await writer.state?.();
    await writer.finish();
    return results;
  }

  return { openWriter, writeAll };
}
