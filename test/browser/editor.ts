import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';

declare const RED: {
  nodes: {
    node(id: string): Record<string, unknown> | null;
    filterNodes(filter: { type: string }): Record<string, unknown>[];
    eachConfig(visit: (node: Record<string, unknown>) => void): void;
    dirty(): boolean;
  };
  view: { reveal(id: string): void };
  editor: { edit(node: unknown): void; editConfig(name: string, type: string, id: string): void };
};

const SCREENSHOTS = join(process.cwd(), '.out', 'screenshots');

/** Node-RED's editor in a browser, worked with as its users do: dragging, clicking and typing. */
export class EditorPage {
  /** What the browser complained about; a form with an error in its script is a failure even when it looks right. */
  readonly complaints: string[] = [];

  private constructor(readonly page: Page) {
    page.on('pageerror', (error) => this.complaints.push(error.message));
  }

  static async open(
    browser: Browser,
    url: string,
    look: { scheme?: 'light' | 'dark'; width?: number; locale?: string } = {},
  ): Promise<EditorPage> {
    const page = await browser.newPage({
      viewport: { width: look.width ?? 1280, height: look.width === 1920 ? 1080 : 800 },
      colorScheme: look.scheme ?? 'light',
      locale: look.locale ?? 'en-US',
    });
    // The time limit of the test is the only one.
    page.setDefaultTimeout(0);
    await page.addInitScript((scheme) => localStorage.setItem('view-dark-theme', scheme), look.scheme ?? 'light');
    const editor = new EditorPage(page);
    await page.goto(url);
    await page.waitForSelector('.red-ui-palette-node[data-palette-type="pcp-sync-log"]', { state: 'attached' });
    await page.waitForSelector('#red-ui-loading-progress', { state: 'hidden' });
    return editor;
  }

  /** Drags a node from the palette to the workspace. @returns its id */
  async drag(type: string, x: number, y: number): Promise<string> {
    const { page } = this;
    const before = await this.idsOf(type);
    const entry = page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
    await entry.scrollIntoViewIfNeeded();
    const from = await entry.boundingBox();
    const to = await page.locator('#red-ui-workspace-chart').boundingBox();
    if (!from || !to) throw new Error(`${type} cannot be dragged`);
    await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
    await page.mouse.down();
    await page.mouse.move(to.x + x - 20, to.y + y - 20, { steps: 5 });
    await page.mouse.move(to.x + x, to.y + y, { steps: 3 });
    await page.mouse.up();
    const id = (await this.idsOf(type)).find((candidate) => !before.includes(candidate));
    if (!id) throw new Error(`${type} did not reach the workspace`);
    return id;
  }

  private idsOf(type: string): Promise<string[]> {
    return this.page.evaluate((wanted) => RED.nodes.filterNodes({ type: wanted }).map((node) => String(node.id)), type);
  }

  /** Opens a node's form. */
  async edit(id: string): Promise<void> {
    await this.page.evaluate((wanted) => RED.editor.edit(RED.nodes.node(wanted)), id);
    await this.page.waitForSelector('#node-dialog-ok');
    await this.settled();
  }

  async editConfig(id: string): Promise<void> {
    await this.page.evaluate((wanted) => RED.editor.editConfig('', String(RED.nodes.node(wanted)?.type), wanted), id);
    await this.page.waitForSelector('#node-config-dialog-ok');
    await this.settled();
  }

  /** Presses the "+" beside a config select. */
  async addConfig(property: string, prefix = 'node-input'): Promise<void> {
    await this.page.click(`#${prefix}-btn-${property}-add`);
    await this.page.waitForSelector('#node-config-dialog-ok');
    await this.settled();
  }

  /** The innermost config form is saved and closed. */
  async saveConfig(): Promise<void> {
    await this.closeWith('#node-config-dialog-ok');
  }

  async save(): Promise<void> {
    await this.closeWith('#node-dialog-ok');
  }

  async cancel(): Promise<void> {
    const config = await this.page.locator('#node-config-dialog-cancel').count();
    await this.closeWith(config > 0 ? '#node-config-dialog-cancel' : '#node-dialog-cancel');
  }

  private async closeWith(selector: string): Promise<void> {
    const button = await this.page.locator(selector).last().elementHandle();
    await button?.click();
    await this.page.waitForFunction((closed) => !closed?.isConnected, button);
    await this.settled();
  }

  /** Trays slide: wait until the last one stands still. */
  private async settled(): Promise<void> {
    await this.page.waitForFunction(
      () => {
        const tray = [...document.querySelectorAll('.red-ui-tray')].at(-1);
        if (!tray) return true;
        const state = window as unknown as { lastLeft?: number };
        const left = tray.getBoundingClientRect().left;
        const still = state.lastLeft === left;
        state.lastLeft = left;
        return still && tray.getAnimations().length === 0;
      },
      undefined,
      { polling: 150 },
    );
  }

  async deploy(): Promise<void> {
    const answered = this.page.waitForResponse(
      (response) => response.url().endsWith('/flows') && response.request().method() === 'POST',
    );
    await this.page.click('#red-ui-header-button-deploy');
    await answered;
    await this.page.waitForFunction(() => !RED.nodes.dirty());
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.page.waitForSelector('.red-ui-palette-node[data-palette-type="pcp-sync-log"]', { state: 'attached' });
    await this.page.waitForSelector('#red-ui-loading-progress', { state: 'hidden' });
  }

  /** Properties of a node as they would be deployed. */
  properties(id: string): Promise<Record<string, unknown>> {
    return this.page.evaluate((wanted) => {
      const node = RED.nodes.node(wanted) as Record<string, unknown> & { _def: { defaults: Record<string, unknown> } };
      const entries = Object.keys(node._def.defaults).map((name) => [name, node[name]]);
      return JSON.parse(JSON.stringify({ ...Object.fromEntries(entries), valid: node.valid }));
    }, id);
  }

  async screenshot(name: string): Promise<void> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  }

  close(): Promise<void> {
    return this.page.close();
  }
}
