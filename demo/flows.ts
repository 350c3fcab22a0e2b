import { DEMO_CONNECTIONS, DEMO_MAPPINGS, DEMO_SERVICE, type DemoMapping } from './definitions';
import { debug, type FlowNode, inject } from './flow-nodes';
import { SHOP_FLOOR_CONNECTIONS, SHOP_FLOOR_MAPPINGS } from './shop-floor/definitions';
import { shopFloorTabs } from './shop-floor/flows';

/** The demo's flows.json: config nodes of the connections and mappings, and a tab for each of them. */
export function demoFlows(directory: string): FlowNode[] {
  return [
    ...[...DEMO_CONNECTIONS, ...SHOP_FLOOR_CONNECTIONS].map((connection) => ({
      id: connection.id,
      type: 'pcp-connection',
      name: connection.name,
      connectorType: connection.connector_type,
      description: '',
      timezone: 'America/Sao_Paulo',
      config: connection.config(directory),
    })),
    ...[...DEMO_MAPPINGS, ...SHOP_FLOOR_MAPPINGS].map(mappingNode),
    ...tab('demo-files', 'Files', 'demo-drop'),
    ...tab('demo-database', 'Database', 'demo-erp'),
    ...tab('demo-rest', 'REST', DEMO_SERVICE),
    ...tab('demo-out', 'Export', 'demo-export'),
    ...shopFloorTabs(),
    ...platformTab(),
  ];
}

function mappingNode(mapping: DemoMapping): FlowNode {
  return {
    id: mapping.id,
    type: 'pcp-mapping',
    name: mapping.name,
    connection: mapping.connection,
    peerConnection: '',
    description: '',
    direction: mapping.direction,
    sourceEntity: mapping.source_entity,
    targetEntity: mapping.target_entity,
    fieldMappings: mapping.field_mappings,
    filters: mapping.filters ?? [],
    transformations: [],
    options: {},
    keyFields: '',
    syncMode: mapping.sync_mode ?? 'full',
    cursorField: mapping.cursor_field ?? '',
  };
}

/** A button, a sync and two debug nodes for each mapping of a connection. */
function tab(id: string, label: string, connection: string): FlowNode[] {
  const rows = DEMO_MAPPINGS.filter((mapping) => mapping.connection === connection).flatMap((mapping, index) => {
    const y = 100 + index * 100;
    const part = (name: string) => `${mapping.id}-${name}`;
    const verb = mapping.direction === 'export' ? 'Export' : 'Import';
    return [
      inject(part('start'), id, `${verb} ${mapping.name.toLowerCase()}`, y, part('sync')),
      {
        id: part('sync'),
        type: 'pcp-sync',
        z: id,
        name: mapping.name,
        connection,
        mapping: mapping.id,
        direction: '',
        full: false,
        dryRun: false,
        whenActive: 'error',
        x: 440,
        y,
        wires: [[part('result')], [part('progress')]],
      },
      debug(part('result'), id, 'result', 640, y - 20, 'payload.logs[0]'),
      debug(part('progress'), id, 'progress', 640, y + 20, 'payload.progress'),
    ];
  });
  return [{ id, type: 'tab', label }, ...rows];
}

/** Reads back what the other modules of the platform see, and lists the last runs. */
function platformTab(): FlowNode[] {
  const id = 'demo-platform';
  return [
    { id, type: 'tab', label: 'Platform' },
    inject('demo-read-start', id, 'Released orders', 100, 'demo-read'),
    {
      id: 'demo-read',
      type: 'pcp-entity',
      z: id,
      name: 'Production orders',
      operation: 'read',
      entity: 'production_order',
      filter: { status: 'released' },
      limit: '20',
      x: 440,
      y: 100,
      wires: [['demo-read-result']],
    },
    debug('demo-read-result', id, 'orders', 640, 100, 'payload'),
  ];
}
