import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Browser } from 'playwright-core';
import { demoFlows } from '../../demo/flows';
import { exampleFlow, NodeRed } from '../live/node-red-process';
import { openChromium } from './chromium';
import { EditorPage } from './editor';

declare const RED: {
  nodes: { import(flows: unknown[]): void; node(id: string): { valid?: boolean } | null };
};

const EXAMPLES = [
  'pcp-file',
  'pcp-database',
  'pcp-rest',
  'pcp-mqtt',
  'pcp-entity',
  'pcp-map',
  'pcp-sync',
  'pcp-sync-log',
  'pcp-alert',
  'pcp-dynamics365-packages',
];
const FORMS = {
  'pcp-file-read': 'pcp-ex-file-reader',
  'pcp-database-write': 'pcp-ex-database-writer',
  'pcp-rest-call': 'pcp-ex-rest-caller',
  'pcp-mqtt-subscribe': 'pcp-ex-mqtt-listener',
  'pcp-entity': 'pcp-ex-entity-reader',
  'pcp-map': 'pcp-ex-map-map',
  'pcp-sync': 'pcp-ex-sync-sync',
  'pcp-sync-log': 'pcp-ex-sync-log-letter',
  'pcp-alert': 'pcp-ex-alert-watch',
  'pcp-dynamics365-package': 'pcp-ex-packages-reader',
};
const LOOKS = [
  { scheme: 'light', width: 1280, locale: 'en-US' },
  { scheme: 'dark', width: 1280, locale: 'pt-BR' },
  { scheme: 'light', width: 1920, locale: 'pt-BR' },
  { scheme: 'dark', width: 1920, locale: 'en-US' },
] as const;

