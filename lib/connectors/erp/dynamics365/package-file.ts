import { IntegrationError } from '../../../model/errors';
import { type Phrase, phrase } from '../../../model/phrase';
import { type CsvOptions, CsvParser } from '../../../protocols/formats/csv-parser';
import { CsvSerialiser } from '../../../protocols/formats/csv-serialiser';
import { byteOrderMark, encode, StrictDecoder } from '../../../protocols/formats/encodings';
import { escapedXml as xml } from '../../../protocols/formats/xml-serialiser';
import { type ArchivedFile, ArchiveProblem, unzip, zip } from '../../../protocols/formats/zip';
import type { SourceRecord } from '../../contract';
import type { PackageEntity } from './packages';

const CSV: CsvOptions = { delimiter: ',', quote: '"', header: true, columns: undefined, comment: '' };
const NAMESPACE = 'http://schemas.microsoft.com/dynamics/2015/01/DataManagement';
const INSTANCE = 'http://www.w3.org/2001/XMLSchema-instance';
const MANIFEST_TYPE =
  'Microsoft.Dynamics.AX.Framework.Tools.DataManagement.Serialization.DataManagementPackageManifest';
const MOST_BYTES = 256 * 1024 * 1024;
const LONGEST_RECORD = 1024 * 1024;
const PIECE = 64 * 1024;
/** Of a record. */
const FIRST_LINE = 2;

type Data = Record<string, unknown>;

/** A package that inserts or changes records: their file, and what it tells data management about its columns. */
export function packed(entity: PackageEntity, rows: readonly Data[]): Buffer {
  const csv = new CsvSerialiser(CSV, entity.fields, '.', false, false);
  const text = csv.begin + rows.map((row) => csv.record(row)).join('');
  return zip([
    { name: 'Manifest.xml', content: Buffer.from(manifest(entity)) },
    { name: 'PackageHeader.xml', content: Buffer.from(header(entity)) },
    // CSV of Unicode is UTF-16 with its mark there; of UTF-8 nothing would be read.
    { name: fileName(entity), content: encode(`\ufeff${text}`, 'utf-16le') },
  ]);
}

/** The records of a package that came, as texts; in pieces of so many. @throws config, data PCP_DYNAMICS_PACKAGE */
export function* unpacked(archive: Buffer, entity: PackageEntity, size: number): Generator<SourceRecord[]> {
  const file = dataFile(archive, entity);
  if (file === undefined) return;
  const { name, content } = file;
  const mark = byteOrderMark(content.subarray(0, 4));
  const begin = mark?.length ?? 0;
  const decoder = new StrictDecoder(mark?.encoding ?? 'utf-8', name, begin);
  const records: SourceRecord[] = [];
  const parser = new CsvParser(CSV, { fileName: name, maxRecordLength: LONGEST_RECORD }, (record, place) => {
    if (place === FIRST_LINE) requireColumns(record, entity, name);
    records.push(record);
  });
  for (let at = begin; at < content.length; at += PIECE) {
    parser.write(decoder.write(content.subarray(at, at + PIECE)));
    while (records.length >= size) yield records.splice(0, size);
  }
  decoder.end();
  parser.end();
  while (records.length > 0) yield records.splice(0, size);
}

/** A column that the file lacks would read as empty in every record. */
function requireColumns(record: SourceRecord, { fields, definitionGroup }: PackageEntity, name: string): void {
  const missing = fields.find((field) => !Object.hasOwn(record, field));
  if (missing === undefined) return;
  throw broken(
    'config',
    phrase`"${name}" of "${definitionGroup}" has no column "${missing}".`,
    'Correct the fields in the setting "packages", or the mapping of the data project.',
  );
}

