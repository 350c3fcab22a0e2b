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
    await editor.page.waitForFunction(() => $('#pcp-setting-entities').typedInput('value').includes('materials'));
    await editor.page.waitForSelector('.pcp-hint:text("Drafted: materials.")');
    await editor.screenshot('drafts');
    await editor.saveConfig();
    const { config } = await editor.properties('pcp-ex-rest-conn');
    assert.deepEqual((config as { entities: unknown }).entities, {
      orders: { path: '/mine' },
      materials: { path: '/materials' },
    });
    assert.deepEqual(editor.complaints, []);
  });
});
