import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { SyncLog } from '../../lib/model/sync';
import { TestEngine } from './engine';
import { temporaryDirectory } from './hub';

export type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

// A pause that one test was asked for is none of the next test's connection: that has other limits.
let atOnce = 40;

/** An engine that exports materials as items to an API, which answers as the test says. */
export class ItemExport {
  handler: Handler = (_request, response) => response.writeHead(201).end('{}');
  /** Bodies of the requests that write. */
  readonly posts: string[] = [];
  private connectionId = 0;

  private constructor(
    readonly engine: TestEngine,
    private readonly server: Server,
    private readonly remove: () => Promise<void>,
  ) {
    server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
      const body = await text(request);
      if (request.method !== 'GET') this.posts.push(body);
      this.handler(request, response, body);
    });
  }

  static async start(): Promise<ItemExport> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { path, remove } = await temporaryDirectory();
    return new ItemExport(await TestEngine.open(path), server, remove);
  }

  /**
   * @param entity how the API takes items
   * @param materials that there are to export
   * @param required fields of a material without which it is refused before it is sent
   */
  async map(entity: Record<string, unknown>, materials: string[], required: string[] = []): Promise<void> {
    const { engine, server } = this;
    const base_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const config = { base_url, timeout_ms: 2000, max_concurrency: ++atOnce, entities: { items: entity } };
    const { id } = await engine.connections.create({ name: 'api', connector_type: 'generic.rest', config });
    this.connectionId = id;
    await engine.mappings.create({
      connection_id: id,
      name: 'items',
      entity_type: 'material',
      direction: 'export',
      source_entity: 'items',
      target_entity: 'material',
      field_mappings: [
        { source: 'code', target: 'material' },
        { source: 'status', target: 'status' },
        ...required.map((target) => ({ source: target, target, required: true })),
      ],
      options: { max_error_ratio: 1 },
    });
    for (const material of materials) await engine.records.create('material', { material, status: 'active' });
  }

  async run(): Promise<SyncLog> {
    return (await this.engine.run(this.connectionId)).logs[0]!;
  }

  /** Classes of what a person is asked about. */
  async asked(): Promise<string[]> {
    return (await this.engine.sync.deadLetters({ state: 'open' })).items.map(({ error_class }) => error_class);
  }

  async stop(): Promise<void> {
    await this.engine.close();
    await new Promise((resolve) => this.server.close(resolve));
    await this.remove();
  }
}
