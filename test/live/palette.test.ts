import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NodeRed, type NodeRedVersion, OUTPUT } from './node-red-process';

interface NodeSet {
  id: string;
  enabled: boolean;
  loaded?: boolean;
  err?: string;
  types: string[];
}

const MODULE = '@pcp/node-red-integrations';
const TYPES = [
  'pcp-connection',
  'pcp-mapping',
  'pcp-file',
  'pcp-database',
  'pcp-rest',
  'pcp-sap',
  'pcp-dynamics365',
  'pcp-oracle-ebs',
  'pcp-protheus',
  'pcp-modbus',
  'pcp-mqtt',
  'pcp-opcua',
  'pcp-entity',
  'pcp-map',
  'pcp-sync',
  'pcp-sync-log',
  'pcp-alert',
  'pcp-webhook-in',
  'pcp-webhook-out',
];

for (const version of ['node-red', 'node-red-4'] satisfies NodeRedVersion[]) {
  describe(`palette in ${version}`, () => {
    let nodeRed: NodeRed;

    before(async () => {
      nodeRed = await NodeRed.start({ version, flows: [] });
    });
    after(() => nodeRed.remove());

    it('holds every node without an error', async () => {
      const sets = await nodeRed.json<NodeSet[]>('GET', '/nodes');
      const ours = sets.filter((set) => set.id.startsWith(MODULE));
      assert.deepEqual(
        ours.filter((set) => !set.enabled || set.err),
        [],
      );
      assert.deepEqual(ours.flatMap((set) => set.types).sort(), [...TYPES].sort());
    });

    it('has texts and help of every node in both languages', async () => {
      for (const locale of ['en-US', 'pt-BR']) {
        const response = await nodeRed.request('GET', '/nodes', undefined, {
          accept: 'text/html',
          'accept-language': locale,
        });
        const html = await response.text();
        for (const type of TYPES) {
          const help = new RegExp(`data-help-name="${type}">\\s+(\\S[^<]*)`).exec(html)?.[1];
          assert.ok(help, `${type} has no help in ${locale}`);
          assert.equal(/[áçãéíõ]/i.test(help), locale === 'pt-BR', `${type}: help is not in ${locale}`);
          const catalogue = await nodeRed.json<Record<string, { label: { name?: string } }>>(
            'GET',
            `/nodes/${MODULE}/${type}/messages?lng=${locale}`,
          );
          assert.equal(catalogue[type]?.label.name, locale === 'pt-BR' ? 'Nome' : 'Name');
        }
      }
    });

    it('has an icon for every node of the palette', async () => {
      const icons = await nodeRed.json<Record<string, string[]>>('GET', '/icons');
      const wanted = TYPES.filter((type) => type !== 'pcp-connection' && type !== 'pcp-mapping').map(
        (type) => `${type}.svg`,
      );
      assert.deepEqual([...new Set(icons[MODULE])].sort(), wanted.sort());
    });

    it('lists an example for every node of the palette', async () => {
      const listed = JSON.stringify(await nodeRed.json('GET', '/library/examples/flows/@pcp/node-red-integrations'));
      for (const type of TYPES.slice(2)) assert.ok(listed.includes(`"${type}"`), `${type} has no example`);
    });

    it('serves the API with an empty flow', async () => {
      const { items } = await nodeRed.json<{ items: { type: string }[] }>('GET', '/integrations/connectors');
      const types = items.map((item) => item.type).sort();
      assert.deepEqual(types, [
        'erp.dynamics365',
        'erp.oracle-ebs',
        'erp.protheus',
        'erp.sap',
        'generic.database',
        'generic.file',
        'generic.rest',
        'iot.modbus',
        'iot.mqtt',
        'iot.opcua',
        'platform',
      ]);
    });

    it('answers broken JSON with a problem, not with a stack', async () => {
      const response = await fetch(`${nodeRed.url}/integrations/connections`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"name": ',
      });
      const text = await response.text();
      assert.equal(response.status, 400, text);
      assert.match(response.headers.get('content-type') ?? '', /problem\+json/);
      assert.doesNotMatch(text, /node_modules|at /);
    });
  });
}

describe('generated HTML', () => {
  it('registers its type literally, with properties that tools can read', () => {
    for (const type of TYPES) {
      const html = readFileSync(join(OUTPUT, 'nodes', type, `${type}.html`), 'utf8');
      assert.ok(html.includes(`RED.nodes.registerType('${type}', {`), type);
      assert.doesNotMatch(html, /\{\{/, `${type} has a gap that the build did not fill`);
    }
  });

  it('declares the union of the secrets of all connectors', () => {
    const html = readFileSync(join(OUTPUT, 'nodes', 'pcp-connection', 'pcp-connection.html'), 'utf8');
    assert.match(html, /credentials: \{ .*password: \{ type: 'password' \}.* \}/);
  });
});
