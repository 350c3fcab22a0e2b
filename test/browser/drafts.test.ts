import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { exampleFlow, NodeRed } from '../live/node-red-process';
import { TestApi } from '../unit/rest/server';
import { openChromium } from './chromium';
import { EditorPage } from './editor';

declare const $: (selector: string) => { typedInput(property: 'value'): string };

const items = { type: 'array', items: { type: 'object', properties: { code: { type: 'string' } } } };
const list = { get: { responses: { 200: { content: { 'application/json': { schema: items } } } } } };

describe('entities drafted in the editor', () => {
  const api = new TestApi();
  let nodeRed: NodeRed;
  let browser: Browser;

  before(async () => {
    await api.start();
    api.handler = () => ({ body: { openapi: '3.1.0', paths: { '/orders': list, '/materials': list } } });
    const flows = exampleFlow('pcp-rest').map((node) => {
      if (node.id !== 'pcp-ex-rest-conn') return node;
      return {
        ...node,
        config: { base_url: api.url, openapi: '/openapi.json', entities: { orders: { path: '/mine' } } },
      };
    });
    nodeRed = await NodeRed.start({ flows });
    browser = await openChromium();
  });
  after(async () => {
    await browser?.close();
    await nodeRed?.remove();
    await api.stop();
  });

  it('stand beside the entities that are there, to be corrected', async () => {
    const editor = await EditorPage.open(browser, nodeRed.url);
    await editor.editConfig('pcp-ex-rest-conn');
    await editor.page.click('text=Draft from OpenAPI');
    await editor.page.waitForSelector('text=Take over 1');
    await editor.screenshot('drafts-listed');
    await editor.page.click('text=Take over 1');
    await editor.page.waitForFunction(() => $('#pcp-setting-entities').typedInput('value').includes('materials'));
    await editor.page.waitForSelector('.pcp-hint:text("Drafted: materials.")');
    await editor.screenshot('drafts');
    await editor.saveConfig();
    const { config } = await editor.properties('pcp-ex-rest-conn');
    assert.deepEqual((config as { entities: unknown }).entities, {
      orders: { path: '/mine' },
      materials: { path: '/materials', key: ['code'] },
    });
    assert.deepEqual(editor.complaints, []);
  });

  it('come from a file as well, where the wanted ones are looked for among many', async () => {
    const editor = await EditorPage.open(browser, nodeRed.url);
    await editor.editConfig('pcp-ex-rest-conn');
    const choose = (name: string, text: string) =>
      editor.page.setInputFiles('input[type=file][accept*=yaml]', {
        name,
        mimeType: 'application/yaml',
        buffer: Buffer.from(text),
      });
    await choose('broken.yaml', 'paths:\n\t/a: {}\n');
    await editor.page.waitForSelector('.pcp-error:text("neither JSON nor YAML")');
    await editor.screenshot('drafts-refused');
    const get = '{get: {responses: {200: {content: {application/json: {schema: *list}}}}}}';
    const paths = Array.from({ length: 30 }, (_, n) => `  /plant${n}/orders: ${get}\n`).join('');
    const properties = '{code: {type: string}}';
    const list = `x-list: &list {type: array, items: {type: object, properties: ${properties}}}\n`;
    await choose('openapi.yaml', `openapi: 3.1.0\n${list}paths:\n${paths}`);
    await editor.page.fill('.pcp-drafts input[type=text]', 'plant17');
    await editor.page.check('.pcp-draft-list label:not([hidden]) input');
    await editor.screenshot('drafts-many');
    await editor.page.click('text=Take over 1');
    await editor.page.waitForSelector('.pcp-hint:text("Drafted: plant17_orders.")');
    await editor.saveConfig();
    const { config } = await editor.properties('pcp-ex-rest-conn');
    const { entities, openapi } = config as { entities: Record<string, unknown>; openapi: string };
    assert.deepEqual(entities.plant17_orders, { path: '/plant17/orders', key: ['code'] });
    assert.equal(openapi, '/openapi.json', 'the file itself is not kept');
    assert.deepEqual(editor.complaints, []);
  });
});
