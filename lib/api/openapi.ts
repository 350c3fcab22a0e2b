import type { JsonSchema } from '../model/entity';
import { MAX_BODY_BYTES } from './body';
import type { Parameter, Permission, ResponseSpec, Route } from './route';

/** Version of the API itself, not of the package. */
const API_VERSION = '1.0.0';

const TAGS: Record<string, string> = {
  connections: 'Configured connectors: settings, secrets, tests, discovery.',
  mappings: 'How external entities correspond to entities of the platform.',
  sync: 'Runs, their progress and their logs.',
  reconciliations: 'Whether both sides of a mapping hold the same, and what brings them together.',
  'dead letters': 'Records that could not be applied, to be corrected and replayed.',
  connectors: 'Kinds of systems that can be connected.',
  entities: "Types of the platform's entities.",
  records: "Records of the platform's entities.",
  webhooks: 'Other systems that are told what happens, and what became of it.',
  alerts: 'What is wrong, and when somebody is told.',
  metrics: 'How well it goes, in figures.',
  audit: 'Who did what, over this API and to which machine.',
  service: 'The hub itself.',
};

const PERMISSIONS: Record<Permission, string> = {
  'integrations.read': 'Reads everything but secrets.',
  'integrations.write': 'Changes connections, mappings, types, records, webhooks and alert rules.',
  'integrations.sync':
    'Starts and cancels runs and comparisons, repairs what they find, replays and discards dead letters, triggers and redelivers webhooks, acknowledges alerts.',
  'integrations.test': 'Tests connections and previews mappings.',
  'integrations.audit': 'Reads who did what.',
};

const PROBLEMS: Record<number, [name: string, description: string]> = {
  400: ['BadRequest', 'The address, a query parameter or the syntax of the body is wrong.'],
  401: ['Unauthenticated', 'No valid token was sent.'],
  403: ['Forbidden', 'The permission is missing, or the request comes from another site or machine.'],
  404: ['NotFound', 'There is nothing at this address.'],
  409: ['Conflict', 'The state of things does not allow it.'],
  412: ['Stale', 'It was changed since the state that If-Match names.'],
  413: ['TooLarge', `The body has more than ${MAX_BODY_BYTES} bytes.`],
  415: ['NotJson', 'The body is not `application/json` in UTF-8.'],
  422: ['Invalid', 'A value breaks a rule; `errors` says which.'],
  429: ['TooMany', 'Too many requests of this kind at once.'],
  500: ['Fault', 'A fault of the hub; its log has the cause under `instance`.'],
  502: ['OtherSide', 'The system behind the connection refused or failed.'],
  503: ['Unavailable', 'The store cannot be used at present.'],
  504: ['Timeout', 'The system behind the connection took too long.'],
};

const PROBLEM = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };

/** Problems that every operation can answer with. */
const ALWAYS = [400, 401, 403, 500, 503];

const HEADERS = {
  ETag: { description: 'State of what was answered, for If-Match.', schema: { type: 'string' } },
  Location: { description: 'Where the new thing is.', schema: { type: 'string', format: 'uri-reference' } },
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 0 } },
};

/** What a webhook sends, unless its template says otherwise. */
const toldEvent = {
  operationId: 'event',
  tags: ['webhooks'],
  summary: 'Tells of an event',
  description: 'Signed as the webhook says; `webhook-id` is the same in every attempt.',
  security: [],
  requestBody: {
    required: true,
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Event' } } },
  },
  responses: { '2XX': { description: 'It was taken. Any other answer, and none, has it sent again.' } },
};

/** The OpenAPI 3.1 document, from the routes and schemas that serve and validate requests. */
export function buildDocument(
  routes: readonly Route[],
  components: Record<string, JsonSchema>,
  base: string,
): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    paths[route.path] ??= {};
    (paths[route.path] as Record<string, unknown>)[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'PCP integrations',
      version: API_VERSION,
      description:
        'Connections, mappings and synchronisations between plant systems and the PCP platform. Without adminAuth ' +
        'the API serves its own machine only. Lists answer `{items, next_cursor, total}`, failures are problems ' +
        '(RFC 9457) with a stable `code`; their titles and hints are in English, or in Portuguese with ' +
        '`Accept-Language: pt-BR`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: base, description: 'This Node-RED.' }],
    security: [{ token: [] }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    webhooks: { event: { post: toldEvent } },
    components: {
      schemas: components,
      headers: HEADERS,
      responses: {
        Unchanged: response({ description: 'It is as If-None-Match says.', headers: ['ETag'] }),
        ...Object.fromEntries(
          Object.entries(PROBLEMS).map(([status, [name, text]]) => [name, problem(Number(status), text)]),
        ),
      },
      parameters: {
        IfMatch: {
          name: 'If-Match',
          in: 'header',
          description: 'ETag of the state that was seen: the change is refused when it is another by now.',
          schema: { type: 'string' },
        },
        IfNoneMatch: {
          name: 'If-None-Match',
          in: 'header',
          description: 'ETag of the state that is known: the answer is short when it is still the same.',
          schema: { type: 'string' },
        },
        IdempotencyKey: {
          name: 'Idempotency-Key',
          in: 'header',
          description: 'Chosen by the client: a repeat with the same key gets the first answer again, for 24 hours.',
          schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
        },
      },
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: `Token of Node-RED's adminAuth (POST /auth/token, or adminAuth.tokens). ${permissionList()}`,
        },
      },
    },
  };
}

