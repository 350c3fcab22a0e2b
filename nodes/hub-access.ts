import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeAPI } from 'node-red';
import { IntegrationError } from '../lib/model/errors';
import type { Hub } from '../lib/model/services';
import type { HubSettings } from '../lib/settings';

/** Name of the embedded store in the hub's directory, as lib/store has it: importing that would load the database's code. */
export const STORE_FILE = 'integrations.db';

export type HubOpener = (RED: NodeAPI) => Promise<Hub>;

/** After the hub could not be opened, callers get the same failure for this long instead of hammering its store. */
const RETRY_AFTER_MS = 5_000;

interface HubState {
  opener: HubOpener;
  hub: Promise<Hub> | null;
  failedAt: number;
  closing: Promise<void> | null;
}

const state: HubState = { opener: openConfiguredHub, hub: null, failedAt: 0, closing: null };

/** Loads the hub's modules only now: requiring a node file must cost nothing. */
async function openConfiguredHub(RED: NodeAPI): Promise<Hub> {
  const { createHub } = await import('../lib/hub.js');
  return createHub(await hubSettings(RED));
}

async function hubSettings(RED: NodeAPI): Promise<HubSettings> {
  const { readSettings } = await import('../lib/settings.js');
  const settings = RED.settings as unknown as Record<string, unknown>;
  const userDir = typeof settings.userDir === 'string' ? settings.userDir : process.cwd();
  return readSettings(settings, userDir, process.env, (level, message) => RED.log[level](`[integrations] ${message}`));
}

/**
 * The one hub of this process, opened by whoever asks first. It outlives deploys: only the end of Node-RED closes it.
 * @throws config PCP_HUB_STOPPED while Node-RED shuts down, or why its store could not be opened
 */
export function hub(RED: NodeAPI): Promise<Hub> {
  if (state.closing) {
    return Promise.reject(
      new IntegrationError('cancelled', 'PCP_HUB_STOPPED', 'The integration hub is shutting down.'),
    );
  }
  if (state.hub && state.failedAt > 0 && Date.now() - state.failedAt > RETRY_AFTER_MS) state.hub = null;
  if (!state.hub) {
    state.failedAt = 0;
    state.hub = state.opener(RED);
    state.hub.catch(() => {
      state.failedAt = Date.now();
    });
  }
  return state.hub;
}

/** True when an earlier life of Node-RED left a store, and with it perhaps runs to go on with. */
export async function hubHasStore(RED: NodeAPI): Promise<boolean> {
  if (state.opener !== openConfiguredHub) return false;
  const settings = await hubSettings(RED);
  if (settings.storeUrl !== undefined) return true;
  return existsSync(join(settings.directory, STORE_FILE));
}

/** Where this instance keeps which nodes it had; null when its store is its own. */
export async function knownNodesFile(RED: NodeAPI): Promise<string | null> {
  const settings = await hubSettings(RED);
  return settings.storeUrl === undefined ? null : join(settings.directory, 'integrations.nodes');
}

/** The hub if somebody opened it already. */
export function openedHub(): Promise<Hub> | null {
  return state.failedAt > 0 ? null : state.hub;
}

/** Resolves when the hub has let its batch in hand commit; harmless when it was never opened. */
export function closeHub(): Promise<void> {
  state.closing ??= (async () => {
    const opened = openedHub();
    if (opened) await opened.then((open) => open.close());
    else if (state.hub) await (await import('../lib/hub.js')).closeAhead();
  })();
  return state.closing;
}

/** The closing in progress, which nodes wait for when Node-RED stops. */
export function hubClosing(): Promise<void> | null {
  return state.closing;
}

/** Lets another opener provide the hub from now on (tests, embedding programs). Null brings the configured one back. */
export function provideHub(opener: HubOpener | null): void {
  state.opener = opener ?? openConfiguredHub;
  state.hub = null;
  state.failedAt = 0;
  state.closing = null;
}
