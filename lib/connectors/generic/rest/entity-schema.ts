import type { JsonSchema } from '../../../model/entity';

const text = (description: string, extra: JsonSchema = {}): JsonSchema => ({ type: 'string', description, ...extra });
const flag = (description: string): JsonSchema => ({ type: 'boolean', description });
const object = (description: string, properties: Record<string, JsonSchema>, required: string[] = []): JsonSchema => ({
  type: 'object',
  description,
  additionalProperties: false,
  properties,
  ...(required.length > 0 && { required }),
});
const pointer = (description: string) => text(description, { pattern: '^(/.*)?$' });
const names = (description: string): JsonSchema => ({
  type: 'array',
  description,
  items: { type: 'string', minLength: 1 },
});

const path = text('Path below the base URL. "{name}" is a field of the record, "{id}" what the API calls the record.', {
  pattern: '^/',
  maxLength: 2000,
});
const CONTENT_TYPE =
  'Says how the body is written: JSON, NDJSON, XML, CSV or a form; any other with a text as "body". Default application/json.';
const source = 'A JSON pointer into the answer ("/meta/total"), or the name of a header.';
const values: JsonSchema = { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } };

/** Where the next cursor stands cannot be guessed. */
const whenCursor = (paging: JsonSchema): JsonSchema => ({
  ...paging,
  if: { required: ['type'], properties: { type: { const: 'cursor' } } },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ['cursor'] },
});

/** What tells how an API judged one record. */
const judgement: Record<string, JsonSchema> = {
  id: text(
    'What the API calls the record: a JSON pointer into the answer ("/id"), or a header ("Location": its last part, or the id in its query).',
  ),
  result: pointer(
    'What tells whether it worked: true, a 2xx number, or one of "ok". Default: the status of the answer.',
  ),
  ok: {
    type: 'array',
    description: 'Values of "result" that mean success.',
    items: { type: ['string', 'number', 'boolean'] },
  },
  error: pointer('Where the API says why it refused a record. Default: where APIs usually say it.'),
};

const write = (method: string, purpose: string): JsonSchema =>
  object(
    purpose,
    {
      method: text(`Default ${method}.`, { enum: ['POST', 'PUT', 'PATCH', 'DELETE'] }),
      path,
      body: {
        description:
          'Template: "{name}" in place of a value is the field as it is, inside a text its text. Default: the whole record.',
      },
      wrap: pointer('Where the record stands in the body: "/order" sends {"order": {...}}, or <order>...</order>.'),
      content_type: text(CONTENT_TYPE),
      ...judgement,
    },
    ['path'],
  );

