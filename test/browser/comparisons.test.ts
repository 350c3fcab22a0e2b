import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { NodeRed } from '../live/node-red-process';
import { openChromium } from './chromium';

const SCREENSHOTS = join(process.cwd(), '.out', 'screenshots');
const LOOKS = [
  { scheme: 'light', width: 1280, locale: 'en-US' },
  { scheme: 'dark', width: 1280, locale: 'pt-BR' },
  { scheme: 'light', width: 1920, locale: 'pt-BR' },
  { scheme: 'dark', width: 1920, locale: 'en-US' },
] as const;

describe('comparisons on the status page', () => {
  let folder: string;
  let nodeRed: NodeRed;
  let browser: Browser;
  const complaints: string[] = [];
  const ask = <T>(method: string, path: string, body?: unknown): Promise<T> =>
    nodeRed.json<T>(method, `/integrations/${path}`, body);

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pcp-comparisons-'));
    writeFileSync(join(folder, 'orders.csv'), 'NUMBER;MATERIAL;QUANTITY\n1;BOLT;2\n2;NUT;3\n3;NUT;4\n4;SCREW;5\n');
    nodeRed = await NodeRed.start({ settings: { integrations: { directory: join(folder, 'hub') } } });
    const config = { root: folder, settle_seconds: 0, entities: { orders: { path: 'orders.csv', delimiter: ';' } } };
    const connection = { name: 'Drop folder', connector_type: 'generic.file', config };
    const { id } = await ask<{ id: number }>('POST', 'connections', connection);
    await ask('POST', 'mappings', {
      connection_id: id,
      name: 'Orders',
      entity_type: 'production_order',
      direction: 'import',
      source_entity: 'orders',
      target_entity: 'production_order',
      field_mappings: [
        { source: 'NUMBER', target: 'order_number' },
        { source: 'MATERIAL', target: 'material' },
        { source: 'QUANTITY', target: 'quantity', type: 'decimal' },
        { constant: '1000', target: 'plant' },
        { constant: 'released', target: 'status' },
      ],
      options: { reconciliation: { settle_seconds: 0 } },
    });
    browser = await openChromium();
  });

  after(async () => {
    await browser?.close();
    await nodeRed?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(view: string, look: (typeof LOOKS)[number]): Promise<Page> {
    const page = await browser.newPage({
      viewport: { width: look.width, height: look.width === 1920 ? 1080 : 800 },
      colorScheme: look.scheme,
      locale: look.locale,
    });
    page.setDefaultTimeout(60_000);
    page.on('dialog', (dialog) => void dialog.accept());
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${nodeRed.url}/integrations/ui/#/${view}`);
    return page;
  }

  it('are begun, tell what either side holds, and bring both together', async () => {
    const page = await open('comparisons', LOOKS[0]);
    await page.locator('td:has-text("never")').waitFor();
    await page.click('button:has-text("Compare now")');
    await page.locator('.state:has-text("the sides differ")').waitFor();
    await page.click('td a:has-text("Orders")');
    await page.locator('td:has-text("only in Drop folder")').first().waitFor();
    await page.click('button:has-text("Repair")');
    await page.click('a:has-text("last repair")');
    await page.locator('.state:has-text("succeeded")').first().waitFor();
    // What follows the repair by itself is what there is by now.
    await page.goto(`${nodeRed.url}/integrations/ui/#/comparisons`);
    await page.locator('td .state:has-text("agree")').waitFor();

    const path = 'entities/production_order/records';
    const { items } = await ask<{ items: Record<string, unknown>[] }>('GET', `${path}?order_number=3`);
    const order = items[0]!;
    await ask('POST', path, { ...order, order_number: '9' });
    const { key } = await ask<{ key: string[] }>('GET', 'entities/production_order');
    const place = key.map((name) => encodeURIComponent(String(order[name]))).join(',');
    await ask('PUT', `${path}/${place}`, { ...order, material: 'WASHER', quantity: '40' });

    await page.goto(`${nodeRed.url}/integrations/ui/#/comparisons/1`);
    await page.click('button:has-text("Compare now")');
    const row = page.locator('tr:has-text("fields differ")');
    await row.waitFor();
    const cells = (await row.locator('td').allTextContents()).slice(2);
    assert.deepEqual(cells, ['materialquantity', 'NUT4', 'WASHER40']);
    await page.locator('tr:has-text("only in PCP platform"), tr:has-text("only in Platform")').first().waitFor();
    await page.close();
  });

  for (const look of LOOKS) {
    const suffix = `${look.scheme}-${look.width}-${look.locale}`;
    it(`can be read: ${suffix}`, async () => {
      mkdirSync(SCREENSHOTS, { recursive: true });
      for (const view of ['comparisons', 'comparisons/3']) {
        const page = await open(view, look);
        await page.locator('td').first().waitFor();
        await page.screenshot({ path: join(SCREENSHOTS, `${view.replace('/', '-')}-${suffix}.png`), fullPage: true });
        const [width, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        assert.ok(width! <= inner!, `${view} is ${width} wide`);
        await page.close();
      }
      assert.deepEqual(complaints, []);
    });
  }
});
