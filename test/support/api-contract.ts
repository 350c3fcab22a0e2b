import assert from 'node:assert/strict';
import { getHttpOperationsFromSpec } from '@stoplight/prism-http';
import { validateOutput } from '@stoplight/prism-http/dist/validator';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020';
import { buildDocument } from '../../lib/api/openapi';
import { routes } from '../../lib/api/routes';
import { components } from '../../lib/api/schemas';
import { formats } from '../../lib/model/formats';

type PrismOperation = Awaited<ReturnType<typeof getHttpOperationsFromSpec>>[number];

/** An answer of the API, as it came over the line. */
export interface ApiAnswer {
  status: number;
  /** By names in small letters. */
  headers: Record<string, string>;
  text: string;
}

interface Media {
  schema: object;
}

interface DocumentedResponse {
  headers?: Record<string, unknown>;
  content?: Record<string, Media>;
}

export interface Operation {
  operationId: string;
  'x-permission': string;
  'x-acts'?: boolean;
  responses: Record<string, DocumentedResponse | { $ref: string }>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { responses: Record<string, DocumentedResponse> };
}

const HTTP_METHODS = ['get', 'post', 'put', 'delete'];

/** Judges answers of the API by its OpenAPI document alone: status, headers, type and body; and has Prism judge them too. */
export class ApiContract {
  private readonly ajv = new Ajv2020({ strict: false, discriminator: true, formats });
  private readonly compiled = new Map<object, ValidateFunction>();

  private constructor(
    readonly document: Document,
    private readonly prism: ReadonlyMap<string, PrismOperation>,
  ) {
    this.ajv.addSchema({ $id: 'document', ...document });
  }

  static async load(): Promise<ApiContract> {
    const document = buildDocument(routes, components, '/integrations');
    // Prism writes into what it is given.
    const operations = await getHttpOperationsFromSpec(structuredClone(document));
    const byName = operations.map((one) => [`${one.method} ${one.path}`, one] as const);
    return new ApiContract(document as unknown as Document, new Map(byName));
  }

  /**
   * @param path below the API, with or without a query
   * @throws AssertionError for an answer that the document does not promise
   */
  check(method: string, path: string, answer: ApiAnswer): void {
    const { status, headers, text } = answer;
    const type = headers['content-type'];
    const place = `${method} ${path}: ${status} ${type} ${text}`;
    const isProblem = type === 'application/problem+json';
    const found = this.operationOf(method, path);
    if (found === undefined) {
      // Nothing is there, or not by this method; and whoever may not ask is told nothing of either.
      assert.ok(isProblem ? [401, 403, 404, 405].includes(status) : status === 204, place);
      return;
    }
    const documented = this.responseOf(found.operation, status);
    assert.ok(documented, `The document has no such answer. ${place}`);
    const missing = Object.keys(documented.headers ?? {}).filter((name) => headers[name.toLowerCase()] === undefined);
    assert.deepEqual(missing, [], place);
    if (method === 'HEAD') return;
    const media = documented.content?.[type?.split(';')[0] ?? ''];
    assert.equal(media === undefined, documented.content === undefined, `The document has no such type. ${place}`);
    const body: unknown = type?.endsWith('json') ? JSON.parse(text) : text;
    if (media === undefined) assert.equal(text, '', place);
    else this.checkBody(media.schema, body, place);
    if (isProblem) assert.equal((body as { status: number }).status, status);
    assert.deepEqual(this.askPrism(`${found.method} ${found.path}`, status, headers, body), [], place);
  }

  /** What Prism finds wrong with an answer of an operation ("get /health"). */
  askPrism(operation: string, statusCode: number, headers: Record<string, string>, body: unknown): string[] {
    const resource = this.prism.get(operation);
    assert.ok(resource, `Prism does not know ${operation}.`);
    const judged = validateOutput({ resource, element: { statusCode, headers, body } });
    return judged._tag === 'Right' ? [] : judged.left.map(({ message }) => message);
  }

  /** The operation that a request is for; HEAD is a GET. */
  operationOf(method: string, path: string): { path: string; method: string; operation: Operation } | undefined {
    const parts = (path.split('?')[0] ?? '').split('/');
    const isNamed = (part: string) => part.startsWith('{');
    const candidates = Object.keys(this.document.paths)
      .filter((template) => {
        const names = template.split('/');
        return names.length === parts.length && names.every((name, index) => isNamed(name) || name === parts[index]);
      })
      .sort((a, b) => a.split('/').filter(isNamed).length - b.split('/').filter(isNamed).length);
    const wanted = method === 'HEAD' ? 'get' : method.toLowerCase();
    const [template] = candidates;
    const operation = template === undefined ? undefined : this.document.paths[template]?.[wanted];
    if (template === undefined || operation === undefined || !HTTP_METHODS.includes(wanted)) return undefined;
    return { path: template, method: wanted, operation };
  }

  private responseOf({ responses }: Operation, status: number): DocumentedResponse | undefined {
    const response = responses[status];
    if (response === undefined || !('$ref' in response)) return response;
    return this.document.components.responses[response.$ref.split('/').at(-1) ?? ''];
  }

  private checkBody(schema: object, body: unknown, place: string): void {
    const absolute = JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/');
    const validate = this.compiled.get(schema) ?? this.ajv.compile(JSON.parse(absolute));
    this.compiled.set(schema, validate);
    assert.ok(validate(body), `${this.ajv.errorsText(validate.errors)}: ${place}`);
  }
}

let loading: Promise<ApiContract> | undefined;

/** One for all tests of a process. */
export function apiContract(): Promise<ApiContract> {
  loading ??= ApiContract.load();
  return loading;
}