/** The setting "entities": kinds of records of the API, each with how it is read and written. */
export const ENTITIES_SCHEMA: JsonSchema = {
  type: 'object',
  additionalProperties: object('', {
    path: text('Path below the base URL. A "{name}" is filled from "parameters".', { pattern: '^/', maxLength: 2000 }),
    method: text('Of a read; default GET.', { enum: ['GET', 'POST'] }),
    body: { description: 'Body of a read with POST.' },
    parameters: {
      ...values,
      description:
        'Sent with every read: those named in the path there, the others in the query, unless paging or a filter sets one of the name.',
    },
    parameters_in: text('Where a read sends its parameters.', { enum: ['query', 'body'], default: 'query' }),
    headers: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'Sent with every request for this entity.',
    },
    format: text('Of the answer.', { enum: ['json', 'ndjson', 'csv', 'xml'], default: 'json' }),
    delimiter: text('CSV: between two fields. Default ",".', { minLength: 1, maxLength: 8 }),
    columns: names('CSV without a header row: names of the columns.'),
    items: text(
      'Where the records are. JSON: a pointer ("/data/items"; default: the answer itself). XML: the element that is a record.',
    ),
    key: names('Fields that identify a record.'),
    paging: whenCursor(
      object(
        'How a list is cut into pages.',
        {
          type: text('', { enum: ['none', 'page', 'offset', 'cursor', 'next_link', 'link_header'] }),
          page_parameter: text('page: default "page".'),
          start: { type: 'integer', minimum: 0, description: 'page: number of the first page; default 1.' },
          offset_parameter: text('offset: default "offset".'),
          size_parameter: text('Asks for pages of "size" records. Absent: not sent.'),
          size: { type: 'integer', minimum: 1, maximum: 10_000, description: 'Records per page; default 100.' },
          cursor_parameter: text('cursor: default "cursor".'),
          cursor: text(`cursor: where the next one stands, "/data/-1/id" for the key of the last record. ${source}`),
          next: pointer('next_link: where the link to the next page stands; default "/next".'),
          total: text(`How many records there are; reading ends when that many were read. ${source}`),
          more: text(`Whether there is another page. ${source}`),
          max_pages: {
            type: 'integer',
            minimum: 1,
            maximum: 100_000,
            description: 'More pages than this end a read as endless; default 100,000.',
          },
        },
        ['type'],
      ),
    ),
    filters: {
      type: 'object',
      description: 'Filters that the API can apply: field, operator and the parameter: {"status": {"eq": "status"}}.',
      additionalProperties: object(
        '',
        Object.fromEntries(
          ['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'in'].map((operator) => [operator, { type: 'string', minLength: 1 }]),
        ),
      ),
    },
    incremental: object(
      'How the API gives only what changed.',
      {
        parameter: text('Query parameter that takes the time or number.', { minLength: 1 }),
        field: text('Field with the time of the last change, or the number that grows.', { minLength: 1 }),
        type: text('', { enum: ['time', 'sequence'], default: 'time' }),
        format: text('How the parameter writes a time.', { enum: ['iso', 'date', 'unix', 'unix_ms'], default: 'iso' }),
        lag_seconds: {
          type: 'integer',
          minimum: 0,
          maximum: 86_400,
          description: 'Read again behind the clock of the server; default 300.',
        },
      },
      ['parameter', 'field'],
    ),
    create: write('POST', 'How a record is created.'),
    update: write('PUT', 'How a record is changed.'),
    delete: write('DELETE', 'How a record is removed.'),
    bulk: object(
      'Writes many records with one request, instead of "create".',
      {
        method: text('Default POST.', { enum: ['POST', 'PUT', 'PATCH'] }),
        path,
        items: pointer(
          'Where the array of records stands in the body; default: the body is the array. XML: "/Orders/Order".',
        ),
        body: { description: 'Template of one record, as for "create".' },
        size: { type: 'integer', minimum: 1, maximum: 10_000, description: 'Records per request; default 100.' },
        upsert: flag('It updates the records that the API has already; "update" and "lookup" are not used then.'),
        atomic: flag(
          'It writes all of its records or, when it refuses the request, none: then the request is halved and sent again. A success that tells of no record is that of all.',
        ),
        content_type: text(CONTENT_TYPE),
        results: pointer('Where the results stand in the answer, one per record; default: the answer itself.'),
        match: {
          description:
            'Where a result names its record: the parts of its key, in their order. Default: results come in the order of the records.',
          anyOf: [pointer(''), { type: 'array', minItems: 1, items: pointer('') }],
        },
        ...judgement,
      },
      ['path'],
    ),
    lookup: object(
      'How the API finds a record by its key.',
      {
        path: text('"{external_id}" is the record\'s key, "{name}" one of its fields.', {
          pattern: '^/',
          maxLength: 2000,
        }),
        items: pointer('Where what was found stands; default: the answer itself.'),
        key: {
          type: 'array',
          description:
            'In what was found: where the parts of the key stand, in the order of the key of the mapping; default: under the names of its fields. An empty list trusts the API to give no other record.',
          items: pointer(''),
        },
        id: pointer('In what was found: what the API calls the record; default: "id" of "create", else "/id".'),
        consistency: text('eventual: what was just written may not be found yet.', {
          enum: ['strong', 'eventual'],
          default: 'strong',
        }),
      },
      ['path'],
    ),
    idempotency_header: text('Header that makes the API do a request only once.', { minLength: 1 }),
    etag: {
      description:
        'Changes only what nobody changed meanwhile (If-Match): true for the ETag header, or where the version stands in what lookup found.',
      type: ['boolean', 'string'],
    },
    numbers: names('Fields that are written as JSON numbers, digit by digit ("quantity", "lines.quantity").'),
  }),
};

export const ENTITIES_EXAMPLE = {
  orders: {
    path: '/orders',
    items: '/data',
    key: ['id'],
    paging: { type: 'page', page_parameter: 'page', size_parameter: 'pageSize', size: 500 },
    incremental: { parameter: 'updatedSince', field: 'updatedAt' },
    create: { path: '/orders', id: '/id' },
    update: { path: '/orders/{id}' },
    delete: { path: '/orders/{id}' },
    lookup: { path: '/orders?externalId={external_id}', items: '/data' },
    idempotency_header: 'Idempotency-Key',
  },
};
