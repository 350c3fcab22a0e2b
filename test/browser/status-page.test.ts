import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Browser, Page } from 'playwright-core';
import { STORE_FILE } from '../../lib/store/store';
import { NodeRed } from '../live/node-red-process';
import { WebhookReceiver } from '../support/webhook-receiver';
import { openChromium } from './chromium';
import { LOOKS, type Look, VIEWS } from './status-views';

/** bcrypt of "secret". */
const SECRET = '$2b$08$FwW/er7pj80avmngXWd4du5zm34nXkx8..HseojBX9klfCptSF0MW';
const TOKEN = 'hSdQ7cYxT0mB1r9vKzN2aw';
const SCREENSHOTS = join(process.cwd(), '.out', 'screenshots');

describe('status page', () => {
  let folder: string;
  let nodeRed: NodeRed;
  let receiver: WebhookReceiver;
  let browser: Browser;
  let token: string;
  const complaints: string[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pcp-status-'));
    writeFileSync(join(folder, 'orders.csv'), 'NUMBER;MATERIAL;QUANTITY\n1;BOLT;2\n2;NUT;many\n3;NUT;4\n');
    receiver = await WebhookReceiver.start();
    nodeRed = await NodeRed.start({
      settings: {
        adminAuth: { type: 'credentials', users: [{ username: 'engineer', password: SECRET, permissions: '*' }] },
        integrations: { directory: join(folder, 'hub') },
      },
    });
    const credentials = { username: 'engineer', password: 'secret' };
    const signIn = { client_id: 'node-red-editor', grant_type: 'password', scope: '', ...credentials };
    token = (await nodeRed.json<{ access_token: string }>('POST', '/auth/token', signIn)).access_token;
    const make = <T>(path: string, body: unknown) =>
      nodeRed.json<T>('POST', `/integrations/${path}`, body, { authorization: `Bearer ${token}` });
    // Without a place Node-RED takes a node for a config node.
    const hook = { id: 'hook', type: 'pcp-webhook-in', z: 'tab', x: 100, y: 100, name: 'ERP orders', wires: [[]] };
    const held = { verification: 'none', acknowledge: 'manual', acknowledgeTimeout: '86400' };
    const flows = [
      { id: 'tab', type: 'tab' },
      { ...hook, ...held, credentials: { token: TOKEN } },
    ];
    await nodeRed.json('POST', '/flows', flows, { authorization: `Bearer ${token}` });
    await make('webhooks', { name: 'Plant manager', url: receiver.url, event_type: 'run.*' });
    const config = { root: folder, settle_seconds: 0, entities: { orders: { path: 'orders.csv', delimiter: ';' } } };
    const scheduled = { schedule: '0 3 1 1 *', timezone: 'America/Sao_Paulo' };
    const connection = { name: 'Drop folder', connector_type: 'generic.file', config, ...scheduled };
    const { id } = await make<{ id: number }>('connections', connection);
    const fields = [
      { source: 'NUMBER', target: 'order_number' },
      { source: 'MATERIAL', target: 'material' },
      { source: 'QUANTITY', target: 'quantity', type: 'decimal' },
      { constant: '1000', target: 'plant' },
      { constant: 'released', target: 'status' },
    ];
    await make('mappings', {
      connection_id: id,
      name: 'Orders',
      entity_type: 'production_order',
      direction: 'import',
      source_entity: 'orders',
      target_entity: 'production_order',
      field_mappings: fields,
    });
    browser = await openChromium();
  });
  after(async () => {
    await browser?.close();
    await nodeRed?.remove();
    await receiver?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function blank(look: Look, signedIn: boolean): Promise<Page> {
    const page = await browser.newPage({
      viewport: { width: look.width, height: look.width === 1920 ? 1080 : 800 },
      colorScheme: look.scheme,
      locale: look.locale,
    });
    page.setDefaultTimeout(60_000);
    page.on('dialog', (dialog) => void dialog.accept());
    const kept = JSON.stringify({ access_token: token });
    if (signedIn) await page.addInitScript((text) => localStorage.setItem('auth-tokens', text), kept);
    return page;
  }

  async function open(view: string, look: Look, signedIn = true): Promise<Page> {
    const page = await blank(look, signedIn);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // The browser itself logs each refused request.
      if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) complaints.push(message.text());
    });
    await page.goto(`${nodeRed.url}/integrations/ui/#/${view}`);
    return page;
  }

  it('asks whoever is not signed in to do so in the editor', async () => {
    const page = await open('connections', LOOKS[0], false);
    const link = page.locator('main > .failure a');
    await link.waitFor();
    assert.equal(await link.getAttribute('href'), `${nodeRed.url}/`);
    await page.close();
  });

  it('is in the main menu of the editor', async () => {
    const editor = await blank(LOOKS[0], true);
    await editor.goto(nodeRed.url);
    await editor.waitForSelector('#red-ui-loading-progress', { state: 'hidden' });
    await editor.click('#red-ui-header-button-sidemenu');
    const opened = editor.context().waitForEvent('page');
    await editor.click('#pcp-status-page');
    const page = await opened;
    await page.locator('.panel h2:has-text("Connections")').waitFor();
    assert.equal(page.url(), `${nodeRed.url}/integrations/ui/`);
    await editor.context().close();
  });

  it('starts a run, shows how it went, and corrects and replays what was refused', async () => {
    const page = await open('connections', LOOKS[0]);
    await page.click('a:has-text("Drop folder")');
    assert.match(
      String(await page.locator('.counts div:has-text("Schedule") dd').textContent()),
      /0 3 1 1 \*.*America\/Sao_Paulo/,
    );
    await page.click('button:has-text("Test")');
    await page.locator('[role="status"]:has-text("Tested in")').waitFor();
    await page.click('td button:has-text("Run now")');
    await page.click('a:has-text("started")');
    await page.locator('.state:has-text("partly succeeded")').waitFor();
    await page.click('a:has-text("#1")');
    assert.equal(await page.locator('.counts div:has-text("Created") dd').textContent(), '2');
    await page.click('a:has-text("Its dead letters")');
    await page.click('td a');
    const payload = page.locator('textarea');
    await payload.waitFor();
    assert.deepEqual(JSON.parse(await payload.inputValue()), { NUMBER: '2', MATERIAL: 'NUT', QUANTITY: 'many' });

    await payload.fill('{"NUMBER":');
    await page.click('button:has-text("Save")');
    await page.locator('.refused:has-text("not a JSON object")').waitFor();
    await payload.fill('{"NUMBER":"2","MATERIAL":"NUT","QUANTITY":"3"}');
    await page.click('button:has-text("Save")');
    await page.locator('label:has-text("Record, corrected")').waitFor();
    await page.click('button:has-text("Replay")');
    await page.locator('.state:has-text("resolved")').waitFor();
    const record = await nodeRed.json<{ total: number; items: unknown[] }>(
      'GET',
      '/integrations/entities/production_order/records?order_number=2',
      undefined,
      { authorization: `Bearer ${token}` },
    );
    assert.equal(record.items.length, 1);
    await page.close();
  });

  it('asks before it sends again what may be at the target already', async () => {
    const store = new DatabaseSync(join(folder, 'hub', STORE_FILE));
    const set = (state: string, errorClass: string) =>
      store.exec(`UPDATE integration_dead_letters SET state = '${state}', error_class = '${errorClass}' WHERE id = 1`);
    set('open', 'unknown_outcome');
    const page = await open('dead-letters/1', LOOKS[0]);
    await page.evaluate(() => {
      window.confirm = (asked) => {
        document.title = String(asked);
        return false;
      };
    });
    await page.click('button:has-text("Replay")');
    assert.match(await page.title(), /may be at the target already: 1\. A replay sends them again/);
    await page.locator('.state:has-text("open")').waitFor();
    set('resolved', 'data');
    store.close();
    await page.close();
  });

  it('shows what webhooks were told, and tells it again', async () => {
    const page = await open('webhooks', LOOKS[0]);
    await page.click('td a:has-text("Plant manager")');
    const row = page.locator('tr:has-text("run.partial")');
    await row.locator('.state:has-text("succeeded")').waitFor();
    const told = receiver.got.length;
    await row.locator('button:has-text("Redeliver")').click();
    await row.locator('td:nth-child(4):has-text("2")').waitFor();
    assert.equal(receiver.got.length, told + 1);
    await page.close();
  });

  it('makes, changes, switches off and deletes a webhook', async () => {
    const page = await open('webhooks', LOOKS[0]);
    await page.click('a:has-text("New webhook")');
    await page.getByLabel('Name', { exact: true }).fill('Maintenance');
    await page.getByLabel('Address').fill('ftp://maintenance.plant.example/');
    await page.getByLabel('a run failed').uncheck();
    await page.getByLabel('all about alerts').check();
    await page.click('button:has-text("Save")');
    await page.locator('.field:has(input[aria-invalid=true]) .wrong').waitFor();
    assert.equal(await page.getByLabel('Address').getAttribute('aria-invalid'), 'true');
    await page.getByLabel('Address').fill(receiver.url);

    await page.click('button:has-text("Add a header")');
    await page.locator('.header input').first().fill('X-Api-Key');
    await page.locator('.header input').last().fill('k-123456');
    const template = page.getByLabel('Template of what is sent');
    await template.fill("{'what': type & ");
    await page.click('button:has-text("Preview")');
    await page.locator('.refused:has-text("PCP_EXPRESSION_INVALID")').waitFor();
    await template.fill("{'what': type & '!'}");
    await page.click('button:has-text("Preview")');
    await page.locator('.preview pre:has-text("run.failed!")').waitFor();

    await page.getByLabel('Language of the template').selectOption('mustache');
    await template.fill('{"what": "{{type}}!", "at": {{timestamp}}}');
    await page.click('button:has-text("Preview")');
    await page.locator('.preview pre:has-text("2026-11-24T05:00:00.000Z"):has-text("run.failed!")').waitFor();
    await template.fill('{"what":"{{type}}!"}');

    await page.click('button:has-text("Save")');
    const secret = page.locator('input.secret');
    await secret.waitFor();
    assert.match(await secret.inputValue(), /^whsec_/);
    await page.click('a:has-text("I have kept it")');
    await page.locator('dd:has-text("alert.*")').waitFor();
    const before = receiver.got.length;
    await page.click('button:has-text("Send a test")');
    await page.locator('tr:has-text("webhook.test") .state:has-text("succeeded")').waitFor();
    const told = receiver.got[before];
    assert.deepEqual([told?.headers['x-api-key'], told?.body], ['k-123456', '{"what":"webhook.test!"}']);

    await page.click('button:has-text("New secret")');
    await secret.waitFor();
    assert.match(await secret.inputValue(), /^whsec_/);
    await page.locator('dt:has-text("Earlier secret until")').waitFor();

    await page.click('main a:has-text("Edit")');
    await page.getByLabel('Name', { exact: true }).fill('Plant manager');
    await page.click('button:has-text("Save")');
    await page.locator('.failure:has-text("PCP_NAME_TAKEN")').waitFor();
    await page.getByLabel('Name', { exact: true }).fill('Maintenance team');
    await page.click('button:has-text("Save")');
    await page.click('button:has-text("Switch off")');
    await page.locator('.state:has-text("not in use")').waitFor();
    await page.click('button:has-text("Delete")');
    await page.locator('td a:has-text("Plant manager")').waitFor();
    assert.equal(await page.locator('td a:has-text("Maintenance")').count(), 0);
    await page.close();
  });

  it('shows what was delivered and given up, hands it on once more, and lets it go', async () => {
    for (const id of ['d1', 'd2']) {
      const answer = await fetch(`${nodeRed.url}/integrations/hooks/${TOKEN}`, {
        method: 'POST',
        headers: { 'content-type': 'text/plain' },
        body: id,
      });
      assert.equal(answer.status, 202);
    }
    // As it is after ten attempts, between which there are pauses.
    const store = new DatabaseSync(join(folder, 'hub', STORE_FILE));
    store.exec(`UPDATE integration_webhook_inbox SET state = 'failed', attempts = 10, holder = NULL,
      error_code = 'PCP_ACK_TIMEOUT', error_message = 'The flow did not acknowledge.'`);
    store.close();
    const page = await open('webhooks', LOOKS[0]);
    const row = page.locator('tr:has-text("ERP orders")');
    await row.locator('td:nth-child(4):has-text("2")').waitFor();
    await row.locator('a').click();
    const delivery = page.locator('tr:has-text("PCP_ACK_TIMEOUT")').first();
    await delivery.locator('button:has-text("Redeliver")').click();
    await page.locator('.state:has-text("Waiting")').waitFor();
    assert.equal(await delivery.count(), 1);
    await page.click('.trail a');
    await row.locator('td:nth-child(3):has-text("1")').waitFor();
    await page.locator('.panel:has(tr:has-text("ERP orders")) button:has-text("Redeliver what failed")').click();
    await row.locator('td:nth-child(3):has-text("2")').waitFor();
    await row.locator('button:has-text("Discard")').click();
    await row.locator('td:nth-child(3):has-text("0")').waitFor();
    await page.close();
  });

  it('tells failures in the language of who reads', async () => {
    const page = await open('runs/1', LOOKS[1]);
    await page.click('a:has-text("Seus registros rejeitados")');
    await page.locator('td:has-text("não é um número decimal. PCP_VALUE_TYPE")').waitFor();
    await page.close();
  });

  it('makes, changes, switches off and deletes a rule of alerts', async () => {
    const page = await open('alerts', LOOKS[0]);
    await page.click('a:has-text("Rules")');
    await page.click('a:has-text("New rule")');
    await page.getByLabel('Kind').selectOption('dead_letters');
    await page.getByLabel('Name').fill('Many rejected orders');
    await page.getByLabel('Mapping').selectOption({ label: 'Orders' });
    await page.getByLabel('Threshold (records)').fill('50');
    await page.getByLabel('Back to normal beyond (records)').fill('60');
    await page.click('button:has-text("Save")');
    await page.locator('.field:has(#field-clear_threshold) .wrong').waitFor();
    await page.getByLabel('Back to normal beyond (records)').fill('10');
    await page.getByLabel('Told after (minutes)').fill('5');
    await page.click('button:has-text("Save")');
    const row = page.locator('tr:has-text("Many rejected orders")');
    await row.waitFor();
    assert.match(String(await row.textContent()), /Orders≥ 50 records5 min7 din use/);
    await row.locator('a').click();
    await page.getByLabel('Repeated after (hours)').fill('');
    await page.click('button:has-text("Save")');
    await row.locator('td:has-text("never")').waitFor();
    await row.locator('button:has-text("Switch off")').click();
    await row.locator('.state:has-text("not in use")').waitFor();
    await row.locator('button:has-text("Delete")').click();
    await row.waitFor({ state: 'detached' });
    const preset = page.locator('tr:has-text("Dead letters are open")');
    assert.equal(await preset.locator('button:has-text("Delete")').count(), 0);
    await page.close();
  });

  it('says so while the hub does not answer, or something else answers in its place, and claims nothing', async () => {
    const page = await blank(LOOKS[0], true);
    let answer: 'hub' | 'nobody' | 'proxy' = 'nobody';
    await page.route(/\/integrations\/(?!ui\/)/, (route) => {
      if (answer === 'nobody') return route.abort();
      return answer === 'proxy' ? route.fulfill({ body: '<html>Sign in</html>' }) : route.continue();
    });
    await page.goto(`${nodeRed.url}/integrations/ui/#/connections/%`);
    await page.locator('.top .state:has-text("does not answer")').waitFor();
    assert.equal(await page.locator('text=There is no connection yet').count(), 0);
    answer = 'hub';
    await page.locator('td a:has-text("Drop folder")').waitFor();
    await page.locator('.top .state:has-text("The hub works")').waitFor();
    answer = 'proxy';
    await page.locator('.top .state:has-text("does not answer")').waitFor();
    assert.equal(await page.locator('td a:has-text("Drop folder")').count(), 1);
    await page.close();
  });

  it('has names that are one long word, and a run that goes on', () => {
    const store = new DatabaseSync(join(folder, 'hub', STORE_FILE));
    const name = 'ZPP_PRODUCTION_ORDERS_OF_ALL_PLANTS_AND_STORES';
    for (const table of ['connections', 'mappings']) store.exec(`UPDATE integration_${table} SET name = '${name}'`);
    store.exec(`UPDATE integration_sync_logs SET state = 'waiting_quota', status = 'in_progress', ended_at = NULL,
      c_read = 1000000, total = 2000000, next_attempt_at = 9000000000000 WHERE id = 1`);
    store.close();
  });

  for (const look of LOOKS) {
    const suffix = `${look.scheme}-${look.width}-${look.locale}`;
    it(`fits: ${suffix}`, async () => {
      mkdirSync(SCREENSHOTS, { recursive: true });
      const page = await open('connections', look);
      for (const view of VIEWS) {
        await page.evaluate((hash) => {
          location.hash = hash;
        }, `#/${view}`);
        await page.locator('.panel').last().waitFor();
        await page.waitForFunction(() => !/Reading|Lendo/.test(document.querySelector('main')?.textContent ?? ''));
        await page.screenshot({ path: join(SCREENSHOTS, `status-${view.replaceAll('/', '-')}-${suffix}.png`) });
        const cut = await page
          .locator('html, .scroll')
          .evaluateAll((all) => all.map((one) => one.scrollWidth - one.clientWidth).filter((hidden) => hidden > 0));
        assert.deepEqual(cut, [], `${view} hides a part of it, in pixels`);
        assert.equal(await page.locator('.failure[role=alert]').count(), 0, view);
      }
      const shown = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      assert.equal(shown, look.scheme === 'dark' ? 'rgb(22, 24, 29)' : 'rgb(244, 245, 247)');
      assert.equal(await page.getAttribute('html', 'lang'), look.locale);
      await page.close();
    });
  }

  it('had nothing to complain about', () => {
    assert.deepEqual(complaints, []);
  });
});
