import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { NodeRed } from '../live/node-red-process';
import { openChromium } from './chromium';
import { EditorPage } from './editor';

declare const $: (selector: string) => { typedInput(property: 'value'): string };

const CSV = 'name,address,table,type,unit\nvoltage,0,input,float32,V\nold,7,,int16,\n';
const POINTS = [
  { name: 'ID', type: 'uint16', size: 1 },
  { name: 'L', type: 'uint16', size: 1 },
  { name: 'W', type: 'int16', size: 1, units: 'W' },
];
const MODEL = { id: 64_001, group: { name: 'plant', points: POINTS } };

const LOOKS = [
  { scheme: 'light', width: 1280, locale: 'en-US', button: 'Import tags' },
  { scheme: 'dark', width: 1920, locale: 'pt-BR', button: 'Importar tags' },
] as const;

describe('tags imported in the editor', () => {
  let nodeRed: NodeRed;
  let browser: Browser;

  before(async () => {
    const config = { host: '127.0.0.1', port: 502, tags: { old: { address: 1 }, own: { address: 2 } } };
    nodeRed = await NodeRed.start({
      flows: [
        { id: 'tab', type: 'tab', label: 'Plant' },
        { id: 'meter', type: 'pcp-connection', name: 'Meter', connectorType: 'iot.modbus', config },
      ],
    });
    browser = await openChromium();
  });
  after(async () => {
    await browser?.close();
    await nodeRed?.remove();
  });

  for (const { button, ...look } of LOOKS) {
    it(`stand beside those that are there, in ${look.locale}`, async () => {
      const editor = await EditorPage.open(browser, nodeRed.url, look);
      const { page } = editor;
      const shows = (name: string) =>
        page.waitForFunction((wanted) => $('#pcp-setting-tags').typedInput('value').includes(`"${wanted}"`), name);
      const choose = async (name: string, content: string) => {
        const chooser = page.waitForEvent('filechooser');
        await page.click(`text=${button}`);
        await (await chooser).setFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(content) });
      };
      await editor.editConfig('meter');
      await choose('meter.csv', CSV);
      await shows('voltage');
      await choose('wrong.csv', 'name,address\nx,abc\n');
      await page.waitForSelector('[data-setting=tags] .pcp-error:not(:empty)');
      await editor.screenshot(`tag-import-refused-${look.locale}`);
      await choose('model_64001.json', JSON.stringify(MODEL));
      await page.fill('#pcp-tag-import-base_address', '40070');
      await page.fill('#pcp-tag-import-prefix', 'inv_');
      await editor.screenshot(`tag-import-${look.locale}`);
      await page.click('.pcp-tag-import button');
      await shows('inv_W');
      await editor.screenshot(`tag-imported-${look.locale}`);
      await editor.saveConfig();
      const { config } = await editor.properties('meter');
      const { tags } = config as { tags: Record<string, { address: unknown }> };
      assert.deepEqual(Object.keys(tags), ['old', 'own', 'voltage', ...Object.keys(tags).slice(3)]);
      assert.deepEqual([tags.old?.address, tags.own?.address, tags.inv_W?.address], ['7', 2, 40_072]);
      assert.deepEqual(editor.complaints, []);
      await page.close();
    });
  }
});
