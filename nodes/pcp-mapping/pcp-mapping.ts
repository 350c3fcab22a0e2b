import type { NodeAPI } from 'node-red';
import { IntegrationError } from '../../lib/model/errors';
import type { MappingInput, MappingView } from '../../lib/model/services';
import { hub, hubClosing, openedHub } from '../hub-access';
import { connectionNode } from '../pcp-connection/connection-node';
import { nodeFailure } from '../support/failure';
import { showLiveState } from '../support/live-state';
import { withUniqueName } from '../support/unique-name';
import { jsonProperty, nameList } from '../support/values';
import { settleWithin } from '../support/work-queue';
import { type MappingNode, type MappingNodeDef, mappingNode } from './mapping-node';

/** A config node: a mapping that this flow owns. It is registered after its connection, whose id it refers to. */
export = (RED: NodeAPI): void => {
  async function register(node: MappingNode, def: MappingNodeDef): Promise<MappingView> {
    const connection = await connectionNode(RED, def.connection).registered();
    const peer = def.peerConnection ? await connectionNode(RED, def.peerConnection).registered() : null;
    // One that waits for itself would never be registered.
    if (waitsFor(RED, node.dependsOn, node.id)) {
      throw new IntegrationError(
        'config',
        'PCP_DEPENDENCY_CYCLE',
        `Mapping "${def.name || node.id}" depends on itself.`,
        {
          path: '/depends_on',
        },
      );
    }
    const leaders = await Promise.all(node.dependsOn.map((id) => mappingNode(RED, id).registered()));
    const input: MappingInput = {
      connection_id: connection.id,
      peer_connection_id: peer?.id ?? null,
      name: def.name || `${def.sourceEntity} - ${def.targetEntity} ${node.id}`,
      description: def.description || null,
      entity_type: def.targetEntity,
      direction: def.direction,
      source_entity: def.sourceEntity,
      target_entity: def.targetEntity,
      field_mappings: jsonProperty(def.fieldMappings, 'field mappings', []),
      filters: jsonProperty(def.filters, 'filters', []),
      transformations: jsonProperty(def.transformations, 'transformations', []),
      options: jsonProperty(def.options, 'options', {}),
      key_fields: nameList(def.keyFields),
      sync_mode: def.syncMode,
      cursor_field: def.cursorField || null,
      depends_on: leaders.map(({ id }) => id),
      schedule: def.schedule || null,
      schedule_options: jsonProperty(def.scheduleOptions, 'schedule options', {}),
      is_active: true,
    };
    const { mappings } = await hub(RED);
    return withUniqueName(input.name, node.id, (name) => mappings.registerFlow(node.id, { ...input, name }));
  }

  function PcpMapping(this: MappingNode, def: MappingNodeDef): void {
    RED.nodes.createNode(this, def);
    let registration: Promise<MappingView> | null = null;
    this.dependsOn = def.dependsOn ?? [];
    this.registered = () => {
      if (!registration) {
        registration = register(this, def).catch(async (thrown: unknown) => {
          registration = null;
          await deactivate(this.id, thrown);
          throw thrown;
        });
      }
      return registration;
    };
    // Config nodes are created in no certain order: the connection may come after this one.
    const closing = new AbortController();
    setImmediate(() =>
      this.registered().then(
        ({ id, sync_mode }) => {
          if (sync_mode === 'live') showLiveState(RED, this, id, closing.signal);
        },
        (error) => this.error(nodeFailure(RED, error), {}),
      ),
    );

    this.on('close', (removed: boolean, done: () => void) => {
      closing.abort();
      settleWithin(release(this.id, removed), 4_000).then(done);
    });
  }

  /** Nothing runs by an earlier definition while the one that is deployed is wrong. */
  async function deactivate(nodeId: string, thrown: unknown): Promise<void> {
    const { class: kind, message } = IntegrationError.from(thrown);
    if (kind === 'config' && !hubClosing()) await (await hub(RED)).mappings.releaseFlow(nodeId, message);
  }

  async function release(nodeId: string, removed: boolean): Promise<void> {
    if (hubClosing()) return;
    const opened = removed ? openedHub() : null;
    if (opened) await (await opened).mappings.releaseFlow(nodeId);
  }

  RED.nodes.registerType('pcp-mapping', PcpMapping);
};

function waitsFor(RED: NodeAPI, dependsOn: readonly string[], id: string, seen = new Set<string>()): boolean {
  return dependsOn.some((leader) => {
    if (leader === id) return true;
    if (seen.has(leader)) return false;
    seen.add(leader);
    return waitsFor(RED, mappingNode(RED, leader).dependsOn, id, seen);
  });
}
