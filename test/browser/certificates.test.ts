import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { NodeRed } from '../live/node-red-process';
import { PlantServer } from '../support/opcua/plant-server';
import { openChromium } from './chromium';
import { EditorPage } from './editor';

describe('certificates in the editor', () => {
  const server = new PlantServer();
  let nodeRed: NodeRed;
  let browser: Browser;
  let editor: EditorPage;

  before(async () => {
    await server.start();
    const config = { endpoint_url: server.url, authentication: 'anonymous', security_policy: 'best' };
    nodeRed = await NodeRed.start({
      flows: [
        { id: 'tab', type: 'tab', label: 'Plant' },
        {
          id: 'line',
          type: 'pcp-connection',
          name: 'Line',
          connectorType: 'iot.opcua',
          description: '',
          timezone: '',
          config,
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

  it("a server's is shown and trusted where the connection is tested", async () => {
    const { page } = editor;
    await editor.editConfig('line');
    await page.click('#pcp-connection-test');
    const certificate = page.locator('.pcp-certificate');
    await certificate.waitFor();
    assert.match(String(await certificate.textContent()), /([0-9A-F]{2}:){19}[0-9A-F]{2}/);
    assert.equal(await page.locator('.pcp-verdict', { hasText: 'failed' }).count(), 1);
    await editor.screenshot('certificate');
    await page.click('.pcp-certificate button');
    await page.locator('.pcp-verdict', { hasText: 'The connection works' }).waitFor();
    assert.equal(await certificate.count(), 0);
    await editor.cancel();
    assert.deepEqual(editor.complaints, []);
  });
});
