import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { exampleFlow, NodeRed } from '../live/node-red-process';
import { openChromium } from './chromium';
import { EditorPage } from './editor';

interface Row {
  schedule: string;
  next_runs: string[];
  depends_on: number[];
}

declare const $: (selector: string) => { typedInput(property: 'value', value?: string): string };

describe('schedules in the editor', () => {
  let nodeRed: NodeRed;
  let browser: Browser;

  before(async () => {
    const flows = exampleFlow('pcp-sync');
    const first = flows.find(({ type }) => type === 'pcp-mapping');
    nodeRed = await NodeRed.start({
      flows: [...flows, { ...first, type: 'pcp-mapping', id: 'materials', name: 'Materials' }],
    });
    browser = await openChromium();
  });
  after(async () => {
    await browser?.close();
    await nodeRed?.remove();
  });

  for (const [locale, minute] of [
    ['en-US', '40'],
    ['pt-BR', '41'],
  ] as const) {
    it(`tell when they are due while they are typed, and are kept: ${locale}`, async () => {
      const editor = await EditorPage.open(browser, nodeRed.url, { locale });
      const { page } = editor;
      const says = (id: string, expected: string) =>
        page.waitForFunction(
          ([element, text]) => document.getElementById(element ?? '')?.textContent?.includes(text ?? ''),
          [id, expected],
        );
      const ids = exampleFlow('pcp-sync');
      const [connection, mapping] = ['pcp-connection', 'pcp-mapping'].map((type) =>
        String(ids.find((node) => node.type === type)?.id),
      ) as [string, string];
      await editor.editConfig(connection);
      await page.fill('#node-config-input-timezone', 'America/Sao_Paulo');
      await page.fill('#node-config-input-schedule', '0 25 * * *');
      await says('pcp-connection-next-runs', 'hour: 25');
      await page.fill('#node-config-input-schedule', '25 6 * * 1-5');
      await says('pcp-connection-next-runs', 'America/Sao_Paulo');
      await says('pcp-connection-next-runs', '06:25:00');
      await page.locator('#pcp-connection-next-runs').scrollIntoViewIfNeeded();
      await editor.screenshot(`schedule-connection-${locale}`);
      await editor.saveConfig();
      await editor.editConfig(mapping);
      await page.fill('#node-config-input-schedule', `${minute} 7 * * *`);
      await says('pcp-mapping-next-runs', `07:${minute}:00`);
      await page.evaluate(() =>
        $('#pcp-mapping-schedule-options').typedInput('value', '{"timezone":"Asia/Kathmandu","overlap":"queue_one"}'),
      );
      await says('pcp-mapping-next-runs', 'Asia/Kathmandu');
      await page.check('#pcp-mapping-depends-on input[value=materials]');
      await page.locator('#pcp-mapping-next-runs').scrollIntoViewIfNeeded();
      await editor.screenshot(`schedule-mapping-${locale}`);
      await editor.saveConfig();
      await editor.editConfig('materials');
      assert.equal(await page.locator('#pcp-mapping-depends-on input').count(), 0, 'neither may wait for the other');
      await editor.cancel();
      const kept = await editor.properties(mapping);
      assert.equal(kept.schedule, `${minute} 7 * * *`);
      assert.deepEqual(kept.dependsOn, ['materials']);
      assert.deepEqual(kept.scheduleOptions, { timezone: 'Asia/Kathmandu', overlap: 'queue_one' });
      await editor.deploy();
      const api = (path: string) => fetch(`${nodeRed.url}/integrations${path}`).then((answer) => answer.json());
      const [row] = ((await api('/mappings')) as { items: Row[] }).items.filter(
        ({ depends_on }) => depends_on.length > 0,
      );
      assert.equal(row?.schedule, `${minute} 7 * * *`);
      assert.ok(
        row.next_runs.every((run) => run.endsWith(`T01:${Number(minute) + 15}:00.000Z`)),
        String(row.next_runs),
      );
      assert.deepEqual(editor.complaints, []);
      await editor.close();
    });
  }
});
