import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { freePort, startServer, stopServer } from '../server-process';
import type { Row } from './server';

/** The documents that TOTVS publishes, where they are beside the checkout. */
const PUBLISHED = resolve('../shared/data/erp/totvs');
const REMOTE = 'https://raw.githubusercontent.com/totvs/ttalk-standard-message/master/jsonschema/';
const APIS = [
  'StopReport_v1_003',
  'WasteReason_v1_000',
  'StopReason_v1_000',
  'MRPProductionOrders_v1_000',
  'MRPStockBalance_v1_000',
];

/** Prism in front of a server: requests and answers that break the documents of the PCP module are refused. */
export class PcpJudge {
  #process: ChildProcess | undefined;
  #directory = '';
  url = '';

  /** @param upstream where the APIs are */
  async start(upstream: string): Promise<this> {
    this.#directory = mkdtempSync(join(tmpdir(), 'pcp-prism-'));
    const document = join(this.#directory, 'pcp.json');
    writeFileSync(document, JSON.stringify(existsSync(PUBLISHED) ? published(this.#directory) : OWN));
    const port = await freePort();
    this.url = `http://127.0.0.1:${port}`;
    const program = join(dirname(require.resolve('@stoplight/prism-cli/package.json')), 'dist', 'index.js');
    const parameters = [program, 'proxy', document, upstream, '--port', String(port), '--errors'];
    this.#process = await startServer(process.execPath, parameters, undefined, () => fetch(this.url));
    return this;
  }

  async stop(): Promise<void> {
    if (this.#process) await stopServer(this.#process, this.#directory, 'SIGTERM');
  }
}

/** All of them as one document, which refers to copies in the folder: they name places of the web. */
function published(folder: string): unknown {
  const local = (file: string): unknown => {
    const text = readFileSync(join(PUBLISHED, file), 'utf8');
    const here = text.replaceAll(`${REMOTE}apis/types/`, `${folder}/`).replaceAll(REMOTE, `${folder}/`);
    // What is referred to and not there says nothing.
    const isThere = (reference: string) =>
      reference.startsWith('#') ||
      existsSync(resolve(folder, 'schemas', reference.replace(/#.*/, '')).replace(folder, PUBLISHED));
    return JSON.parse(here, (name, value) => (name === '$ref' && !isThere(String(value)) ? undefined : value));
  };
  mkdirSync(join(folder, 'schemas'));
  for (const file of [
    'totvsApiTypesBase.json',
    ...readdirSync(join(PUBLISHED, 'schemas')).map((name) => `schemas/${name}`),
  ]) {
    writeFileSync(join(folder, file), JSON.stringify(local(file)));
  }
  const documents = APIS.map((name) => local(`apis/${name}.json`) as Document);
  const merged = (parts: (Row | undefined)[]): Row => Object.assign({}, ...parts);
  return {
    openapi: '3.0.1',
    info: { title: 'PCP', version: '1' },
    paths: merged(documents.map(({ paths }) => paths)),
    components: { parameters: merged(documents.map(({ components }) => components?.parameters)) },
  };
}

interface Document {
  paths: Row;
  components?: { parameters?: Row };
}

const json = (schema: Row) => ({ content: { 'application/json': { schema } } });
const text = (maxLength: number) => ({ type: 'string', maxLength });
const moment = { type: 'string', format: 'date-time' };
const STOP = {
  type: 'object',
  properties: {
    MachineCode: text(20),
    StopReasonCode: text(8),
    StartDateTime: moment,
    EndDateTime: moment,
    StopType: { type: 'string', enum: ['1', '2'] },
    IntegrationReport: text(10),
    ReversedReport: { type: 'boolean' },
  },
};
const REASON = {
  type: 'object',
  properties: {
    Code: text(8),
    Description: text(40),
    IsRework: { type: 'boolean' },
    IsScrapMaterial: { type: 'boolean' },
  },
};
const FAULT = {
  type: 'object',
  required: ['code', 'message', 'detailedMessage'],
  properties: { code: { type: 'string' }, message: { type: 'string' }, detailedMessage: { type: 'string' } },
};
const answers = { 200: { description: '', ...json({ type: 'object' }) }, 404: { description: '', ...json(FAULT) } };
const path = (name: string) => [{ name, in: 'path', required: true, schema: { type: 'string' } }];
const number = (name: string) => ({ name, in: 'query', schema: { type: 'integer', minimum: 1 } });
const list = { parameters: [number('page'), number('pageSize')], responses: answers };

/** As much of them as the tests need, for where they are not. */
const OWN = {
  openapi: '3.0.1',
  info: { title: 'PCP', version: '1' },
  paths: {
    '/stopReports': { get: list, post: { requestBody: { required: true, ...json(STOP) }, responses: answers } },
    '/stopReports/{IntegrationReport}': { get: { parameters: path('IntegrationReport'), responses: answers } },
    '/stopReports/{IntegrationReport}/reversal': {
      delete: { parameters: path('IntegrationReport'), responses: answers },
    },
    '/wasteReasons': { get: list, post: { requestBody: { required: true, ...json(REASON) }, responses: answers } },
    '/wasteReasons/{Code}': {
      get: { parameters: path('Code'), responses: answers },
      put: { parameters: path('Code'), requestBody: { required: true, ...json(REASON) }, responses: answers },
    },
    '/stopReasons': { get: list },
    '/mrpproductionorders': { get: list },
    '/mrpstockbalance': { get: list },
  },
};
