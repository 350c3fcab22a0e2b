import type { Node, NodeAPI, NodeDef } from 'node-red';
import type { OpenConnection } from '../../lib/model/connection';
import type { ScheduleOptions } from '../../lib/model/schedule';
import type { ConnectionView } from '../../lib/model/services';
import type { Outage } from '../../lib/outage';
import { missingReference } from '../support/failure';

/** What other nodes see of a deployed pcp-connection. */
export interface ConnectionNode extends Node<Record<string, string>> {
  connectorType: string;
  outage: Outage;
  /** The connection's row in the hub; tries again when the last attempt failed. */
  registered(): Promise<ConnectionView>;
  open(): Promise<OpenConnection>;
}

export interface ConnectionNodeDef extends NodeDef {
  connectorType: string;
  description: string;
  timezone: string;
  schedule: string;
  scheduleOptions: ScheduleOptions;
  /** Settings of the connector, as one object. */
  config: Record<string, unknown>;
}

/** @throws config PCP_CONNECTION_MISSING when the id names no live connection node */
export function connectionNode(RED: NodeAPI, id: string | undefined): ConnectionNode {
  const node = id ? (RED.nodes.getNode(id) as ConnectionNode | null) : null;
  if (!node || typeof node.registered !== 'function') throw missingReference('connection');
  return node;
}
