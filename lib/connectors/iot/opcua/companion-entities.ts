import type { EntityInfo, JsonSchema } from '../../../model/entity';
import type { OpcUaClient, OpenSession } from '../../../protocols/opcua/client';
import { type NodeType, nodeTypes } from '../../../protocols/opcua/data-types';
import { findInstances, type Instance, variablesBelow } from '../../../protocols/opcua/instances';
import { type NodeId, opcUaLibrary } from '../../../protocols/opcua/library';
import { formatNodeId } from '../../../protocols/opcua/node-ids';
import { readValues } from '../../../protocols/opcua/read';
import type { SourceRecord } from '../../contract';

interface Companion {
  info: EntityInfo;
  /** Of the specification that has the type, and the type in it. */
  uri: string;
  type: number;
  /** The object is told of, not the part of it that has the type. */
  isPart?: boolean;
  /** Its variable that lists what the records are. */
  list?: string;
}

const entity = (name: string, label: string, key: string[]): EntityInfo => ({
  name,
  label,
  kind: 'objects',
  key,
  readable: true,
  writable: false,
});

/** Objects of companion specifications that servers of machines have. */
const COMPANIONS: readonly Companion[] = [
  {
    info: entity('packml_units', 'PackML', ['node']),
    uri: 'http://opcfoundation.org/UA/PackML/',
    type: 6,
  },
  {
    info: entity('machines', 'OPC UA for Machinery', ['node']),
    uri: 'http://opcfoundation.org/UA/Machinery/',
    type: 1012,
    isPart: true,
  },
  {
    info: entity('job_orders', 'ISA-95 Job Control', ['node', 'JobOrderID']),
    uri: 'http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/',
    type: 1002,
    list: 'JobOrderList',
  },
  {
    info: entity('job_responses', 'ISA-95 Job Control', ['node', 'JobResponseID']),
    uri: 'http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/',
    type: 1003,
    list: 'JobOrderResponseList',
  },
];

export function isCompanion(name: string): boolean {
  return COMPANIONS.some(({ info }) => info.name === name);
}

/** Those of which the server has objects. */
export async function discoverCompanions(
  client: OpcUaClient,
  open: OpenSession,
  signal: AbortSignal,
): Promise<EntityInfo[]> {
  const known = COMPANIONS.filter(({ uri }) => open.namespaces.includes(uri));
  if (known.length === 0) return [];
  const types = known.map((companion) => typeOf(companion, open));
  const found = await findInstances(client, open, types, signal);
  return known.flatMap(({ info }, index) => (found[index]?.length ? [info] : []));
}

/** One record for each object, or for each item of its list. */
export async function readCompanion(
  client: OpcUaClient,
  open: OpenSession,
  name: string,
  signal: AbortSignal,
): Promise<SourceRecord[]> {
  const records: SourceRecord[] = [];
  for (const { companion, subject, variables } of await objectsOf(client, open, name, signal)) {
    const [paths, nodes] = [[...variables.keys()], [...variables.values()]];
    const values = await readValues(client, open, nodes, signal);
    const head = { node: formatNodeId(subject.nodeId, open.namespaces), name: subject.name };
    if (companion.list === undefined) {
      const fields = values.map(({ value, value_name: named }, index) => [
        paths[index],
        named === undefined ? value : { value, name: named },
      ]);
      records.push({ ...head, ...Object.fromEntries(fields) });
    } else {
      const items = values[paths.indexOf(companion.list)]?.value;
      if (Array.isArray(items)) records.push(...items.map((item) => ({ ...head, ...flat(item) })));
    }
  }
  return records;
}

/** Fields of a list are those of its structure, which a server tells with the first of them. */
export async function describeCompanion(
  client: OpcUaClient,
  open: OpenSession,
  name: string,
  signal: AbortSignal,
): Promise<{ info: EntityInfo; schema: JsonSchema } | undefined> {
  const companion = COMPANIONS.find(({ info }) => info.name === name);
  if (companion === undefined) return undefined;
  const properties: Record<string, JsonSchema> = { node: { type: 'string' }, name: { type: 'string' } };
  if (companion.list === undefined) {
    for (const { variables } of await objectsOf(client, open, name, signal)) {
      const types = await nodeTypes(client, open, [...variables.values()], signal);
      for (const [index, path] of [...variables.keys()].entries()) properties[path] ??= schemaOf(types[index]);
    }
  } else {
    for (const record of await readCompanion(client, open, name, signal)) {
      for (const field of Object.keys(record)) properties[field] ??= {};
    }
    for (const field of companion.info.key) properties[field] = { type: 'string' };
  }
  return { info: companion.info, schema: { type: 'object', properties, required: companion.info.key } };
}

const ENUMERATION: JsonSchema = {
  type: 'object',
  properties: { value: { type: 'integer' }, name: { type: ['string', 'null'] } },
};
const INTEGER: JsonSchema = { type: ['integer', 'null'] };
const NUMBER: JsonSchema = { type: ['number', 'null'] };
const TEXT: JsonSchema = { type: ['string', 'null'] };
const SCHEMAS: Record<string, JsonSchema> = {
  Boolean: { type: ['boolean', 'null'] },
  ...Object.fromEntries(['SByte', 'Byte', 'Int16', 'UInt16', 'Int32', 'UInt32'].map((type) => [type, INTEGER])),
  Int64: { type: ['integer', 'string', 'null'] },
  UInt64: { type: ['integer', 'string', 'null'] },
  Float: NUMBER,
  Double: NUMBER,
  DateTime: { ...TEXT, format: 'date-time' },
  ...Object.fromEntries(['String', 'LocalizedText', 'Guid', 'ByteString', 'NodeId'].map((type) => [type, TEXT])),
};

function schemaOf(type: NodeType | undefined): JsonSchema {
  if (type === undefined) return {};
  if (type.valueRank >= 0) return { type: ['array', 'null'] };
  return type.names === undefined ? (SCHEMAS[type.builtIn] ?? {}) : ENUMERATION;
}

async function objectsOf(client: OpcUaClient, open: OpenSession, name: string, signal: AbortSignal) {
  const companion = COMPANIONS.find(({ info, uri }) => info.name === name && open.namespaces.includes(uri));
  if (companion === undefined) return [];
  const [instances = []] = await findInstances(client, open, [typeOf(companion, open)], signal);
  const objects: {
    companion: Companion;
    subject: Pick<Instance, 'nodeId' | 'name'>;
    variables: Map<string, NodeId>;
  }[] = [];
  for (const instance of instances) {
    const subject = companion.isPart ? instance.parent : instance;
    objects.push({ companion, subject, variables: await variablesBelow(client, open, subject.nodeId, signal) });
  }
  return objects;
}

function typeOf({ uri, type }: Companion, { namespaces }: OpenSession): NodeId {
  return opcUaLibrary().ua.makeNodeId(type, namespaces.indexOf(uri));
}

/** A job order lies beside its state. */
function flat(item: unknown): SourceRecord {
  const { JobOrder: order, ...rest } = item as Record<string, unknown>;
  return { ...(order as Record<string, unknown> | undefined), ...rest };
}