/** Beside what describes the package: the file of the entity, or the only one. */
function dataFile(archive: Buffer, entity: PackageEntity): ArchivedFile | undefined {
  let files: ArchivedFile[];
  try {
    files = unzip(archive, MOST_BYTES);
  } catch (thrown) {
    if (!(thrown instanceof ArchiveProblem)) throw thrown;
    throw broken(
      'transient',
      phrase`The package of "${entity.definitionGroup}" ${thrown.message}.`,
      'It is fetched again.',
    );
  }
  const data = files.filter(({ name }) => !/^(Manifest|PackageHeader)\.xml$/i.test(name));
  const own = fileName(entity).toLowerCase();
  const found = data.find(({ name }) => name.toLowerCase() === own) ?? (data.length === 1 ? data[0] : undefined);
  if (found === undefined && data.length > 0) {
    const names = data.map(({ name }) => name).join(', ');
    const message = phrase`The package of "${entity.definitionGroup}" has no file "${fileName(entity)}": ${names}.`;
    throw broken('config', message, 'Write the name of the entity in the setting "packages" as the project has it.');
  }
  if (found !== undefined && !/\.(csv|txt)$/i.test(found.name)) {
    const message = phrase`The package of "${entity.definitionGroup}" holds "${found.name}".`;
    throw broken('config', message, 'Let the data project export as CSV (CSV-Unicode keeps every character).');
  }
  return found;
}

/** A record as data management reads its values; what it lacks is empty. @throws data PCP_DYNAMICS_PACKAGE */
export function rowOf(record: Data, { fields }: PackageEntity): Data {
  const strange = Object.keys(record).find((name) => !fields.includes(name));
  if (strange !== undefined) throw refused(strange, phrase`is none of the package`);
  const cells = Object.entries(record).map(([name, value]) => {
    if (typeof value === 'object' && value !== null) throw refused(name, phrase`must be a text, a number or yes or no`);
    return [name, typeof value === 'boolean' ? (value ? 'Yes' : 'No') : value];
  });
  return Object.fromEntries(cells);
}

function fileName({ entity }: PackageEntity): string {
  return `${entity}.csv`;
}

/** Without the map of its columns an import takes nothing, and says that all went well. */
function manifest(entity: PackageEntity): string {
  const map = (name: string) =>
    `<EntityMap><ArrayIndex>0</ArrayIndex><EntityField>${xml(name)}</EntityField><EntityFieldConversionList i:nil="true"/>` +
    '<IsAutoDefault>false</IsAutoDefault><IsAutoGenerated>false</IsAutoGenerated>' +
    '<IsDefaultValueEqualNull>false</IsDefaultValueEqualNull><UseTextQualifier>true</UseTextQualifier>' +
    `<XMLField>${xml(name)}</XMLField></EntityMap>`;
  const data =
    '<DefaultRefreshType>FullPush</DefaultRefreshType><Disable>false</Disable>' +
    `<EntityMapList>${entity.fields.map(map).join('')}</EntityMapList><EntityName>${xml(entity.entity)}</EntityName>` +
    `<ExecutionUnit>1</ExecutionUnit><InputFilePath>${xml(fileName(entity))}</InputFilePath>` +
    '<LevelInExecutionUnit>1</LevelInExecutionUnit><SequenceInLevel>1</SequenceInLevel>' +
    '<SkipStaging>false</SkipStaging><SourceFormat>CSV-Unicode</SourceFormat>';
  return document(
    'DataManagementPackageManifest',
    `<DefinitionGroupName>${xml(entity.definitionGroup)}</DefinitionGroupName><Description/>` +
      `<PackageEntityList><DataManagementPackageEntityData>${data}</DataManagementPackageEntityData></PackageEntityList>`,
  );
}

function header({ definitionGroup }: PackageEntity): string {
  return document(
    'DataManagementPackageHeader',
    `<Description>${xml(definitionGroup)}</Description><ManifestType>${MANIFEST_TYPE}</ManifestType>` +
      '<PackageType>DefinitionGroup</PackageType><PackageVersion>2</PackageVersion>',
  );
}

function document(root: string, content: string): string {
  return `<?xml version="1.0" encoding="utf-8"?>\r\n<${root} xmlns:i="${INSTANCE}" xmlns="${NAMESPACE}">${content}</${root}>`;
}

function refused(path: string, why: Phrase): IntegrationError {
  return new IntegrationError('data', 'PCP_DYNAMICS_PACKAGE', phrase`The field "${path}" ${why}.`, {
    path,
    hint: 'Correct the record, the mapping or the fields in the setting "packages"; nothing was sent.',
  });
}

function broken(errorClass: 'config' | 'transient', message: Phrase, hint: string): IntegrationError {
  return new IntegrationError(errorClass, 'PCP_DYNAMICS_PACKAGE', message, { hint });
}
