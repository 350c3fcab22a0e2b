import { SaxesParser, type SaxesTagPlain } from 'saxes';
import { phrase } from '../../model/phrase';
import {
  brokenFile,
  isReservedName,
  type ParsedRecord,
  type ParserContext,
  type RecordParser,
  type RecordSink,
  recordTooLarge,
} from './parser';

export interface XmlOptions {
  /**
   * Name of the record's element ("Order"), or its path from the root ("Orders/Order"). Empty: each child of the root;
   * "/": the root itself.
   */
  recordElement: string;
  /** "ns:Order" is read as "Order". */
  stripPrefix: boolean;
}

const MAX_XML_DEPTH = 100;

/** An element inside a record, while it is open. */
interface OpenElement {
  name: string;
  /** Attributes and children; stays undefined for an element of text only. */
  content: Record<string, unknown> | undefined;
  text: string;
  isNil: boolean;
}

/**
 * Each element of one name, or at one path, becomes a record: attributes as "@name", a child element as its text or, when
 * it has attributes or children, as an object; repeated children as an array; text beside children as "#text".
 * `xsi:nil="true"` is null. Numbers stay text. A DOCTYPE is refused, so that no entity can expand.
 */
export class XmlParser implements RecordParser {
  readonly #context: ParserContext;
  readonly #sink: RecordSink;
  readonly #options: XmlOptions;
  readonly #path: string[];
  readonly #saxes = new SaxesParser({ xmlns: false, position: true });
  readonly #ancestors: string[] = [];
  readonly #open: OpenElement[] = [];
  #recordLine = 0;
  #hasRecords = false;
  /** The element around the records is there, and holds others. */
  #hasList = false;
  #hasOthers = false;
  /** Where the record (or, outside of one, the last tag) began, in characters. */
  #startedAt = 0;
  #written = 0;

  constructor(options: XmlOptions, context: ParserContext, sink: RecordSink) {
    this.#options = options;
    this.#context = context;
    this.#sink = sink;
    this.#path = options.recordElement.split('/').filter((part) => part !== '');
    this.#saxes.on('error', (error) => {
      const why = error.message.replace(/^(\d+|undefined):(\d+|undefined): /, '').slice(0, 200);
      const what = phrase`not well-formed XML: ${why}`;
      throw brokenFile('PCP_XML_INVALID', this.#where(), what, 'The file is truncated or damaged at this place.');
    });
    this.#saxes.on('doctype', () => {
      const hint = 'Have the sender leave the DOCTYPE out; entity definitions are a known attack.';
      throw brokenFile('PCP_XML_DOCTYPE', this.#where(), phrase`a DOCTYPE is not accepted`, hint);
    });
    this.#saxes.on('opentag', (tag) => this.#opened(tag));
    this.#saxes.on('closetag', () => this.#closed());
    this.#saxes.on('text', (text) => this.#text(text));
    this.#saxes.on('cdata', (text) => this.#text(text));
  }

  write(text: string): void {
    this.#saxes.write(text);
    // Between two pieces the parser's own position is not defined.
    this.#written += text.length;
    this.#limit(this.#written);
  }

  end(): void {
    this.#saxes.close();
    if (this.#hasRecords || (this.#hasList && !this.#hasOthers)) return;
    const what = phrase`no element "${this.#path.join('/')}" is in the document`;
    const hint = 'Correct record_element; only a list without any element counts as one of no records.';
    throw brokenFile('PCP_XML_PATH', this.#context.fileName, what, hint);
  }

  #opened(tag: SaxesTagPlain): void {
    const name = this.#name(tag.name);
    this.#ancestors.push(name);
    if (this.#ancestors.length > MAX_XML_DEPTH) {
      const what = phrase`nested deeper than ${MAX_XML_DEPTH} elements`;
      throw brokenFile('PCP_XML_DEPTH', this.#where(), what, 'Flatten the document.');
    }
    if (this.#open.length === 0) {
      this.#startedAt = this.#saxes.position;
      if (!this.#isRecord()) {
        this.#lookForList();
        return;
      }
      this.#hasRecords = true;
      this.#recordLine = this.#saxes.line;
    }
    const element: OpenElement = { name, content: undefined, text: '', isNil: false };
    for (const [attribute, value] of Object.entries(tag.attributes)) {
      if (attribute === 'xmlns' || attribute.startsWith('xmlns:')) continue;
      const plain = this.#name(attribute);
      if (attribute !== plain && plain === 'nil') element.isNil = value === 'true' || value === '1';
      else this.#add(element, `@${plain}`, value);
    }
    this.#open.push(element);
  }

  #closed(): void {
    this.#ancestors.pop();
    const element = this.#open.pop();
    if (element === undefined) return;
    const parent = this.#open.at(-1);
    if (parent !== undefined) {
      this.#add(parent, element.name, elementValue(element));
      return;
    }
    this.#limit(this.#saxes.position);
    const value = elementValue(element);
    const record = typeof value === 'object' && value !== null ? value : { '#text': value };
    this.#startedAt = this.#saxes.position;
    this.#sink(record as ParsedRecord, this.#recordLine);
  }

  #text(text: string): void {
    const element = this.#open.at(-1);
    if (element !== undefined) element.text += text;
  }

  #add(element: OpenElement, name: string, value: unknown): void {
    if (isReservedName(name)) {
      throw brokenFile('PCP_XML_NAME', this.#where(), phrase`the name "${name}" is reserved`, 'Rename the element.');
    }
    element.content ??= {};
    const content = element.content;
    if (!Object.hasOwn(content, name)) content[name] = value;
    else if (Array.isArray(content[name])) content[name].push(value);
    else content[name] = [content[name], value];
  }

  #isRecord(): boolean {
    if (this.#path.length === 0) return this.#ancestors.length === (this.#options.recordElement === '/' ? 1 : 2);
    if (this.#path.length === 1) return this.#ancestors.at(-1) === this.#path[0];
    return (
      this.#ancestors.length === this.#path.length && this.#path.every((part, index) => part === this.#ancestors[index])
    );
  }

  /** Of records that are named without a path, the document itself is the list. */
  #lookForList(): void {
    const list = Math.max(1, this.#path.length - 1);
    const isBelow = this.#path.length < 2 || this.#path.slice(0, -1).every((part, at) => part === this.#ancestors[at]);
    if (!isBelow) return;
    if (this.#ancestors.length === list) this.#hasList = true;
    else if (this.#ancestors.length > list) this.#hasOthers = true;
  }

  #name(qualified: string): string {
    return this.#options.stripPrefix ? qualified.slice(qualified.indexOf(':') + 1) : qualified;
  }

  #limit(position: number): void {
    const limit = this.#context.maxRecordLength;
    if (position - this.#startedAt > limit) throw recordTooLarge(this.#where(), limit);
  }

  #where(): string {
    return `${this.#context.fileName}:${this.#saxes.line}`;
  }
}

function elementValue(element: OpenElement): unknown {
  if (element.isNil) return null;
  if (element.content === undefined) return element.text;
  if (element.text.trim() !== '') element.content['#text'] = element.text.trim();
  return element.content;
}
