import { registerConnectorNode } from '../../nodes/connector-node/connector-node';

import connectionType = require('../../nodes/pcp-connection/pcp-connection');
import entityType = require('../../nodes/pcp-entity/pcp-entity');
import mapType = require('../../nodes/pcp-map/pcp-map');
import mappingType = require('../../nodes/pcp-mapping/pcp-mapping');
import syncType = require('../../nodes/pcp-sync/pcp-sync');

import type { NodeAPI } from 'node-red';

/** As the build generates it. */
const fileType = (RED: NodeAPI) => registerConnectorNode(RED, 'pcp-file', 'generic.file');

const restType = (RED: NodeAPI) => registerConnectorNode(RED, 'pcp-rest', 'generic.rest');

export const TYPES = [connectionType, mappingType, fileType, restType, entityType, mapType, syncType];

export const TAB = { id: 'tab', type: 'tab', label: 'test' };

export const CONNECTION = {
  id: 'connection',
  type: 'pcp-connection',
  name: 'Drop folder',
  connectorType: 'generic.file',
  description: '',
  timezone: '',
  config: { root: '/data' },
};

export const MAPPING = {
  id: 'mapping',
  type: 'pcp-mapping',
  name: 'Orders',
  connection: 'connection',
  peerConnection: '',
  description: '',
  direction: 'import',
  sourceEntity: 'orders.csv',
  targetEntity: 'production_order',
  fieldMappings: [{ source: 'AUFNR', target: 'order_number' }],
  filters: [],
  transformations: [],
  options: {},
  keyFields: 'order_number',
  syncMode: 'full',
  cursorField: '',
};

const FILE = {
  type: 'pcp-file',
  z: 'tab',
  name: '',
  connection: 'connection',
  operation: 'read',
  entity: 'orders.csv',
  trigger: 'input',
  filters: '',
  cursorField: '',
  batchSize: '2',
  perRecord: false,
  acknowledge: 'auto',
  acknowledgeTimeout: '1',
  keyFields: '',
  onError: 'message',
};

export const out = (id: string) => ({ id, type: 'helper', z: 'tab' });
export const catcher = {
  id: 'catcher',
  type: 'catch',
  z: 'tab',
  name: '',
  scope: null,
  uncaught: false,
  wires: [['caught']],
};

/** A connector node with its connection, an output and a Catch node behind. */
export function fileFlow(changes: Record<string, unknown>): Record<string, unknown>[] {
  return [TAB, CONNECTION, { ...FILE, id: 'file', wires: [['out']], ...changes }, out('out'), catcher, out('caught')];
}

/** A node that uses a mapping, with two outputs. */
export function mappingFlow(node: Record<string, unknown>): Record<string, unknown>[] {
  return [
    TAB,
    CONNECTION,
    MAPPING,
    { z: 'tab', name: '', ...node, wires: [['out'], ['second']] },
    out('out'),
    out('second'),
    catcher,
    out('caught'),
  ];
}
