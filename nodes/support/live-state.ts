import type { Node, NodeAPI } from 'node-red';
import { IntegrationError } from '../../lib/model/errors';
import type { LiveStatus } from '../../lib/model/stream';
import { hub } from '../hub-access';
import { NodeStatusLine } from './status';

const LOOK_EVERY_MS = 1_000;

/** Shows at a node how the stream of a live mapping is, until the signal aborts. */
export function showLiveState(RED: NodeAPI, node: Node, mappingId: number, signal: AbortSignal): void {
  const status = new NodeStatusLine(RED, node);
  let shown = '';
  const look = async (): Promise<void> => {
    const live = (await hub(RED)).live.status(mappingId);
    const news =
      live === null ? '' : JSON.stringify([live.state, live.error?.code, live.alarms[0], live.records_per_second]);
    if (signal.aborted || news === shown) return;
    shown = news;
    show(status, live);
  };
  // A hub that cannot be opened is told by whoever needs it.
  const timer = setInterval(() => look().catch(() => undefined), LOOK_EVERY_MS).unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

function show(status: NodeStatusLine, live: LiveStatus | null): void {
  if (live === null) {
    status.clear();
    return;
  }
  const { state, error, alarms, records_per_second: rate } = live;
  const [alarm] = alarms;
  if (error !== null) status.failed(IntegrationError.fromJSON(error));
  else if (alarm !== undefined) status.attention(`live.${alarm.kind}`, { count: alarm.count });
  else if (state === 'connected') status.finished('live.connected', { rate });
  else if (state === 'standby') status.resting('live.standby');
  else status.working('opening');
}
