import { SaxesParser } from 'saxes';
import { IntegrationError } from '../../model/errors';
import type { IdocType, Segment } from './types';

export interface Idoc {
  /** Fields of the control record, EDI_DC40. */
  control: Record<string, string>;
  /** Segments by name: lists where the type lets them come several times, or is not known. */
  data: Record<string, unknown>;
}

interface Element {
  name: string;
  text: string;
  children: Element[];
  /** Says of itself that it is a segment. */
  isMarked: boolean;
}

const DEEPEST = 50;
const CONTROL = /^EDI_DC\d*$/;

/** The IDocs of an XML document: `<MATMAS05><IDOC>...</IDOC></MATMAS05>`. @throws data PCP_IDOC_INVALID */
export function parseIdocs(xml: string, types: readonly IdocType[]): Idoc[] {
  const root = elementsOf(xml);
  const idocs = root.children.filter(({ name }) => name === 'IDOC');
  if (idocs.length === 0) throw invalid(`<${root.name}> holds no <IDOC>`);
  return idocs.map(({ children }) => {
    const control = children.find(({ name }) => CONTROL.test(name));
    if (control === undefined) throw invalid('an IDoc has no control record');
    const fields = valuesOf(control);
    const type = types.find(({ type: name }) => name === (fields.IDOCTYP ?? root.name));
    const segments = children.filter((child) => child !== control);
    return { control: fields, data: structureOf(segments, type?.segments) };
  });
}

function structureOf(elements: readonly Element[], known: readonly Segment[] | undefined): Record<string, unknown> {
  const data: Record<string, unknown> = {};
  for (const element of elements) {
    const { name, children } = element;
    const segment = known?.find((each) => each.name === name);
    const inner = children.filter(isSegment);
    const value = {
      ...valuesOf({ ...element, children: children.filter((child) => !inner.includes(child)) }),
      ...structureOf(inner, segment?.segments),
    };
    const before = data[name];
    if (Array.isArray(before)) before.push(value);
    else if (before !== undefined) throw invalid(`<${name}> comes more than once, which its type does not say`);
    else data[name] = segment === undefined || segment.many === true ? [value] : value;
  }
  return data;
}

/** SAP marks segments; where something on the way took the marks away, an empty one is told by its name. */
function isSegment({ name, text, children, isMarked }: Element): boolean {
  return isMarked || children.length > 0 || (text.trim() === '' && /^[EZ]1/.test(name));
}

/** SAP fills fields up with blanks. */
function valuesOf({ children }: Element): Record<string, string> {
  return Object.fromEntries(children.map(({ name, text }) => [name, text.trimEnd()]));
}

function elementsOf(xml: string): Element {
  const top: Element = { name: '', text: '', children: [], isMarked: false };
  const open = [top];
  const parser = new SaxesParser({ xmlns: false, position: false });
  parser.on('error', (error) => {
    throw invalid(`it is not well-formed XML (${error.message.slice(0, 200)})`);
  });
  parser.on('doctype', () => {
    throw invalid('it has a DOCTYPE, which is not accepted');
  });
  parser.on('opentag', ({ name, attributes }) => {
    if (open.length > DEEPEST) throw invalid(`it is nested deeper than ${DEEPEST} elements`);
    if (name === '__proto__') throw invalid('it holds a name that is not allowed');
    const element = { name, text: '', children: [], isMarked: 'SEGMENT' in attributes };
    open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on('text', (text) => {
    open.at(-1)!.text += text;
  });
  parser.on('closetag', () => {
    open.pop();
  });
  parser.write(xml.replace(/^[\ufeff\s]+/, '')).close();
  const [root] = top.children;
  if (root === undefined) throw invalid('it is empty');
  return root;
}

function invalid(why: string): IntegrationError {
  return new IntegrationError('data', 'PCP_IDOC_INVALID', `It is no IDoc: ${why}.`, {
    hint: 'Let SAP send IDocs as XML over HTTP (port of type "XML HTTP").',
  });
}
