import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { NodeRed } from '../live/node-red-process';
import { ModbusDevice } from '../support/modbus-device';
import { openChromium } from './chromium';
import { EditorPage } from './editor';

/** A machine of the shop floor in the editor: its tags are ticked in a tree, whether its connection is deployed or not. */
describe('tags in the editor', () => {
  let device: ModbusDevice;
  let nodeRed: NodeRed;
  let browser: Browser;
  let editor: EditorPage;

  before(async () => {
    device = await new ModbusDevice().start();
    nodeRed = await NodeRed.start({
      flows: [
        { id: 'tab', type: 'tab', label: 'Plant' },
        {
          id: 'meter',
          type: 'pcp-connection',
          name: 'Meter',
          connectorType: 'iot.modbus',
          description: '',
          timezone: '',
          config: {
            host: '127.0.0.1',
            port: device.port,
            tags: { voltage: { address: 10, type: 'uint16', unit: 'V' }, 'a, b': { address: 11, type: 'uint16' } },
          },
        },
        {
          id: 'node',
          type: 'pcp-modbus',
          z: 'tab',
          x: 200,
          y: 100,
          connection: 'meter',
          operation: 'subscribe',
          wires: [[]],
        },
      ],
    });
    browser = await openChromium();
    editor = await EditorPage.open(browser, nodeRed.url);
  });
  after(async () => {
    await browser?.close();
    await nodeRed?.remove();
    await device?.stop();
  });
  afterEach(() => assert.deepEqual(editor.complaints, []));

  const tick = (label: string) =>
    editor.page.locator('.pcp-tags .red-ui-treeList-label', { hasText: label }).locator('input').first().click();

  it('are ticked in a tree, and kept', async () => {
    const { page } = editor;
    await editor.edit('node');
    await page.click('text=Browse');
    await page.locator('.pcp-tag:has-text("voltage") .pcp-tag-value:text("10")').waitFor();
    await page.fill('.pcp-tags > input', 'volt');
    await page.locator('.pcp-hint', { hasText: 'Tags found: 1.' }).waitFor();
    assert.equal(await page.locator('.pcp-tag').count(), 1);
    await tick('voltage');
    assert.equal(await page.inputValue('#node-input-tags'), 'voltage');
    await page.fill('.pcp-tags > input', '');
    await page.locator('.pcp-tag', { hasText: 'a, b' }).waitFor();
    await tick('a, b');
    assert.equal(await page.inputValue('#node-input-tags'), '["voltage","a, b"]');
    await editor.screenshot('tags');
    await tick('voltage');
    assert.equal(await page.inputValue('#node-input-tags'), '["a, b"]');
    await editor.save();
    await editor.edit('node');
    await page.click('text=Browse');
    const ticked = page.locator('.pcp-tags .red-ui-treeList-label', { hasText: 'a, b' }).locator('input').first();
    assert.equal(await ticked.isChecked(), true);
    await editor.cancel();
  });

  it('show under the node how the machine really is', async () => {
    const { page } = editor;
    const port = device.port;
    await editor.deploy();
    await page.waitForSelector('.red-ui-flow-node-status-label:has-text("received")');
    await device.stop();
    await page.waitForSelector('.red-ui-flow-node-status-label:has-text("not reachable")');
    await device.start(port);
    await page.waitForSelector('.red-ui-flow-node-status-label:has-text("received")');
  });

  it('are looked for also before there is a connection, which is then one of the node', async () => {
    const { page } = editor;
    await editor.edit('node');
    await page.click('#node-input-lookup-connection, .red-ui-editor-config-node-add, #node-input-btn-connection-add');
    await page.waitForSelector('#node-config-input-connectorType');
    assert.equal(await page.inputValue('#node-config-input-connectorType'), 'iot.modbus');
    await editor.cancel();
    await page.waitForSelector('text=Browse');
    await page.fill('#node-input-deadband', 'much');
    await page.press('#node-input-deadband', 'Tab');
    await page.waitForSelector('#node-input-deadband.input-error');
    await editor.cancel();
  });

  it('of a call, the form shows the fields that what is chosen needs', async () => {
    const { page } = editor;
    await editor.edit('node');
    await page.selectOption('#node-input-operation', 'call');
    await page.selectOption('#node-input-format', { label: 'CSV table' });
    assert.equal(await page.isVisible('#node-input-prefix'), false);
    await page.selectOption('#node-input-format', 'sunspec');
    assert.equal(await page.isVisible('#node-input-prefix'), true);
    await editor.cancel();
  });

  it('of a method, its arguments stand beside its address, as JSON', async () => {
    const { page } = editor;
    const row = page.locator('.form-row', { has: page.locator('#pcp-input-arguments') });
    const id = await editor.drag('pcp-opcua', 300, 300);
    await editor.edit(id);
    await page.selectOption('#node-input-operation', 'call');
    await page.selectOption('#node-input-service', 'method');
    await row.locator('button', { hasText: 'Insert an example' }).click();
    await editor.screenshot('method');
    await page.selectOption('#node-input-service', 'history');
    assert.equal(await row.isVisible(), false);
    await page.selectOption('#node-input-service', 'method');
    await editor.save();
    assert.deepEqual((await editor.properties(id)).arguments, { Recipe: 'IPA', Count: 3 });
    await editor.edit(id);
    const shown = await row.locator('.red-ui-typedInput-input').inputValue();
    assert.deepEqual(JSON.parse(shown), { Recipe: 'IPA', Count: 3 });
    await editor.cancel();
  });
});
