import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { NodeRed } from '../live/node-red-process';
import { WebhookSender } from '../support/webhook-sender';
import { openChromium } from './chromium';
import { EditorPage } from './editor';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

describe('the form of pcp-webhook-in', () => {
  let nodeRed: NodeRed;
  let browser: Browser;

  before(async () => {
    nodeRed = await NodeRed.start({
      flows: [{ id: 'tab', type: 'tab', label: 'Plant' }],
      settings: { httpNodeRoot: '/api' },
    });
    browser = await openChromium();
  });
  after(async () => {
    await browser?.close();
    await nodeRed?.remove();
  });

  it('makes an address that nobody can guess, which takes deliveries once it is deployed, and keeps it', async () => {
    const editor = await EditorPage.open(browser, nodeRed.url, { width: 1920 });
    const { page } = editor;
    const id = await editor.drag('pcp-webhook-in', 200, 100);
    await editor.edit(id);
    const first = await page.inputValue('#pcp-webhook-url');
    assert.match(first.replace(nodeRed.url, ''), /^\/api\/integrations\/hooks\/[\w-]{22}$/);
    await page.click('#pcp-webhook-new-token');
    const url = await page.inputValue('#pcp-webhook-url');
    assert.notEqual(url, first);
    await page.fill('#node-input-secret', SECRET);
    await editor.screenshot('webhook-in');
    await editor.save();
    await editor.deploy();
    await nodeRed.printed(/Started (modified )?(flows|nodes)[\s\S]*Started/);
    assert.equal((await new WebhookSender(url, SECRET).send('m1', {})).status, 202);
    await editor.edit(id);
    assert.equal(await page.inputValue('#pcp-webhook-url'), url);
    assert.equal(await page.inputValue('#node-input-secret'), '__PWRD__');
    await editor.cancel();
    assert.deepEqual(editor.complaints, []);
    await editor.close();
  });

  for (const [scheme, locale] of [
    ['dark', 'pt-BR'],
    ['light', 'en-US'],
  ] as const) {
    it(`shows the fields of what is chosen, ${scheme}, in ${locale}`, async () => {
      const editor = await EditorPage.open(browser, nodeRed.url, { scheme, locale });
      const { page } = editor;
      const id = await editor.drag('pcp-webhook-in', 200, 200);
      await editor.edit(id);
      const shown = async () => {
        const names = ['secret', 'username', 'header', 'signed', 'tolerance', 'messageId', 'verifyToken'];
        const visible = await Promise.all(names.map((name) => page.isVisible(`#node-input-${name}`)));
        return names.filter((_, index) => visible[index]);
      };
      assert.deepEqual(await shown(), ['secret', 'tolerance']);
      await page.selectOption('#node-input-verification', 'hmac');
      assert.deepEqual(await shown(), ['secret', 'header', 'signed', 'tolerance', 'messageId']);
      await editor.screenshot(`webhook-in-hmac-${scheme}`);
      await page.selectOption('#node-input-verification', 'none');
      await page.selectOption('#node-input-challenge', 'hub_challenge');
      assert.deepEqual(await shown(), ['messageId', 'verifyToken']);
      await editor.cancel();
      assert.deepEqual(editor.complaints, []);
      await editor.close();
    });
  }
});
