import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { create } from '../../../lib/connectors/generic/rest/connector';
import { draftEntities } from '../../../lib/connectors/generic/rest/openapi';
import { readDocument } from '../../../lib/connectors/generic/rest/openapi-document';
import { freePort, startServer, stopServer } from '../../support/server-process';
import { signal } from './server';

const PUBLISHED = dirname(require.resolve('@readme/oas-examples/package.json'));
const PRISM = join(dirname(require.resolve('@stoplight/prism-cli/package.json')), 'dist', 'index.js');

const PAGES = { type: 'page', page_parameter: 'pageNumber', start: 0, size_parameter: 'pageSize', size: 500 };
/** What somebody who knows the API fills in. */
const VALUES: Record<string, string> = {
  subdomain: 'plant',
  branch: 'stable',
  section: 'guides',
  title: 'Orders',
  query: 'order',
};
const NEXT = { type: 'next_link', next: '/paging/next', size_parameter: 'per_page', size: 100 };

/** Prism serves documents that others have published, and refuses what they do not allow. */
describe('generic.rest: drafts from published OpenAPI documents', () => {
  for (const { file, basePath, drafts, wanted } of [
    {
      file: '3.0/yaml/star-trek.yaml',
      basePath: '/api/v1/rest',
      drafts: 40,
      wanted: {
        animal: {
          path: '/animal/search',
          items: '/animals',
          key: ['uid'],
          paging: { ...PAGES, total: '/page/totalElements' },
        },
      },
    },
    {
      file: '3.1/yaml/readme.yaml',
      basePath: '/v2',
      drafts: 10,
      wanted: {
        changelogs: {
          path: '/changelogs',
          items: '/data',
          paging: NEXT,
          create: { path: '/changelogs' },
          update: { method: 'PATCH', path: '/changelogs/{id}' },
          delete: { path: '/changelogs/{id}' },
        },
      },
    },
  ]) {
    it(`${file}: what is drafted reads records`, async () => {
      const path = join(PUBLISHED, file);
      const entities = draftEntities(readDocument(readFileSync(path, 'utf8'), file), basePath);
      assert.equal(Object.keys(entities).length, drafts, Object.keys(entities).join(' '));
      for (const [name, draft] of Object.entries(wanted)) assert.deepEqual(entities[name], draft);
      for (const { parameters = {} } of Object.values(entities)) {
        for (const name of Object.keys(parameters)) parameters[name] ||= VALUES[name] ?? '';
      }
      const port = await freePort();
      const base_url = `http://127.0.0.1:${port}`;
      const parameters = [PRISM, 'mock', path, '--port', String(port)];
      const prism = await startServer(process.execPath, parameters, undefined, () => fetch(base_url));
      const config = { base_url, authentication: 'bearer', entities };
      const credentials = { token: 'secret' };
      const connection = { id: 1, name: 'published', connector_type: 'generic.rest', config, credentials };
      const connector = create(connection, { log: () => undefined });
      try {
        for (const name of Object.keys(entities)) {
          const { schema } = await connector.describe!(name, signal);
          assert.ok(Object.keys(schema.properties ?? {}).length > 0, name);
        }
      } finally {
        await connector.close();
        await stopServer(prism, mkdtempSync(join(tmpdir(), 'pcp-prism-')), 'SIGTERM');
      }
    });
  }
});
