import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { unzip, zip } from '../../../lib/protocols/formats/zip';
import { LoopbackServer } from '../loopback-server';
import type { BatchReply as Reply } from '../odata-batch';
import { type OperationsServer, refusal } from './operations';

type Values = Record<string, string>;

interface Job {
  kind: 'import' | 'export';
  /** What it is at each question; the last one stays. */
  statuses: string[];
  errors: { RecordId: string; Field: string; ErrorMessage: string }[];
  blob?: string;
}

/**
 * A strict stand-in for data management, written from the documentation of its package API and what users found out about
 * packages: the file is UTF-16 with its mark and rows that end with CR LF, a manifest without the map of the columns takes
 * nothing, a job that is not known yet is answered 400. What a project exports as changed comes once. Its store of files is another host, which takes whoever has an address that it signed, and nobody who signs in.
 */
export class DataManagementStore {
  /** What imports made, by the values of the key. */
  readonly rows = new Map<string, Values>();
  readonly jobs = new Map<string, Job>();
  readonly imported: { project: string; legalEntity: string; rows: number }[] = [];
  /** Projects that export, and the rows that they have not given yet. */
  readonly exports = new Map<string, Values[]>();
  exportOutcome = 'Succeeded';
  /** Questions that a job is at work for. */
  slowness = 1;
  /** Rows that it refuses, and why. */
  refuses: (row: Values) => string | undefined = () => undefined;
  /** Imports that began while another one was under way. */
  overlaps = 0;
  /** Requests that the store has had. */
  readonly transfers: string[] = [];
  readonly #blobs = new Map<string, { signature: string; content?: Buffer }>();
  #underWay = 0;
  #server: LoopbackServer | undefined;

