import type { load as Load, YAMLException } from 'js-yaml';
import type { JsonSchema } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { parseExactJson } from '../../../model/exact-json';
import { phrase, type Said } from '../../../model/phrase';
import { loadPackage } from '../../../protocols/load-package';
import { pointerKeys, valueAt } from './pointer';

export type Node = Record<string, unknown>;

export interface Parameter {
  name: string;
  in: string;
  schema: Node;
  isRequired: boolean;
  description: string;
  /** A value that the document gives for it. */
  example: unknown;
}

const DEEPEST = 4;
const FORM = 'application/x-www-form-urlencoded';
/** Parts looked at, references followed: 40,000 for the 800 paths of GitHub's document. */
const MOST_RESOLUTIONS = 400_000;
/** Of YAML, where a name may stand for what was written before. */
const MOST_ALIASES = 10_000;

/**
 * Reads a description in JSON or YAML.
 * @param place where it comes from
 * @throws config PCP_REST_OPENAPI when it is neither, or no OpenAPI document
 */
export function readDocument(text: string, place: Said): ApiDocument {
  const document = /^\s*\{/.test(text) ? readJson(text, place) : readYaml(text, place);
  if (typeof valueAt(document, '/paths') === 'object') return new ApiDocument(document);
  throw unreadable(phrase`${place} is no OpenAPI document: it has no "paths".`);
}

function readJson(text: string, place: Said): unknown {
  try {
    return parseExactJson(text);
  } catch (cause) {
    throw unreadable(phrase`${place} is no JSON: ${(cause as Error).message}.`, cause);
  }
}

function readYaml(text: string, place: Said): unknown {
  const yaml = loadPackage<{ load: typeof Load; YAMLException: typeof YAMLException }>('js-yaml');
  try {
    return yaml.load(text, { maxAliases: MOST_ALIASES });
  } catch (cause) {
    if (!(cause instanceof yaml.YAMLException)) throw cause;
    const line = (cause.mark?.line ?? 0) + 1;
    throw unreadable(phrase`${place} is neither JSON nor YAML: ${cause.reason}, in line ${line}.`, cause);
  }
}

function unreadable(said: Said, cause?: unknown): IntegrationError {
  return new IntegrationError('config', 'PCP_REST_OPENAPI', said, {
    path: '/config/openapi',
    hint: 'Name the document itself, not a page that shows it; often it is /openapi.json, /openapi.yaml or /v3/api-docs.',
    cause,
  });
}

/** An OpenAPI 3 or Swagger 2 document, with the references in it followed. */
export class ApiDocument {
  readonly paths: Record<string, Node>;
  /** Other documents that it refers to, which nobody reads. */
  readonly others = new Set<string>();
  #resolutions = 0;

  constructor(readonly document: unknown) {
    const paths = Object.entries(nodesOf(valueAt(document, '/paths')));
    this.paths = Object.fromEntries(paths.map(([path, item]) => [path, this.#resolved(item)]));
  }

  operation(path: string, method: string): Node | null {
    const operation = this.paths[path]?.[method];
    return operation === undefined ? null : this.#resolved(operation);
  }

  parameters(path: string, operation: Node): Parameter[] {
    const listed = [this.paths[path]?.parameters, operation.parameters].flatMap((list) =>
      Array.isArray(list) ? list : [],
    );
    return listed.map((listedOne) => {
      const { name, in: place, schema: own, required, description, example, ...rest } = this.#resolved(listedOne);
      const schema = own === undefined ? rest : this.#resolved(own);
      return {
        name: String(name),
        in: String(place),
        schema,
        isRequired: required === true,
        description: String(description ?? schema.description ?? ''),
        example: example ?? schema.example ?? schema.default,
      };
    });
  }

  /** Schema of a successful answer in JSON. */
  answer(operation: Node): Node | null {
    const responses = nodesOf(operation.responses);
    const code = ['200', '201', '2XX', 'default'].find((candidate) => responses[candidate] !== undefined);
    return code === undefined ? null : this.#content(this.#resolved(responses[code]));
  }

  /** What a request sends, in JSON if it may. */
  body(path: string, operation: Node): { schema: Node | null; type?: string } {
    // Swagger 2 has it among the parameters.
    const parameters = this.parameters(path, operation);
    const parameter = parameters.find((each) => each.in === 'body');
    if (parameter !== undefined) return { schema: parameter.schema };
    if (parameters.some((each) => each.in === 'formData')) return { schema: null, type: FORM };
    const body = this.#resolved(operation.requestBody);
    const schema = this.#content(body);
    return schema === null && Object.hasOwn(nodesOf(body.content), FORM) ? { schema, type: FORM } : { schema };
  }

  hasLinkHeader(operation: Node): boolean {
    const headers = Object.values(nodesOf(operation.responses)).flatMap((response) =>
      Object.keys(nodesOf(this.#resolved(response).headers)),
    );
    return headers.some((name) => name.toLowerCase() === 'link');
  }

  properties(schema: Node, depth = 0): Record<string, Node> {
    const parts =
      Array.isArray(schema.allOf) && depth < DEEPEST ? schema.allOf.map((part) => this.#resolved(part)) : [];
    const own = Object.entries(nodesOf(schema.properties)).map(([name, property]) => [name, this.#resolved(property)]);
    return Object.assign({}, ...parts.map((part) => this.properties(part, depth + 1)), Object.fromEntries(own));
  }

  items(schema: Node): Node | null {
    return schema.items === undefined ? null : this.#resolved(schema.items);
  }

  /** Fields of a body that are JSON numbers. */
  numbers(schema: Node | null): string[] {
    const fields = Object.entries(schema === null ? {} : this.properties(schema));
    return fields
      .filter(([, { type }]) => [type].flat().some((each) => each === 'number' || each === 'integer'))
      .map(([name]) => name);
  }

  /** Pointer of the first of these names that an answer has, at the top or one level below. */
  find(answer: Node, names: readonly string[]): string | undefined {
    const top = this.properties(answer);
    const found = names.find((name) => top[name] !== undefined && this.items(top[name]) === null);
    if (found !== undefined && Object.keys(this.properties(top[found]!)).length === 0) return `/${escaped(found)}`;
    for (const [outer, schema] of Object.entries(top)) {
      const inner = this.properties(schema);
      const below = names.find(
        (name) => inner[name] !== undefined && Object.keys(this.properties(inner[name]!)).length === 0,
      );
      if (below !== undefined) return `/${escaped(outer)}/${escaped(below)}`;
    }
    return undefined;
  }

  /** Whether the text at a place of an answer, of two names at most, is said to be a link. */
  isLink(answer: Node, place: string): boolean {
    const names = pointerKeys(place);
    const schema = names.reduce<Node>((outer, name) => this.properties(outer)[name] ?? {}, answer);
    const said = [schema.format, schema.example, schema.description, names.length > 1 ? names[0] : ''];
    return said.some((text) => /ur[il]\b|link|^\/|:\/\//i.test(String(text ?? '')));
  }

  #content(node: Node): Node | null {
    if (node.schema !== undefined) return this.#resolved(node.schema);
    const content = nodesOf(node.content);
    const type = Object.keys(content).find((name) => /\bjson\b/i.test(name));
    const schema = type === undefined ? undefined : content[type]?.schema;
    return schema === undefined ? null : this.#resolved(schema);
  }

  /** @throws config PCP_REST_OPENAPI when it refers to itself over and over */
  #resolved(node: unknown, depth = 0): Node {
    if (typeof node !== 'object' || node === null) return {};
    if (++this.#resolutions > MOST_RESOLUTIONS) {
      throw unreadable(phrase`The OpenAPI document is too large, or too entangled, to be drafted from.`);
    }
    const { $ref: reference } = node as JsonSchema;
    const only = onlyChoice(node as Node);
    if (depth === DEEPEST) return node as Node;
    if (only !== undefined) return { ...(node as Node), ...this.#resolved(only, depth + 1) };
    if (typeof reference !== 'string') return node as Node;
    if (!reference.startsWith('#')) this.others.add(reference.split('#')[0]!);
    if (!reference.startsWith('#/')) return node as Node;
    return this.#resolved(valueAt(this.document, unescaped(reference.slice(1))), depth + 1);
  }
}

/** What may also be null is written as a choice between the two. */
function onlyChoice({ anyOf, oneOf }: Node): unknown {
  const choices = anyOf ?? oneOf;
  const others = Array.isArray(choices) ? choices.filter((choice) => choice?.type !== 'null') : [];
  return others.length === 1 ? others[0] : undefined;
}

function nodesOf(value: unknown): Record<string, Node> {
  return typeof value === 'object' && value !== null ? (value as Record<string, Node>) : {};
}

/** What a reference names, in the words of a pointer. */
function unescaped(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

export const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
