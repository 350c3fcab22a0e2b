import type { NodeAPI } from 'node-red';
import { endpointsAreOpen } from '../hook-endpoints';
import { closeHub, hub, hubClosing, hubHasStore, knownNodesFile, openedHub } from '../hub-access';
import { nodeFailure } from '../support/failure';
import { mountApi } from './api-mount';
import { registerConfigNodes } from './config-nodes';
import { releaseGoneNodes } from './gone-nodes';
import { mountHooks } from './hook-mount';

const PLUGIN_ID = 'pcp-integrations';

/** How long the end of Node-RED waits for the batch in hand. */
const SHUTDOWN_MS = 15_000;
/** Before the hub is tried again whose store was away when the flows started. */
const RETRY_MS = 6_000;

/** Loaded once per process, before any node and with an empty flow as well: API, hub's life, clean-up after deploys. */
export = (RED: NodeAPI): void => {
  const mounted = [mountApi(RED), mountHooks(RED)];

  let retry: NodeJS.Timeout | undefined;
  const afterStart = async () => {
    const opened = openedHub() ?? ((await hubHasStore(RED)) ? hub(RED) : null);
    if (opened === null) return;
    await opened;
    await registerConfigNodes(RED);
    await releaseGoneNodes(RED, await opened, await knownNodesFile(RED));
  };
  /** Whoever waits for the store must not wait for somebody to ask for the hub. */
  const start = (isFirst: boolean) => {
    clearTimeout(retry);
    afterStart().catch((error) => {
      if (isFirst) RED.log.warn(`[${PLUGIN_ID}] ${nodeFailure(RED, error).message}`);
      if (hubClosing() === null) retry = setTimeout(start, RETRY_MS, false).unref();
    });
  };
  const onStarted = () => {
    endpointsAreOpen();
    start(true);
  };
  RED.events.on('flows:started', onStarted);

  const stop = () => {
    const closed = closeHub().catch((error) => RED.log.error(`[${PLUGIN_ID}] ${nodeFailure(RED, error).message}`));
    // Node-RED exits by itself when it listens to the signal; alone, this listener must not keep the process alive.
    if (process.listenerCount('SIGTERM') + process.listenerCount('SIGINT') > 2) return;
    const deadline = setTimeout(() => process.exit(1), SHUTDOWN_MS);
    closed.then(() => {
      clearTimeout(deadline);
      process.exit(0);
    });
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);

  RED.plugins.registerPlugin(PLUGIN_ID, {
    type: 'pcp-integrations',
    onremove: () => {
      for (const one of mounted) one.dispose();
      clearTimeout(retry);
      RED.events.removeListener('flows:started', onStarted);
      process.removeListener('SIGTERM', stop);
      process.removeListener('SIGINT', stop);
      closeHub().catch((error) => RED.log.error(`[${PLUGIN_ID}] ${nodeFailure(RED, error).message}`));
    },
  } as Parameters<typeof RED.plugins.registerPlugin>[1]);
};
