import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import FEMockserver from '@sap-ux/fe-mockserver-core';

const DOCUMENTS = resolve(__dirname, '../../../..', 'test/support/sap');

export interface MockedService {
  /** "/sap/opu/odata/sap/API_PRODUCT_SRV" */
  path: string;
  /** File name of its $metadata in this folder, or a path. */
  document: string;
  /** Entities by set. */
  data: Record<string, Record<string, unknown>[]>;
}

/** SAP's own mock server for OData, on a free port of this machine. */
export class SapMockServer {
  #server: Server | undefined;
  #mock: FEMockserver | undefined;
  readonly #folder = mkdtempSync(join(tmpdir(), 'pcp-sap-'));

  get url(): string {
    return `http://127.0.0.1:${(this.#server!.address() as AddressInfo).port}`;
  }

  async start(services: readonly MockedService[]): Promise<void> {
    const configured = services.map(({ path, document, data }, index) => {
      const folder = mkdtempSync(join(this.#folder, `${index}-`));
      for (const [set, entities] of Object.entries(data)) {
        writeFileSync(join(folder, `${set}.json`), JSON.stringify(entities));
      }
      const metadataPath = resolve(DOCUMENTS, document);
      return { urlPath: path, metadataPath, mockdataPath: folder, generateMockData: false, validateETag: false };
    });
    this.#mock = new FEMockserver({ services: configured } as never);
    await this.#mock.isReady;
    const router = this.#mock.getRouter();
    this.#server = createServer((request, response) => {
      router(request as never, response as never, () => {
        response.writeHead(404).end();
      });
    });
    await new Promise<void>((done) => this.#server!.listen(0, '127.0.0.1', done));
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((done) => this.#server?.close(done));
    await this.#mock?.dispose();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
