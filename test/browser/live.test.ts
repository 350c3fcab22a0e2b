import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { NodeRed } from '../live/node-red-process';
import { LINE } from '../support/opcua/connections';
import { PlantServer } from '../support/opcua/plant-server';
import { openChromium } from './chromium';
import { EditorPage } from './editor';

/** A machine in the editor: its tags are found where its connection is set up, and how its live mapping is can be seen. */
describe('a live mapping in the editor', () => {
  const server = new PlantServer();
  let nodeRed: NodeRed;
  let browser: Browser;
  let editor: EditorPage;

  before(async () => {
    await server.start({ moves: true });
    const config = {
      ...{ endpoint_url: server.url, authentication: 'anonymous', security_policy: 'None' },
      ...{ tags: { text: { node_id: `${LINE}String` } }, timeout_ms: 1000, publishing_interval_ms: 200 },
    };
    nodeRed = await NodeRed.start({
      flows: [
        { id: 'tab', type: 'tab', label: 'Plant' },
        { id: 'line', type: 'pcp-connection', name: 'Line', connectorType: 'iot.opcua', timezone: '', config },
        {
          id: 'readings',
          type: 'pcp-mapping',
          name: 'Values',
          connection: 'line',
          direction: 'import',
          syncMode: 'live',
          sourceEntity: 'values',
          targetEntity: 'measurement',
          fieldMappings: [
            { target: 'source', constant: 'line-1' },
            { source: 'tag', target: 'tag' },
            { source: '_time', target: 'source_timestamp' },
            { source: '_id', target: 'record_id' },
          ],
          options: { live: { stuck_after_seconds: 1 } },
        },
        {
          id: 'sync',
          type: 'pcp-sync',
          z: 'tab',
          x: 200,
          y: 100,
          connection: 'line',
          mapping: 'readings',
          wires: [[], []],
        },
      ],
    });
    browser = await openChromium();
    editor = await EditorPage.open(browser, nodeRed.url);
  });
  after(async () => {
    await browser?.close();
    await nodeRed?.remove();
    await server.stop();
  });
  afterEach(() => assert.deepEqual(editor.complaints, []));

  it('shows how its stream is: in its form, and under the node that names it', async () => {
    const { page } = editor;
    await page.waitForSelector('.red-ui-flow-node-status-label:has-text("tags that do not change: 1")');
    await editor.editConfig('readings');
    await page.locator('#pcp-mapping-live', { hasText: 'Live: connected since' }).waitFor();
    await page.locator('#pcp-mapping-live', { hasText: 'Tags that do not change: 1, since' }).waitFor();
    await editor.screenshot('live-state');
    await server.kill();
    await page.locator('#pcp-mapping-live', { hasText: 'Live: interrupted since' }).waitFor();
    await server.start({ moves: true });
    await page.locator('#pcp-mapping-live', { hasText: 'Live: connected since' }).waitFor();
    await editor.cancel();
  });

  it('shows on the status page when it was last heard, and not that it never ran', async () => {
    const page = await browser.newPage({ locale: 'en-US' });
    page.setDefaultTimeout(60_000);
    for (const view of ['connections', 'connections/1']) {
      await page.goto(`${nodeRed.url}/integrations/ui/#/${view}`);
      const row = page.locator('tr:has(.state)');
      await row.locator('td', { hasText: /^value .+\d\/s$/ }).waitFor();
      assert.equal(await row.locator('text=never').count(), 0);
    }
    await page.close();
  });

  it('gets its tags from the machine where the connection is set up: searched for, with their values, by their names', async () => {
    const { page } = editor;
    await editor.editConfig('line');
    await page.click('.pcp-row[data-setting="tags"] button:text("Browse")');
    await page.fill('.pcp-tags input[type="text"]', 'temper');
    const found = page.locator('.pcp-tags .red-ui-treeList-label', { hasText: 'Line1 / Temperature' });
    await found.locator('.pcp-tag-value', { hasText: /^\d+$/ }).waitFor();
    await page.locator('.pcp-hint', { hasText: 'Tags found: 1.' }).waitFor();
    await editor.screenshot('tag-search');
    await found.locator('input').first().click();
    await page.fill('.pcp-tags input[type="text"]', '');
    await page.locator('.pcp-tags .red-ui-treeList-label', { hasText: 'Many' }).waitFor();
    await editor.saveConfig();
    const { config } = (await editor.properties('line')) as { config: { tags: unknown } };
    assert.deepEqual(config.tags, {
      text: { node_id: `${LINE}String` },
      Temperature: { node_id: `${LINE}Temperature` },
    });
  });
});
