import type { Node, NodeAPI, NodeDef, NodeMessage } from 'node-red';
import { spokenAlert } from '../../lib/alerts/spoken';
import type { Alert, AlertEvent, AlertKind, AlertListener } from '../../lib/model/alert';
import { hub } from '../hub-access';
import { connectionNode } from '../pcp-connection/connection-node';
import { mappingNode } from '../pcp-mapping/mapping-node';
import { runtimeLocale } from '../support/failure';
import { NodeStatusLine } from '../support/status';

/** Before a hub is asked for again whose store was away. */
const RETRY_MS = 6_000;

interface AlertNodeDef extends NodeDef {
  /** '' = all. */
  kind: AlertKind | '';
  severity: 'critical' | '';
  connection: string;
  mapping: string;
  /** '' = all that happens to an alert; firing = only that it is told. */
  events: 'firing' | '';
}

/** Sends what happens to alerts into the flow: `msg.event` says what, `msg.payload` is the alert in words. */
export = (RED: NodeAPI): void => {
  function PcpAlert(this: Node, def: AlertNodeDef): void {
    RED.nodes.createNode(this, def);
    const status = new NodeStatusLine(RED, this);
    let retry: NodeJS.Timeout | undefined;
    let isClosed = false;
    let isFailing = false;
    let stop = (): void => undefined;

    const isWanted = async ({ type }: AlertEvent, alert: Alert): Promise<boolean> => {
      if (def.events === 'firing' && type !== 'firing' && type !== 'repeated') return false;
      if (def.kind && def.kind !== alert.kind) return false;
      if (def.severity && def.severity !== alert.severity) return false;
      if (def.mapping) return (await mappingNode(RED, def.mapping).registered()).id === alert.mapping_id;
      if (def.connection) return (await connectionNode(RED, def.connection).registered()).id === alert.connection_id;
      return true;
    };

    const tell = (event: AlertEvent, alert: Alert): void => {
      const payload = spokenAlert(alert, runtimeLocale(RED));
      if (event.type === 'resolved') status.finished('resolved', { title: payload.title });
      else status.attention(event.type, { title: payload.title });
      const msg: NodeMessage & { event: string } = {
        topic: alert.kind,
        event: event.type,
        payload,
      };
      this.send(msg);
    };

    /** What it cannot decide now it is asked for again. */
    const decide: AlertListener = async (event, alert) => {
      try {
        const mustTell = await isWanted(event, alert);
        if (isFailing) status.finished('watching');
        isFailing = false;
        return mustTell ? () => tell(event, alert) : null;
      } catch (error) {
        isFailing = true;
        status.failed(error);
        throw error;
      }
    };

    const follow = (): void => {
      hub(RED).then(
        ({ alerts }) => {
          if (isClosed) return;
          stop = alerts.follow(`node:${this.id}`, decide);
          status.finished('watching');
        },
        (error: unknown) => {
          status.failed(error);
          if (!isClosed) retry = setTimeout(follow, RETRY_MS).unref();
        },
      );
    };
    follow();

    this.on('close', () => {
      isClosed = true;
      clearTimeout(retry);
      stop();
    });
  }

  RED.nodes.registerType('pcp-alert', PcpAlert);
};