function permissionList(): string {
  return Object.entries(PERMISSIONS)
    .map(([name, text]) => `\`${name}\`: ${text}`)
    .join(' ');
}

function operationOf(route: Route): Record<string, unknown> {
  const needs = `Needs \`${route.permission}\`.`;
  const open = route.openQuery === undefined ? '' : ` Further query parameters: ${route.openQuery}`;
  return {
    operationId: route.operation,
    tags: [route.tag],
    summary: route.summary,
    description: `${route.description === undefined ? '' : `${route.description} `}${needs}${open}`,
    'x-permission': route.permission,
    // It has no HEAD: that would make the hub act as well.
    ...(route.acts && { 'x-acts': true }),
    parameters: parametersOf(route),
    ...(route.body !== undefined && { requestBody: requestBody(route.body) }),
    responses: responsesOf(route),
  };
}

function parametersOf(route: Route): unknown[] {
  const list = (where: 'path' | 'query', parameters: Record<string, Parameter> = {}) =>
    Object.entries(parameters).map(([name, { description, schema, example }]) => ({
      name,
      in: where,
      description,
      required: where === 'path',
      schema,
      ...(example !== undefined && { example }),
    }));
  return [
    ...list('path', route.params),
    ...list('query', route.query),
    ...(route.openQuery === undefined
      ? []
      : [
          {
            name: 'fields',
            in: 'query',
            description: route.openQuery,
            schema: { type: 'object', additionalProperties: { type: 'string' } },
            style: 'form',
            explode: true,
          },
        ]),
    ...(isTagged(route) ? [{ $ref: '#/components/parameters/IfNoneMatch' }] : []),
    ...(route.conditional ? [{ $ref: '#/components/parameters/IfMatch' }] : []),
    ...(route.idempotent ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
  ];
}

function requestBody({ schema, required, example }: NonNullable<Route['body']>): Record<string, unknown> {
  return { required, content: { 'application/json': { schema, ...(example !== undefined && { example }) } } };
}

function responsesOf(route: Route): Record<string, unknown> {
  const own = Object.entries(route.responses).map(([status, spec]) => {
    const documented = response(spec);
    // A failure that has an answer of its own may be another one as well.
    if (Number(status) >= 400) Object.assign(documented.content as object, PROBLEM);
    return [status, documented];
  });
  const problems = [...new Set([...ALWAYS, ...problemsOf(route), ...route.problems])]
    .filter((status) => route.responses[status] === undefined)
    .map((status) => [String(status), { $ref: `#/components/responses/${PROBLEMS[status]?.[0]}` }]);
  return Object.fromEntries([
    ...own,
    ...(isTagged(route) ? [['304', { $ref: '#/components/responses/Unchanged' }]] : []),
    ...problems,
  ]);
}

/** Problems that follow from what an operation takes and does. */
function problemsOf(route: Route): number[] {
  return [
    // A parameter that cannot be an id names nothing.
    ...(route.params === undefined ? [] : [404]),
    ...(route.method === 'POST' || route.method === 'PUT' ? [413, 415, 422] : []),
    ...(route.idempotent ? [409] : []),
    ...(route.conditional ? [412] : []),
    ...(route.external === undefined ? [] : [429, 504]),
  ];
}

/** Can be asked for only if it has changed. */
function isTagged({ method, responses }: Route): boolean {
  return method === 'GET' && responses[200]?.headers?.includes('ETag') === true;
}

function response({ description, schema, type, headers = [], example }: ResponseSpec): Record<string, unknown> {
  return {
    description,
    ...(headers.length > 0 && {
      headers: Object.fromEntries(headers.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    }),
    ...(schema !== undefined && {
      content: { [type ?? 'application/json']: { schema, ...(example !== undefined && { example }) } },
    }),
  };
}

function problem(status: number, description: string): Record<string, unknown> {
  const waits = status === 429 || status === 503;
  return {
    description,
    ...(waits && { headers: { 'Retry-After': { $ref: '#/components/headers/Retry-After' } } }),
    content: PROBLEM,
  };
}
