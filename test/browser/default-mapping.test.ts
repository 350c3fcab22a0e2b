import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { exampleFlow, NodeRed } from '../live/node-red-process';
import { SapPlant } from '../support/sap/plant';
import { openChromium } from './chromium';
import { EditorPage } from './editor';

describe('a mapping that comes with an entity', () => {
  const plant = new SapPlant();
  let nodeRed: NodeRed;
  let browser: Browser;

  before(async () => {
    await plant.start();
    const flows = exampleFlow('pcp-sap').map((node) => {
      if (node.id !== 'pcp-ex-sap-conn') return node;
      return { ...node, config: { base_url: plant.mock.url, authentication: 'none', client: '100' } };
    });
    const mapping = { id: 'sap-orders', type: 'pcp-mapping', name: 'orders', connection: 'pcp-ex-sap-conn' };
    const empty = {
      peerConnection: '',
      description: '',
      fieldMappings: [],
      filters: [],
      transformations: [],
      options: {},
    };
    const chosen = { direction: 'import', sourceEntity: 'production_order', targetEntity: '' };
    const rest = { keyFields: '', syncMode: 'full', cursorField: '' };
    nodeRed = await NodeRed.start({ flows: [...flows, { ...mapping, ...empty, ...chosen, ...rest }] });
    browser = await openChromium();
  });
  after(async () => {
    await browser?.close();
    await nodeRed?.remove();
    await plant.stop();
  });

  it('fills the form without a field name being typed, and shows a preview', async () => {
    const editor = await EditorPage.open(browser, nodeRed.url);
    await editor.editConfig('sap-orders');
    await editor.page.click('#pcp-mapping-fill');
    await editor.page.waitForSelector('#pcp-mapping-fields input >> nth=18', { state: 'attached' });
    await editor.page.click('#pcp-mapping-preview');
    await editor.page.waitForSelector('#pcp-mapping-result >> text=000001000003');
    await editor.screenshot('default-mapping');
    await editor.saveConfig();
    const { targetEntity, syncMode, cursorField, fieldMappings } = await editor.properties('sap-orders');
    assert.deepEqual([targetEntity, syncMode, cursorField], ['production_order', 'incremental', 'LastChangeDateTime']);
    const fields = fieldMappings as { source?: string; target: string }[];
    assert.equal(fields.length, 18);
    assert.equal(fields.find(({ target }) => target === 'quantity')?.source, 'TotalQuantity');
    assert.deepEqual(editor.complaints, []);
  });
});