describe('looks of the forms', function () {
  // Many forms, one after the other, also on a busy machine.
  this.timeout(600_000);
  let folder: string;
  let nodeRed: NodeRed;
  let browser: Browser;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pcp-looks-'));
    writeFileSync(
      join(folder, 'preview.csv'),
      'AUFNR,MATNR,GAMNG,GSTRP,STAT\n1,BOLT,"2,5",20261124,REL\n2,NUT,many,20261124,REL\n',
    );
    writeFileSync(join(folder, 'orders.csv'), 'AUFNR;MATNR\n1;BOLT\n');
    const database = join(folder, 'legacy.db');
    const sqlite = new DatabaseSync(database);
    sqlite.exec('CREATE TABLE orders (order_number TEXT PRIMARY KEY, material TEXT, quantity NUMERIC)');
    sqlite.close();
    const environment = { PCP_EXAMPLES: folder, PCP_EXAMPLES_DB: database, PCP_EXAMPLES_MQTT: 'mqtt://127.0.0.1:9' };
    nodeRed = await NodeRed.start({ flows: EXAMPLES.flatMap(exampleFlow), environment });
    const order = { order_number: 'A-1', material: 'BOLT', quantity: '2.5', plant: '1000', status: 'released' };
    await nodeRed.json('POST', '/integrations/entities/production_order/records', order);
    browser = await openChromium();
  });
  after(async () => {
    await browser?.close();
    await nodeRed?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const look of LOOKS) {
    const suffix = `${look.scheme}-${look.width}-${look.locale}`;

    it(`shows every form without overflow: ${suffix}`, async () => {
      const editor = await EditorPage.open(browser, nodeRed.url, look);
      await editor.page.locator('.red-ui-palette-node[data-palette-type="pcp-sync-log"]').scrollIntoViewIfNeeded();
      await editor.screenshot(`palette-${suffix}`);
      const category = await editor.page.textContent('#red-ui-palette-header-PCP_integrations');
      assert.equal(category?.trim(), look.locale === 'pt-BR' ? 'Integrações PCP' : 'PCP integrations');
      for (const [name, id] of Object.entries(FORMS)) {
        await editor.edit(id);
        await editor.screenshot(`${name}-${suffix}`);
        assert.deepEqual(await overflowing(editor), [], name);
        await editor.cancel();
      }
      await editor.editConfig('pcp-ex-file-conn');
      await editor.page.click('#pcp-connection-test');
      await editor.page.waitForSelector('.pcp-verdict');
      await editor.screenshot(`pcp-connection-${suffix}`);
      assert.deepEqual(await overflowing(editor), [], 'pcp-connection');
      await editor.page.fill('#pcp-setting-root', '');
      await editor.page.click('#pcp-connection-test');
      await editor.screenshot(`pcp-connection-wrong-${suffix}`);
      await editor.page.fill('#pcp-setting-root', join(folder, 'missing'));
      await editor.page.click('#pcp-connection-test');
      await editor.page.waitForSelector('#pcp-connection-report .pcp-verdict');
      await editor.screenshot(`pcp-connection-failed-${suffix}`);
      const report = (await editor.page.textContent('#pcp-connection-report')) ?? '';
      const words = {
        'en-US': /Connect: The root folder .*does not exist\.Create the folder/,
        'pt-BR': /Conectar: A pasta não existe \(The root folder .*\)\.Crie a pasta/,
      };
      assert.match(report, words[look.locale]);
      await editor.cancel();
      await editor.editConfig('pcp-ex-rest-conn');
      await editor.page.click('#pcp-connection-test');
      await editor.page.waitForSelector('.pcp-verdict');
      await editor.page.selectOption('#pcp-setting-authentication', 'oauth2');
      await editor.screenshot(`pcp-connection-rest-${suffix}`);
      assert.deepEqual(await overflowing(editor), [], 'pcp-connection of an API');
      await editor.cancel();
      await editor.editConfig('pcp-ex-packages-conn');
      await editor.page.locator('[data-setting="packages"]').scrollIntoViewIfNeeded();
      await editor.screenshot(`pcp-connection-packages-${suffix}`);
      assert.deepEqual(await overflowing(editor), [], 'pcp-connection of packages');
      await editor.cancel();
      await editor.editConfig('pcp-ex-map-mapping');
      await editor.screenshot(`pcp-mapping-${suffix}`);
      await editor.page.fill('#node-config-input-sourceEntity', 'preview.csv');
      await editor.page.click('#pcp-mapping-preview');
      await editor.page.waitForSelector('.pcp-preview');
      await editor.screenshot(`pcp-mapping-preview-${suffix}`);
      assert.deepEqual(await overflowing(editor), [], 'pcp-mapping');
      const isPortuguese = look.locale === 'pt-BR';
      await editor.page.click('#pcp-mapping-check');
      const reason = isPortuguese ? 'Rejeitados, pois' : 'Rejected, since';
      await editor.page.getByRole('columnheader', { name: reason }).waitFor();
      await editor.screenshot(`pcp-mapping-check-${suffix}`);
      const counts = isPortuguese
        ? /^Seria: 1 criado, 1 rejeitado\.1.*many/
        : /^Would be: 1 created, 1 rejected\.1.*many/;
      const told = (await editor.page.textContent('#pcp-mapping-result')) ?? '';
      assert.match(told.replace(/(Registros|Records).*?(ones|primeiros)/, ''), counts);
      await editor.page.selectOption('#node-config-input-connection', 'pcp-ex-rest-conn');
      await editor.page.selectOption('#node-config-input-direction', 'export');
      await editor.page.fill('#node-config-input-sourceEntity', 'orders');
      await editor.page.locator('.pcp-map-line').first().locator('.pcp-map-cell input').first().fill('number');
      await editor.page.click('#pcp-mapping-preview');
      await editor.page.click('.pcp-request summary');
      await editor.page.locator('.pcp-request pre').first().scrollIntoViewIfNeeded();
      await editor.screenshot(`pcp-mapping-requests-${suffix}`);
      assert.match((await editor.page.textContent('.pcp-request pre')) ?? '', /orders\/A-1.*content-type.*"A-1"/s);
      const promise = {
        'en-US': /^Every change takes effect once/,
        'pt-BR': /^Cada alteração tem efeito uma única vez/,
      };
      assert.match((await editor.page.textContent('.pcp-guarantee')) ?? '', promise[look.locale]);
      assert.deepEqual(await overflowing(editor), [], 'requests of a preview');
      await editor.cancel();
      assert.deepEqual(editor.complaints, []);
      await editor.close();
    });
  }

  it("marks no node of the demo's flows as wrong", async () => {
    const editor = await EditorPage.open(browser, nodeRed.url);
    const wrong = await editor.page.evaluate((flows) => {
      RED.nodes.import(flows);
      return flows.map(({ id }) => id).filter((id) => RED.nodes.node(id)?.valid === false);
    }, demoFlows(folder));
    assert.deepEqual(wrong, []);
    await editor.close();
  });

  it('labels every field for screen readers', async () => {
    const editor = await EditorPage.open(browser, nodeRed.url);
    for (const [name, id] of Object.entries(FORMS)) {
      await editor.edit(id);
      assert.deepEqual(await unlabelled(editor), [], name);
      await editor.cancel();
    }
    for (const id of ['pcp-ex-file-conn', 'pcp-ex-rest-conn', 'pcp-ex-map-mapping']) {
      await editor.editConfig(id);
      assert.deepEqual(await unlabelled(editor), [], id);
      await editor.cancel();
    }
    await editor.close();
  });
});

/** Fields that stick out of their form. */
function overflowing(editor: EditorPage): Promise<string[]> {
  return editor.page.evaluate(() => {
    const form = [...document.querySelectorAll('.pcp-form')].at(-1) as HTMLElement;
    const right = form.getBoundingClientRect().right + 1;
    const fields = [...form.querySelectorAll<HTMLElement>('input, select, textarea, button')];
    return fields
      .filter((field) => field.offsetParent !== null && field.getBoundingClientRect().right > right)
      .map((field) => field.id || field.outerHTML.slice(0, 80));
  });
}

/** Fields of the open form that have neither a label nor an aria-label. */
function unlabelled(editor: EditorPage): Promise<string[]> {
  return editor.page.evaluate(() => {
    const form = [...document.querySelectorAll('.pcp-form')].at(-1) as HTMLElement;
    const fields = [...form.querySelectorAll<HTMLInputElement>('input, select, textarea')];
    return fields
      .filter((field) => field.offsetParent !== null && field.type !== 'hidden' && !field.getAttribute('aria-label'))
      .filter((field) => {
        const named = document.getElementById(field.getAttribute('aria-labelledby') ?? '');
        const labels = [...(field.labels ?? []), ...(named ? [named] : [])];
        return labels.every((label) => label.textContent?.trim() === '');
      })
      .map((field) => field.id || field.outerHTML.slice(0, 120));
  });
}