  constructor(
    plant: OperationsServer,
    private readonly entity: string,
    private readonly columns: readonly string[],
    private readonly key: readonly string[],
  ) {
    const actions: Record<string, (body: Record<string, unknown>) => Reply | Promise<Reply>> = {
      GetAzureWriteUrl: ({ uniqueFileName }) => value(this.#writable(String(uniqueFileName))),
      ImportFromPackage: (body) => this.#import(body),
      ExportToPackage: (body) => this.#export(body),
      GetExecutionSummaryStatus: ({ executionId }) => this.#status(String(executionId)),
      GetExecutionErrors: ({ executionId }) => value(JSON.stringify(this.jobs.get(String(executionId))?.errors ?? [])),
      GetExportedPackageUrl: ({ executionId }) => value(this.#address(this.jobs.get(String(executionId))?.blob ?? '')),
    };
    for (const [name, action] of Object.entries(actions)) plant.actions.set(name, action);
  }

  async start(): Promise<this> {
    this.#server = await LoopbackServer.start((request, response) => void this.#serve(request, response));
    return this;
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }

  get host(): string {
    return this.#server!.host;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
    const { method = '', headers } = request;
    this.transfers.push(`${method} ${pathname}`);
    const blob = this.#blobs.get(pathname.replace('/dmf/', ''));
    const isSigned = blob !== undefined && searchParams.get('sig') === blob.signature;
    const isBlock = method !== 'PUT' || headers['x-ms-blob-type'] === 'BlockBlob';
    if (!isSigned || headers.authorization !== undefined || !isBlock) {
      response
        .writeHead(403, { 'content-type': 'application/xml' })
        .end('<Error><Code>AuthenticationFailed</Code></Error>');
    } else if (method === 'PUT') {
      blob.content = Buffer.concat(pieces);
      response.writeHead(201).end();
    } else {
      response.writeHead(200, { 'content-type': 'application/zip' }).end(blob.content);
    }
  }

  #writable(name: string): string {
    if (this.#underWay++ > 0) this.overlaps++;
    this.#blobs.set(name, { signature: randomUUID() });
    return JSON.stringify({ BlobId: `{${randomUUID()}}`, BlobUrl: this.#address(name) });
  }

  #address(name: string): string {
    const blob = this.#blobs.get(name);
    return blob === undefined ? '' : `http://${this.host}/dmf/${name}?sv=2026&sig=${blob.signature}`;
  }

  #import(body: Record<string, unknown>): Reply {
    const { packageUrl, definitionGroupId: project, executionId, execute, overwrite, legalEntityId } = body;
    const given = [packageUrl, project, executionId, legalEntityId];
    if (given.some((each) => typeof each !== 'string' || each === '') || execute !== true || overwrite !== true) {
      return refusal(400, 'The parameters of ImportFromPackage are wrong.');
    }
    if (this.jobs.has(String(executionId))) return refusal(400, `The execution ${executionId} exists.`);
    const content = this.#blobs.get(new URL(String(packageUrl)).pathname.replace('/dmf/', ''))?.content;
    if (content === undefined) return refusal(400, 'There is no package.');
    let rows: Values[];
    try {
      rows = this.#rowsOf(content, String(project));
    } catch (error) {
      return refusal(400, (error as Error).message);
    }
    const errors: Job['errors'] = [];
    for (const [index, row] of rows.entries()) {
      const why = this.refuses(row);
      if (why === undefined) this.rows.set(this.key.map((name) => row[name]).join('/'), row);
      else errors.push({ RecordId: String(index + 1), Field: this.key[0]!, ErrorMessage: why });
    }
    const outcome = errors.length === 0 ? 'Succeeded' : errors.length < rows.length ? 'PartiallySucceeded' : 'Failed';
    this.imported.push({ project: String(project), legalEntity: String(legalEntityId), rows: rows.length });
    this.#begin(String(executionId), { kind: 'import', statuses: [outcome], errors });
    return value(executionId);
  }

  #rowsOf(content: Buffer, project: string): Values[] {
    const files = new Map(unzip(content, 1e8).map((file) => [file.name, file.content]));
    const manifest = files.get('Manifest.xml')?.toString() ?? '';
    const header = files.get('PackageHeader.xml')?.toString() ?? '';
    const inOne = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(manifest)?.[1];
    const isOurs = [manifest, header].every((text) =>
      text.includes('"http://schemas.microsoft.com/dynamics/2015/01/DataManagement"'),
    );
    if (!isOurs || !header.includes('<PackageVersion>2</PackageVersion>')) throw new Error('The package is none.');
    if (inOne('DefinitionGroupName') !== project) throw new Error(`The manifest is not of ${project}.`);
    if (inOne('EntityName') !== this.entity) throw new Error(`Entity ${inOne('EntityName')} does not exist.`);
    const file = files.get(inOne('InputFilePath') ?? '');
    if (file === undefined || inOne('SourceFormat') !== 'CSV-Unicode') throw new Error('The file is missing.');
    if (file.readUInt16LE(0) !== 0xfeff) throw new Error('Selected file is not Unicode.');
    const [head = [], ...lines] = cellsOf(file.toString('utf16le').slice(1));
    const mapped = [...manifest.matchAll(/<EntityField>(\w+)<\/EntityField>.*?<XMLField>(\w+)<\/XMLField>/g)];
    // Without the map of a column nothing of it is taken.
    const fields = mapped.filter(([, field, column]) => this.columns.includes(field!) && head.includes(column!));
    if (fields.length === 0) return [];
    return lines.map((cells) =>
      Object.fromEntries(fields.map(([, field, column]) => [field, cells[head.indexOf(column!)] ?? ''])),
    );
  }

  #export({
    definitionGroupId: project,
    executionId,
    packageName,
    reExecute,
    legalEntityId,
  }: Record<string, unknown>): Reply {
    const rows = this.exports.get(String(project));
    if (rows === undefined) return refusal(400, `The project ${project} does not exist.`);
    if (reExecute !== false || !packageName || !executionId || !legalEntityId)
      return refusal(400, 'A parameter is wrong.');
    if (this.jobs.has(String(executionId))) return refusal(400, `The execution ${executionId} exists.`);
    const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const lines = [this.columns, ...rows.map((row) => this.columns.map((name) => quoted(row[name] ?? '')))];
    const csv = lines.map((cells) => `${cells.join(',')}\r\n`).join('');
    const content = zip([
      { name: 'Manifest.xml', content: Buffer.from('<DataManagementPackageManifest/>') },
      { name: 'PackageHeader.xml', content: Buffer.from('<DataManagementPackageHeader/>') },
      { name: `${this.entity}.csv`, content: Buffer.from(`\ufeff${csv}`, 'utf16le') },
    ]);
    this.#blobs.set(String(packageName), { signature: randomUUID(), content });
    // What changed is told once.
    this.exports.set(String(project), []);
    const errors = this.exportOutcome === 'Succeeded' ? [] : [{ RecordId: '1', Field: '', ErrorMessage: 'No staging' }];
    this.#begin(String(executionId), {
      kind: 'export',
      statuses: [this.exportOutcome],
      errors,
      blob: String(packageName),
    });
    return value(executionId);
  }

  #begin(execution: string, job: Job): void {
    const under = Array.from({ length: this.slowness }, (_, n) => (n === 0 ? 'NotRun' : 'Executing'));
    this.jobs.set(execution, { ...job, statuses: [...under, ...job.statuses] });
  }

  #status(execution: string): Reply {
    const job = this.jobs.get(execution);
    if (job === undefined) return refusal(400, `Records for ${execution} were not found.`);
    const [status] = job.statuses;
    if (job.statuses.length > 1) job.statuses.shift();
    else if (job.kind === 'import') this.#underWay--;
    return value(status);
  }
}

/** Rows that end with CR LF, with quotes. */
function cellsOf(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    if (end === '' && plain === '' && quoted === undefined) break;
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === '\r\n') rows.push([]);
  }
  return rows.filter((row) => row.length > 0);
}

function value(told: unknown): Reply {
  return { status: 200, body: { '@odata.context': '$metadata#Edm.String', value: told } };
}
