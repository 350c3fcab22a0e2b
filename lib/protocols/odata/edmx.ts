import { SaxesParser } from 'saxes';
import { IntegrationError } from '../../model/errors';

/** An element of a $metadata document; attributes by their local name. */
export interface Element {
  name: string;
  attributes: Record<string, string>;
  children: Element[];
  /** What stands in it, of an element inside of an annotation. */
  text: string;
}

/** A document with its aliases resolved: they hold inside of it only. */
export interface Edmx {
  root: Element;
  /** Of OASIS, as every document of version 4. */
  isOasis: boolean;
}

const DEEPEST = 50;
/** What is most of a large document, and nothing that is read here. */
const SKIPPED = new Set(['Documentation', 'ReferentialConstraint', 'AssociationSet']);
/** Annotations that say how a service may be used; all others describe how it is shown. */
const TERMS =
  /\.(InsertRestrictions|UpdateRestrictions|DeleteRestrictions|ReadRestrictions|FilterRestrictions|SortRestrictions|CountRestrictions|TopSupported|SkipSupported|Computed|Immutable)$/;
const OASIS = 'http://docs.oasis-open.org/odata/ns/';
/** Attributes and elements that name a type or what else a namespace holds. */
const NAMING = [
  ...['Type', 'BaseType', 'EntityType', 'ReturnType', 'ElementType', 'UnderlyingType', 'Relationship'],
  ...['Function', 'Action', 'Extends', 'Target', 'Term'],
];

/**
 * Reads the elements of a $metadata document.
 * @throws config PCP_ODATA_METADATA when it is no such document, or is cut off
 */
export function readEdmx(text: string, place: string): Edmx {
  const top: Element = newElement('', {});
  const open: Element[] = [top];
  const inOasis: Record<'Edmx' | 'Schema', boolean[]> = { Edmx: [], Schema: [] };
  let skipping = 0;
  const parser = new SaxesParser({ xmlns: false, position: false });
  parser.on('error', (error) => {
    throw notMetadata(place, `it is not well-formed XML (${error.message.slice(0, 200)})`);
  });
  parser.on('doctype', () => {
    throw notMetadata(place, 'it has a DOCTYPE, which is not accepted');
  });
  parser.on('opentag', ({ name, attributes }) => {
    const local = localName(name);
    const own = localAttributes(attributes);
    if (skipping > 0 || SKIPPED.has(local) || (local === 'Annotation' && !TERMS.test(own.Term ?? ''))) {
      skipping++;
      return;
    }
    if (open.length > DEEPEST) throw notMetadata(place, `it is nested deeper than ${DEEPEST} elements`);
    if (local === 'Edmx' || local === 'Schema') inOasis[local].push(namespaceOf(name, attributes).startsWith(OASIS));
    const element = newElement(local, own);
    open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on('text', (content) => {
    if (skipping === 0) open.at(-1)!.text += content.trim();
  });
  parser.on('closetag', () => {
    if (skipping > 0) skipping--;
    else open.pop();
  });
  // Some services, and proxies on the way, begin with empty lines.
  parser.write(text.replace(/^[\ufeff\s]+/, '')).close();
  const [root] = top.children;
  if (root?.name !== 'Edmx') throw notMetadata(place, `its root is <${root?.name ?? ''}> instead of <Edmx>`);
  // A document of version 2 may hold a schema of version 4, with annotations.
  return { root: withoutAliases(root), isOasis: inOasis.Edmx[0] === true || inOasis.Schema.every((is) => is) };
}

/** The same document, each name with its namespace. */
export function withoutAliases(root: Element): Element {
  const { aliases, namespaces } = namesIn(root);
  resolveNames(root, (reference) => withoutAlias(reference, aliases));
  for (const schema of schemasOf(root)) {
    const { Namespace: namespace = '' } = schema.attributes;
    const own = new Set(schema.children.map(({ attributes }) => attributes.Name));
    resolveNames(schema, (reference) => ofSchema(reference, namespace, own, namespaces));
  }
  return root;
}

export function childrenOf(element: Element | undefined, name: string): Element[] {
  return element?.children.filter((child) => child.name === name) ?? [];
}

function newElement(name: string, attributes: Record<string, string>): Element {
  return { name, attributes, children: [], text: '' };
}

/** Namespace by alias, and all namespaces: of the document's own schemas, and of those that it includes. */
function namesIn(root: Element): { aliases: Map<string, string>; namespaces: Set<string> } {
  const declaring = [
    ...childrenOf(root, 'Reference').flatMap((reference) => childrenOf(reference, 'Include')),
    ...schemasOf(root).flatMap((schema) => [schema, ...childrenOf(schema, 'Using')]),
  ];
  const aliases = new Map<string, string>();
  const namespaces = new Set(['Edm']);
  for (const { attributes } of declaring) {
    const { Alias: alias, Namespace: namespace } = attributes;
    if (namespace === undefined) continue;
    namespaces.add(namespace);
    if (alias !== undefined) aliases.set(alias, namespace);
  }
  return { aliases, namespaces };
}

function schemasOf(root: Element): Element[] {
  return childrenOf(root, 'DataServices').flatMap((services) => childrenOf(services, 'Schema'));
}

function resolveNames({ attributes, children }: Element, resolve: (reference: string) => string): void {
  for (const name of NAMING) {
    if (attributes[name] !== undefined) attributes[name] = resolve(attributes[name]);
  }
  for (const child of children) resolveNames(child, resolve);
}

/** "Self.Order", "Collection(Self.Order)", "Self.Container/Orders": an alias has no dot, nor has the name after it. */
function withoutAlias(reference: string, aliases: ReadonlyMap<string, string>): string {
  return reference.replace(
    /^(\s*(?:Collection\()?\s*)([^./()]+)(?=\.[^./()]+\s*(?:$|[/()]))/,
    (_, before: string, alias: string) => before + (aliases.get(alias) ?? alias),
  );
}

/**
 * "Order", and "Self.Order" where nothing says what "Self" is: of the schema that they stand in, if it has that name.
 * @param own names that the schema declares
 */
function ofSchema(
  reference: string,
  namespace: string,
  own: ReadonlySet<string | undefined>,
  namespaces: ReadonlySet<string>,
): string {
  return reference.replace(
    /^(\s*(?:Collection\()?\s*)(?:([^./()]+)\.)?([^./()]+?)(?=\s*(?:$|[/()]))/,
    (whole, before: string, prefix: string | undefined, local: string) =>
      own.has(local) && (prefix === undefined || !namespaces.has(prefix)) ? `${before}${namespace}.${local}` : whole,
  );
}

function localAttributes(attributes: Record<string, string>): Record<string, string> {
  const result: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'xmlns' || name.startsWith('xmlns:')) continue;
    // A foreign attribute does not stand in for one of the document's own.
    const local = localName(name);
    if (local === name || !(local in attributes)) result[local] = value;
  }
  return result;
}

/** As the element itself declares it. */
function namespaceOf(name: string, attributes: Record<string, string>): string {
  const prefix = name.includes(':') ? `xmlns:${name.slice(0, name.indexOf(':'))}` : 'xmlns';
  return attributes[prefix] ?? '';
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

export function notMetadata(place: string, why: string): IntegrationError {
  return new IntegrationError('config', 'PCP_ODATA_METADATA', `${place} is no OData $metadata document: ${why}.`, {
    hint: 'Check the path of the service; a sign-in page of a proxy on the way can come in its place, too.',
  });
}
