import { IntegrationError } from '../../model/errors';

export const NAMESPACE = 'spBv1.0';

const NODE_MESSAGES = ['NBIRTH', 'NDEATH', 'NDATA', 'NCMD'] as const;
const DEVICE_MESSAGES = ['DBIRTH', 'DDEATH', 'DDATA', 'DCMD'] as const;
type NodeMessage = (typeof NODE_MESSAGES)[number];
type DeviceMessage = (typeof DEVICE_MESSAGES)[number];

export interface EdgeNodeName {
  group: string;
  edgeNode: string;
}

export interface NodeTopic extends EdgeNodeName {
  type: NodeMessage;
  device?: undefined;
}

export interface DeviceTopic extends EdgeNodeName {
  type: DeviceMessage;
  device: string;
}

export interface StateTopic {
  type: 'STATE';
  host: string;
}

export type Topic = NodeTopic | DeviceTopic | StateTopic;

/** Undefined for what is no topic of Sparkplug B. */
export function parseTopic(text: string): Topic | undefined {
  const [namespace, first, second, edgeNode, device, ...more] = text.split('/');
  if (namespace !== NAMESPACE || more.length > 0 || !first || !second) return undefined;
  if (first === 'STATE' && edgeNode === undefined) return { type: 'STATE', host: second };
  if (!edgeNode) return undefined;
  if (device === undefined && isOneOf(NODE_MESSAGES, second)) return { type: second, group: first, edgeNode };
  if (device && isOneOf(DEVICE_MESSAGES, second)) return { type: second, group: first, edgeNode, device };
  return undefined;
}

export function nodeTopic(type: NodeMessage, { group, edgeNode }: EdgeNodeName): string {
  return `${NAMESPACE}/${group}/${type}/${edgeNode}`;
}

export function deviceTopic(type: DeviceMessage, { group, edgeNode }: EdgeNodeName, device: string): string {
  return `${NAMESPACE}/${group}/${type}/${edgeNode}/${device}`;
}

export function stateTopic(host: string): string {
  return `${NAMESPACE}/STATE/${host}`;
}

/** Ids are parts of topics. */
export function isId(id: string): boolean {
  return id !== '' && !/[+#/\0]/.test(id);
}

/** The edge node that a tag is of; undefined where it can be of none. */
export function edgeNodeOf(tag: string): EdgeNodeName | undefined {
  const [group, edgeNode, metric] = tag.split('/');
  return group && edgeNode && metric ? { group, edgeNode } : undefined;
}

/**
 * An id that was set.
 * @throws config PCP_SPARKPLUG_ID
 */
export function checkId(id: string, path: string): string {
  if (!isId(id)) {
    throw new IntegrationError('config', 'PCP_SPARKPLUG_ID', 'A Sparkplug id is empty or has one of + # /.', {
      path,
      value: id.slice(0, 100),
      hint: 'Choose an id of other characters.',
    });
  }
  return id;
}

function isOneOf<T extends string>(names: readonly T[], name: string): name is T {
  return (names as readonly string[]).includes(name);
}
