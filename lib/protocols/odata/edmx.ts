import { SaxesParser } from 'saxes';
import { IntegrationError } from '../../model/errors';

/** An element of a $metadata document; attributes by their local name. */
export interface Element {
  name: string;
  attributes: Readonly<Record<string, string>>;
  children: Element[];
}

const DEEPEST = 50;
/** What is most of a large document, and nothing that is read here. */
const SKIPPED = new Set(['Annotations', 'Annotation', 'Documentation', 'ReferentialConstraint', 'AssociationSet']);

/**
 * Reads the elements of a $metadata document.
 * @throws config PCP_ODATA_METADATA when it is no such document, or is cut off
 */
export function readEdmx(text: string, place: string): Element {
  const root: Element = { name: '', attributes: {}, children: [] };
  const open: Element[] = [root];
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
    if (skipping > 0 || SKIPPED.has(local)) {
      skipping++;
      return;
    }
    if (open.length > DEEPEST) throw notMetadata(place, `it is nested deeper than ${DEEPEST} elements`);
    const element: Element = { name: local, attributes: localAttributes(attributes), children: [] };
    open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => {
    if (skipping > 0) skipping--;
    else open.pop();
  });
  // Some services, and proxies on the way, begin with empty lines.
  parser.write(text.replace(/^[\ufeff\s]+/, '')).close();
  const [edmx] = root.children;
  if (edmx?.name === 'Edmx') return edmx;
  throw notMetadata(place, `its root is <${edmx?.name ?? ''}> instead of <Edmx>`);
}

export function childrenOf(element: Element | undefined, name: string): Element[] {
  return element?.children.filter((child) => child.name === name) ?? [];
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

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

export function notMetadata(place: string, why: string): IntegrationError {
  return new IntegrationError('config', 'PCP_ODATA_METADATA', `${place} is no OData $metadata document: ${why}.`, {
    hint: 'Check the path of the service; a sign-in page of a proxy on the way can come in its place, too.',
  });
}
