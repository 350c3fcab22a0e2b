import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { NodeRed } from '../live/node-red-process';
import { freePort } from '../support/server-process';
import { openChromium } from './chromium';
import { EditorPage } from './editor';

/** Each node as its user meets it: dragged, filled in, tested, deployed, reopened with what was typed. */
describe('nodes in the editor', () => {
  let folder: string;
  let nodeRed: NodeRed;
  let browser: Browser;
  let editor: EditorPage;
  const ids: Record<string, string> = {};

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pcp-browser-'));
    writeFileSync(join(folder, 'orders.csv'), 'AUFNR,MATNR,GAMNG\n1000001,BOLT-M8,250\n');
    nodeRed = await NodeRed.start({ flows: [{ id: 'tab', type: 'tab', label: 'Plant' }] });
    browser = await openChromium();
    editor = await EditorPage.open(browser, nodeRed.url, { width: 1920 });
  });
  after(async () => {
    await browser?.close();
    await nodeRed?.remove();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(() => assert.deepEqual(editor.complaints, []));

  const configOf = async (id: string, property: string) => String((await editor.properties(id))[property]);

  const offered = (text: string) =>
    editor.page.locator('.red-ui-autoComplete-container:visible').getByText(text).first();
  const pick = async (field: string, option: string) => {
    await editor.page.click(field);
    await offered(option).click();
    assert.equal(await editor.page.inputValue(field), option);
  };

  it('pcp-file: a connection is entered, tested and kept', async () => {
    const { page } = editor;
    ids.file = await editor.drag('pcp-file', 200, 100);
    await editor.edit(ids.file);
    await editor.addConfig('connection');
    await page.fill('#node-config-input-name', 'Drop folder');
    await page.selectOption('#node-config-input-connectorType', 'generic.file');
    const label = (await page.textContent('label[for="pcp-setting-root"]')) ?? '';
    await page.click('#pcp-connection-test');
    const named = page.locator('#pcp-connection-report .pcp-step b').first();
    assert.equal(await named.textContent(), `${label.replace(' *', '')}: `);
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'pcp-setting-root');
    await page.fill('#pcp-setting-root', join(folder, 'missing'));
    await page.click('#pcp-connection-test');
    await page.waitForSelector('.pcp-verdict');
    assert.ok((await page.locator('.pcp-not-ok').count()) > 0, 'a folder that is not there must fail the test');
    assert.equal(await page.getAttribute('#pcp-setting-root', 'aria-invalid'), 'true');
    await page.fill('#pcp-setting-root', folder);
    assert.equal(await page.getAttribute('#pcp-setting-root', 'aria-invalid'), 'false');
    await page.click('#pcp-connection-test');
    await page.waitForSelector('.pcp-ok');
    await page.waitForFunction(() => document.querySelectorAll('.pcp-not-ok').length === 0);
    await editor.saveConfig();
    await page.fill('#node-input-entity', 'orders.csv');
    await page.fill('#node-input-batchSize', '250');
    await page.selectOption('#node-input-acknowledge', 'manual');
    await page.fill('#node-input-acknowledgeTimeout', '5');
    await editor.save();
    ids.connection = await configOf(ids.file, 'connection');
    await editor.deploy();
    await editor.reload();
    await editor.edit(ids.file);
    assert.equal(await page.inputValue('#node-input-entity'), 'orders.csv');
    assert.equal(await page.inputValue('#node-input-batchSize'), '250');
    assert.equal(await page.inputValue('#node-input-acknowledgeTimeout'), '5');
    await editor.cancel();
    await editor.editConfig(ids.connection);
    assert.equal(await page.inputValue('#pcp-setting-root'), folder);
    await editor.cancel();
    assert.equal((await editor.properties(ids.file)).valid, true);
  });

  it('pcp-file: the deployed connection offers its files', async () => {
    const { page } = editor;
    await editor.edit(ids.file!);
    await page.fill('#node-input-entity', '');
    await page.focus('#node-input-operation');
    const list = page.locator('.red-ui-autoComplete-container:visible');
    await page.focus('#node-input-entity');
    await list.waitFor();
    await page.keyboard.press('Tab');
    await list.waitFor({ state: 'hidden' });
    assert.equal(await page.inputValue('#node-input-entity'), '', 'passing by with Tab must choose nothing');
    assert.notEqual(await page.evaluate(() => document.activeElement?.id), 'node-input-entity');
    await page.click('#node-input-entity');
    await page.keyboard.type('orders');
    await list.getByText('orders.csv').first().waitFor();
    await page.keyboard.press('Tab');
    await list.waitFor({ state: 'hidden' });
    assert.equal(await page.inputValue('#node-input-entity'), 'orders', 'Tab must keep what was typed');
    await page.fill('#node-input-entity', '');
    await page.focus('#node-input-operation');
    await page.click('#node-input-entity');
    await list.getByText('orders.csv').first().click();
    assert.equal(await page.inputValue('#node-input-entity'), 'orders.csv');
    await list.waitFor({ state: 'hidden' });
    await editor.cancel();
  });

  it('pcp-database: a password stays in the credentials; a closed port is named', async () => {
    const { page } = editor;
    const port = await freePort();
    ids.database = await editor.drag('pcp-database', 200, 200);
    await editor.edit(ids.database);
    await editor.addConfig('connection');
    await page.selectOption('#node-config-input-connectorType', 'generic.database');
    await page.fill('#node-config-input-name', 'Legacy ERP');
    await page.selectOption('#pcp-setting-dialect', 'postgres');
    await page.fill('#pcp-setting-host', '127.0.0.1');
    await page.fill('#pcp-setting-port', String(port));
    await page.fill('#pcp-setting-database', 'erp');
    await page.fill('#pcp-setting-username', 'pcp');
    await page.fill('#node-config-input-password', 'canary-password');
    await page.click('#pcp-connection-test');
    await page.waitForSelector('.pcp-verdict');
    const failed = page.locator('.pcp-not-ok');
    assert.equal(await failed.count(), 1);
    assert.match((await failed.textContent()) ?? '', /Connect/);
    await editor.screenshot('pcp-database-closed-port');
    await editor.saveConfig();
    await page.selectOption('#node-input-operation', 'write');
    await page.fill('#node-input-entity', 'public.orders');
    await page.fill('#node-input-keyFields', 'order_number');
    await editor.save();
    await editor.deploy();
    await editor.reload();
    const connection = await configOf(ids.database, 'connection');
    await editor.editConfig(connection);
    assert.equal(await page.inputValue('#pcp-setting-port'), String(port));
    assert.equal(await page.inputValue('#node-config-input-password'), '__PWRD__');
    // The kept password is used again without being typed, since host and port are the deployed ones.
    await page.click('#pcp-connection-test');
    await page.waitForSelector('.pcp-verdict');
    await page.fill('#pcp-setting-host', 'localhost');
    await page.click('#pcp-connection-test');
    await page.waitForSelector('#pcp-connection-report .pcp-not-ok');
    const password = page.locator('[data-setting="password"] .pcp-error');
    assert.notEqual(await password.textContent(), '', 'a moved host must ask for the password again');
    await editor.cancel();
    const flows = JSON.stringify(await nodeRed.json('GET', '/flows'));
    assert.equal(flows.includes('canary-password'), false);
    assert.equal((await editor.properties(ids.database)).keyFields, 'order_number');
  });

  it('pcp-map: a mapping is made from discovered fields and previewed', async () => {
    const { page } = editor;
    ids.map = await editor.drag('pcp-map', 200, 300);
    await editor.edit(ids.map);
    await editor.addConfig('mapping');
    await page.fill('#node-config-input-name', 'Production orders');
    await page.selectOption('#node-config-input-connection', ids.connection!);
    await page.fill('#node-config-input-sourceEntity', 'orders.csv');
    await page.fill('#node-config-input-targetEntity', 'production_order');
    const pairs = [
      ['AUFNR', 'order_number', 'string'],
      ['MATNR', 'material', 'string'],
      ['GAMNG', 'quantity', 'decimal'],
    ];
    for (const [index, [source = '', target = '', type = '']] of pairs.entries()) {
      await page.click('.red-ui-editableList-addButton');
      const row = page.locator('.pcp-map-line').nth(index);
      await row.locator('.pcp-map-cell input').nth(0).fill(source);
      await row.locator('.pcp-map-cell input').nth(1).fill(target);
      await row.locator('select').nth(1).selectOption(type);
    }
    await editor.saveConfig();
    await editor.save();
    await editor.deploy();
    ids.mapping = await configOf(ids.map, 'mapping');
    await editor.reload();
    await editor.editConfig(ids.mapping);
    assert.equal(await page.locator('.pcp-map-line').count(), 3);
    await page.click('#pcp-mapping-preview');
    await page.waitForSelector('.pcp-preview');
    assert.ok(await visibleInTray(editor, '.pcp-preview th'), 'the preview must come into view');
    const preview = (await page.textContent('.pcp-preview')) ?? '';
    assert.match(preview, /created/);
    assert.match(preview, /1000001/);
    await editor.cancel();
    assert.deepEqual((await editor.properties(ids.mapping)).fieldMappings, [
      { source: 'AUFNR', target: 'order_number', type: 'string' },
      { source: 'MATNR', target: 'material', type: 'string' },
      { source: 'GAMNG', target: 'quantity', type: 'decimal' },
    ]);
  });

  it('fields: a file that cannot be read says why; what has no namesake is said, in the language of the editor', async () => {
    writeFileSync(join(folder, 'garbage.csv'), Buffer.from([0xff, 0xc3, 0x28, 0x0a]));
    const portuguese = await EditorPage.open(browser, nodeRed.url, { locale: 'pt-BR' });
    const { page } = portuguese;
    await portuguese.editConfig(ids.mapping!);
    await page.click('#pcp-mapping-fill');
    await page.getByText('Nenhum outro campo da origem tem o nome de um campo da plataforma.').waitFor();
    await page.locator('.pcp-map-line').last().locator('.pcp-map-cell input').nth(1).fill('');
    await page.click('#pcp-mapping-note');
    await page.locator('.pcp-map-line').last().locator('.pcp-map-cell input').nth(1).click();
    await page.locator('.red-ui-autoComplete-container:visible').getByText('quantity — Quantidade planejada').waitFor();
    await page.keyboard.press('Tab');
    await page.fill('#node-config-input-sourceEntity', 'garbage.csv');
    await page.click('#pcp-mapping-fill');
    await page.getByText(/garbage\.csv.*utf-8/i).waitFor();
    await page.close();
  });

  it('pcp-mapping takes over the connection of pcp-sync', async () => {
    const { page } = editor;
    ids.sync = await editor.drag('pcp-sync', 200, 400);
    await editor.edit(ids.sync);
    await page.selectOption('#node-input-connection', ids.connection!);
    await editor.addConfig('mapping');
    assert.equal(await page.inputValue('#node-config-input-connection'), ids.connection);
    await editor.cancel();
    await editor.cancel();
  });

  it('lists and preview take what stands in the editor, before anything is deployed', async () => {
    const { page } = editor;
    const other = join(folder, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'parts.csv'), 'CODE,NAME\nM8,Bolt\n');
    await editor.edit(ids.sync!);
    await editor.addConfig('mapping');
    await editor.addConfig('connection', 'node-config-input');
    await page.locator('#node-config-input-name').last().fill('Not deployed');
    await page.fill('#pcp-setting-root', folder);
    await editor.saveConfig();
    await pick('#node-config-input-sourceEntity', 'orders.csv');
    await page.click('#node-config-input-btn-connection-edit');
    await page.waitForSelector('#pcp-setting-root');
    await page.fill('#pcp-setting-root', other);
    await editor.saveConfig();
    await page.fill('#node-config-input-sourceEntity', '');
    await pick('#node-config-input-sourceEntity', 'parts.csv');
    await page.fill('#node-config-input-targetEntity', 'material');
    for (const [index, target] of ['material', 'description'].entries()) {
      await page.click('.red-ui-editableList-addButton');
      const cells = page.locator('.pcp-map-line').nth(index).locator('.pcp-map-cell input');
      await cells.nth(0).click();
      await offered(index === 0 ? 'CODE' : 'NAME').click();
      await cells.nth(1).fill(target);
    }
    await page.click('#pcp-mapping-preview');
    await page.waitForSelector('.pcp-preview');
    await editor.screenshot('pcp-mapping-not-deployed');
    assert.match((await page.textContent('.pcp-preview')) ?? '', /created.*M8.*Bolt/s);
    await editor.cancel();
    await editor.cancel();
  });

  it('lists take a typed password, and the kept one when none was typed', async () => {
    const { page } = editor;
    const credentialsOfList = async () => {
      await page.fill('#node-input-entity', '');
      await page.focus('#node-input-operation');
      const asked = page.waitForRequest((request) => request.url().includes('/connections/entities'));
      await page.click('#node-input-entity');
      return ((await asked).postDataJSON() as { credentials: unknown }).credentials;
    };
    const change = async (setting: string, value: string) => {
      await page.click('#node-input-btn-connection-edit');
      await page.waitForSelector('#node-config-dialog-ok');
      await page.fill(setting, value);
      await editor.saveConfig();
    };
    await editor.edit(ids.database!);
    await change('#pcp-setting-schema', 'erp');
    assert.deepEqual(await credentialsOfList(), { password: true });
    await change('#node-config-input-password', 'typed-canary');
    assert.deepEqual(await credentialsOfList(), { password: 'typed-canary' });
    await change('#pcp-setting-host', 'localhost');
    await change('#node-config-input-password', '');
    assert.deepEqual(await credentialsOfList(), { password: '' });
    await editor.cancel();
  });

  it('pcp-sync keeps its mapping and options', async () => {
    const { page } = editor;
    await editor.edit(ids.sync!);
    await page.selectOption('#node-input-mapping', ids.mapping!);
    await page.check('#node-input-dryRun');
    await page.selectOption('#node-input-whenActive', 'follow');
    await editor.save();
    await editor.deploy();
    await editor.reload();
    for (const id of [ids.sync!, ids.map!]) {
      assert.equal(await page.locator(`[id="${id}"] .red-ui-flow-node-label`).textContent(), 'Production orders');
    }
    const { mapping, dryRun, full, whenActive } = await editor.properties(ids.sync!);
    assert.deepEqual(
      { mapping, dryRun, full, whenActive },
      { mapping: ids.mapping, dryRun: true, full: false, whenActive: 'follow' },
    );
  });

  it('pcp-entity keeps its entity and filter', async () => {
    const { page } = editor;
    ids.entity = await editor.drag('pcp-entity', 200, 500);
    await editor.edit(ids.entity);
    await page.fill('#node-input-entity', 'material');
    await page
      .locator('#pcp-input-filter + .red-ui-typedInput-container .red-ui-typedInput-input')
      .fill('{"plant":"1000"}');
    await page.fill('#node-input-limit', '20');
    await editor.save();
    await editor.deploy();
    await editor.reload();
    await editor.edit(ids.entity);
    assert.equal(
      await page.locator('#pcp-input-filter + .red-ui-typedInput-container .red-ui-typedInput-input').inputValue(),
      '{"plant":"1000"}',
    );
    await editor.cancel();
    const { entity, filter, limit } = await editor.properties(ids.entity);
    assert.deepEqual({ entity, filter, limit }, { entity: 'material', filter: { plant: '1000' }, limit: '20' });
  });

  it('pcp-sync-log offers the states of what it shows', async () => {
    const { page } = editor;
    ids.log = await editor.drag('pcp-sync-log', 200, 600);
    await editor.edit(ids.log);
    await page.selectOption('#node-input-what', 'dead_letters');
    await page.selectOption('#node-input-state', 'open');
    await editor.save();
    await editor.deploy();
    await editor.reload();
    await editor.edit(ids.log);
    assert.equal(await page.inputValue('#node-input-state'), 'open');
    await editor.screenshot('flow-deployed');
    await editor.cancel();
  });

  it('pcp-webhook-out offers the webhooks that there are', async () => {
    const { page } = editor;
    for (const name of ['Maintenance', 'Plant manager']) {
      const webhook = { name, url: 'https://plant.example/hooks', event_type: '*' };
      await nodeRed.json('POST', '/integrations/webhooks', webhook);
    }
    const id = await editor.drag('pcp-webhook-out', 200, 700);
    await editor.edit(id);
    await page.fill('#node-input-webhook', 'plant.ex');
    await offered('Plant manager').click();
    assert.equal(await page.inputValue('#node-input-webhook'), 'Plant manager');
    await page.check('#node-input-wait');
    await editor.save();
    const { webhook, wait } = await editor.properties(id);
    assert.deepEqual([webhook, wait], ['Plant manager', true]);
  });
});

/** Is the element within the part of its tray that can be seen without scrolling? */
function visibleInTray(editor: EditorPage, selector: string): Promise<boolean> {
  return editor.page.evaluate((wanted) => {
    const found = document.querySelector(wanted) as HTMLElement;
    const { top, bottom } = found.getBoundingClientRect();
    const body = (found.closest('.red-ui-tray-body') as HTMLElement).getBoundingClientRect();
    return top >= body.top - 1 && bottom <= body.bottom + 1;
  }, selector);
}
