import { SaxesParser, type SaxesTagPlain } from 'saxes';
import { IntegrationError } from '../../model/errors';

interface Node {
  element: string;
  browseName: string;
  parent: string | undefined;
  description: string;
  isProperty: boolean;
}

const UA_URI = 'http://opcfoundation.org/UA/';
const OBJECTS = 'i=85';
const PROPERTY_TYPE = 'i=68';
/** References from a node to the one that it belongs to, when they are not forward. */
const UPWARD = new Set(['HasComponent', 'i=47', 'Organizes', 'i=35', 'HasOrderedComponent', 'i=49']);
const DEEPEST = 100;

/**
 * Variables of a NodeSet2 file (Part 6, annex F) that stand in an object, not in a type: by their path of browse names, with
 * addresses that name the namespace by its URI. Properties are left out.
 * @throws data PCP_OPCUA_TAG_LIST
 */
export function readNodeSet(xml: string): Map<string, { node_id: string; description?: string }> {
  const { nodes, uris } = parse(xml);
  const tags = new Map<string, { node_id: string; description?: string }>();
  for (const [id, node] of nodes) {
    if (node.element !== 'UAVariable' || node.isProperty) continue;
    const path = pathOf(node, nodes);
    if (path === null) continue;
    const name = tags.has(path) ? `${path} (${id})` : path;
    tags.set(name, { node_id: addressOf(id, uris), ...(node.description !== '' && { description: node.description }) });
  }
  return tags;
}

/** Null for what belongs to a type. */
function pathOf(node: Node, nodes: ReadonlyMap<string, Node>): string | null {
  const names: string[] = [];
  let current: Node | undefined = node;
  for (let depth = 0; current !== undefined && depth < DEEPEST; depth++) {
    if (/Type$/.test(current.element) || current.element === 'UAMethod') return null;
    names.unshift(current.browseName);
    const parent: string | undefined = current.parent;
    current = parent === undefined || parent === OBJECTS ? undefined : nodes.get(parent);
  }
  return names.join('.');
}

function addressOf(id: string, uris: readonly string[]): string {
  const match = /^ns=(\d+);([\s\S]+)$/.exec(id);
  if (match === null) return id;
  const [, index, identifier] = match;
  const uri = uris[Number(index) - 1];
  if (uri === undefined) return id;
  return uri === UA_URI ? `${identifier}` : `nsu=${uri.replaceAll('%', '%25').replaceAll(';', '%3B')};${identifier}`;
}

function parse(xml: string): { nodes: Map<string, Node>; uris: string[] } {
  const parser = new SaxesParser({ xmlns: false });
  const nodes = new Map<string, Node>();
  const aliases = new Map<string, string>();
  const uris: string[] = [];
  const open: string[] = [];
  let node: Node | undefined;
  let attributes: Record<string, string> = {};
  let text = '';
  const resolve = (id: string | undefined) => (id === undefined ? undefined : (aliases.get(id.trim()) ?? id.trim()));
  parser.on('error', (error) => {
    throw broken(error.message);
  });
  parser.on('doctype', () => {
    throw broken('it has a DOCTYPE');
  });
  parser.on('opentag', ({ name, attributes: given }: SaxesTagPlain) => {
    open.push(name);
    attributes = given;
    text = '';
    if (open.length === 1 && name !== 'UANodeSet') throw broken(`its root is ${name}, not UANodeSet`);
    if (open.length !== 2 || !name.startsWith('UA') || given.NodeId === undefined) return;
    node = {
      element: name,
      browseName: (given.BrowseName ?? given.NodeId).replace(/^\d+:/, ''),
      parent: resolve(given.ParentNodeId),
      description: '',
      isProperty: false,
    };
    nodes.set(given.NodeId, node);
  });
  parser.on('text', (part) => {
    text += part;
  });
  parser.on('closetag', ({ name }) => {
    const depth = open.length;
    open.pop();
    if (name === 'Uri' && open.at(-1) === 'NamespaceUris') uris.push(text.trim());
    if (name === 'Alias') aliases.set(attributes.Alias ?? '', text.trim());
    if (node === undefined) return;
    if (name === 'Description' && depth === 3) node.description ||= text.trim();
    if (name === 'Reference') refer(node, attributes, resolve(text));
    if (depth === 2) node = undefined;
  });
  parser.write(xml).close();
  return { nodes, uris };
}

function refer(
  node: Node,
  { ReferenceType: type = '', IsForward: direction }: Record<string, string>,
  target: string | undefined,
): void {
  if (type === 'HasTypeDefinition' || type === 'i=40') node.isProperty = target === PROPERTY_TYPE;
  else if (direction === 'false' && UPWARD.has(type)) node.parent ??= target;
}

function broken(why: string): IntegrationError {
  return new IntegrationError('data', 'PCP_OPCUA_TAG_LIST', `The NodeSet2 file cannot be read: ${why}.`, {
    hint: 'Export it again; it has to be complete, and XML without a DOCTYPE.',
  });
}
