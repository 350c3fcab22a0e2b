import type { Node, NodeAPI, NodeDef } from 'node-red';
import type {
  Direction,
  FieldMapping,
  Filter,
  MappingOptions,
  SyncMode,
  Transformation,
} from '../../lib/model/mapping';
import type { ScheduleOptions } from '../../lib/model/schedule';
import type { MappingView } from '../../lib/model/services';
import { missingReference } from '../support/failure';

/** What other nodes see of a deployed pcp-mapping. */
export interface MappingNode extends Node {
  /** Ids of the mapping nodes that it runs after. */
  dependsOn: readonly string[];
  /** The mapping's row in the hub, after its connection's; tries again when the last attempt failed. */
  registered(): Promise<MappingView>;
}

export interface MappingNodeDef extends NodeDef {
  connection: string;
  peerConnection: string;
  description: string;
  direction: Direction | 'bidirectional';
  sourceEntity: string;
  targetEntity: string;
  fieldMappings: FieldMapping[];
  filters: Filter[];
  transformations: Transformation[];
  options: MappingOptions;
  keyFields: string;
  syncMode: SyncMode;
  cursorField: string;
  dependsOn?: string[];
  schedule: string;
  scheduleOptions: ScheduleOptions;
}

/** @throws config PCP_MAPPING_MISSING when the id names no live mapping node */
export function mappingNode(RED: NodeAPI, id: string | undefined): MappingNode {
  const node = id ? (RED.nodes.getNode(id) as MappingNode | null) : null;
  if (!node || typeof node.registered !== 'function') throw missingReference('mapping');
  return node;
}
