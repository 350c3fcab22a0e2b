import type { IntegrationError } from '../../../model/errors';
import { createParser } from '../../../protocols/formats/create-parser';
import type { SourceRecord } from '../../contract';
import { fileError } from './fs-errors';
import type { FoundFile, RootFolder } from './root-folder';
import type { FileEntity, FileSettings } from './settings';
import { TextSource } from './text-source';

/** The first records of a file, for its schema. A fault in the content ends the sample and is given beside it. */
export async function sampleRecords(
  root: RootFolder,
  entity: FileEntity,
  settings: FileSettings,
  file: FoundFile,
  limit: number,
  signal: AbortSignal,
): Promise<{ records: SourceRecord[]; fault: IntegrationError | null }> {
  const records: SourceRecord[] = [];
  let source: TextSource | undefined;
  try {
    source = await TextSource.open(root, file.path, entity, settings);
    const context = {
      fileName: file.path,
      maxRecordLength: settings.max_record_bytes,
      restoresFormulas: settings.neutralise_formulas,
    };
    const parser = createParser(entity, context, (record) => {
      if (records.length < limit) records.push(record);
    });
    for await (const text of source.text(signal)) {
      parser.write(text);
      if (records.length >= limit) return { records, fault: null };
    }
    parser.end();
    return { records, fault: null };
  } catch (thrown) {
    const fault = fileError(thrown, file.path);
    if (fault.class !== 'data' && fault.class !== 'transient') throw fault;
    return { records, fault };
  } finally {
    await source?.close();
  }
}
