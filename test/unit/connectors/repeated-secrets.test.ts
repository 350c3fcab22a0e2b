import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Connector, ConnectorFactory } from '../../../lib/connectors/contract';
import { create as dynamics365 } from '../../../lib/connectors/erp/dynamics365/connector';
import { create as oracleEbs } from '../../../lib/connectors/erp/oracle-ebs/connector';
import { create as protheus } from '../../../lib/connectors/erp/protheus/connector';
import { create as sap } from '../../../lib/connectors/erp/sap/connector';
import { create as rest } from '../../../lib/connectors/generic/rest/connector';
import { IntegrationError } from '../../../lib/model/errors';
import { record, signal } from '../rest/server';

const CREDENTIALS = ['password', 'token', 'api_key', 'client_secret', 'refresh_token', 'proxy_password'];
const canary = (name: string) => `canary-${name}-Zq9"ü +/%&x`;
/** What the server gives with a sign-in. */
const ISSUED = ['issued', 'renewed'].map(canary);
const COOKIE = 'canary-cookie-Zq9x';
const USERS = ['user', 'client'];

/** Every form in which a secret can be read again. */
function formsOf(secret: string): string[] {
  const form = new URLSearchParams({ '': secret }).toString().slice(1);
  const base64 = ['', ...USERS.map((user) => `${user}:`)].flatMap((before) => [before + secret, before + form]);
  const texts = [secret, encodeURIComponent(secret), form, JSON.stringify(secret).slice(1, -1)];
  return [...texts, ...base64.map((text) => Buffer.from(text).toString('base64').replace(/=+$/, ''))];
}

/** Where an API might repeat what it was asked. */
function answerTo({ url = '', headers }: IncomingMessage, body: string): Record<string, unknown> {
  const signIns = [headers.authorization, headers['proxy-authorization']].map((each) => each?.split(' ')[1] ?? '');
  const decoded = signIns.map((each) => Buffer.from(each, 'base64').toString());
  const text = [body, url, ...signIns, ...decoded, ...Object.entries(headers).map((pair) => pair.join(': '))].join(' ');
  const details = { innererror: { errordetails: [{ message: text }] } };
  return {
    ...{ message: text, detailedMessage: text, errorMessage: text, error_description: text, title: text, code: 'X' },
    ...{ error: { code: 'Y', message: { value: text }, ...details }, errors: [{ detail: text }] },
    ISGServiceFault: { Code: 'Q', Message: text, Resolution: text },
    OutputParameters: { X_RETURN_STATUS: 'E', X_MSG_DATA: text },
  };
}

/** A canary in every credential, and a server that repeats all it is told in whatever it says. */
describe('secrets that the other side repeats', () => {
  let server: Server;
  let base: string;
  let status = 400;
  let signsIn = true;
  const forms = [...CREDENTIALS.map(canary), ...ISSUED, COOKIE].flatMap(formsOf);
  const credentials = Object.fromEntries(CREDENTIALS.map((name) => [name, canary(name)]));

  before(async () => {
    server = createServer(async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      const isSignIn = /token|login/.test(request.url ?? '');
      const told = answerTo(request, Buffer.concat(pieces).toString());
      const data = { accessToken: COOKIE, accessTokenName: 'EBS' };
      const issued = { access_token: ISSUED[0], refresh_token: ISSUED[1], expires_in: 3600, data };
      response.writeHead(isSignIn && signsIn ? 200 : status, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify(isSignIn && signsIn ? issued : { ...told, ...(isSignIn && { error: 'invalid_client' }) }),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const entities = { orders: { path: '/orders', create: { path: '/orders', error: '/message' }, key: ['id'] } };
  const api = { entities, username: 'user', client_id: 'client' };
  const oauth2 = { ...api, authentication: 'oauth2' };
  const stop = { IntegrationReport: '1', MachineCode: 'M', StartDateTime: '2026-01-01T00:00:00-03:00' };
  const cases: [
    name: string,
    create: ConnectorFactory,
    config: Record<string, unknown>,
    entity: string,
    service?: string,
  ][] = [
    ...['basic', 'bearer', 'api_key'].map((authentication): (typeof cases)[number] => [
      `an API, ${authentication}`,
      rest,
      { ...api, authentication },
      'orders',
    ]),
    ['an API, key in the query', rest, { ...api, authentication: 'api_key', api_key_in: 'query' }, 'orders'],
    ...['client_credentials', 'password', 'refresh_token'].flatMap((grant) =>
      ['basic', 'post'].map((client_auth): (typeof cases)[number] => [
        `an API, OAuth2 ${grant} ${client_auth}`,
        rest,
        { ...oauth2, grant, client_auth },
        'orders',
      ]),
    ),
    ['an API behind a proxy', rest, { ...api, authentication: 'basic', behind_proxy: true }, 'orders'],
    ['SAP', sap, { username: 'user', services: { S: '/s' } }, 'production_order', 'S'],
    ...['finance_operations', 'business_central', 'dataverse'].map((flavour): (typeof cases)[number] => [
      `Dynamics 365, ${flavour}`,
      dynamics365,
      { flavour, tenant_id: 't', client_id: 'client' },
      'production_order',
    ]),
    ['Protheus', protheus, { username: 'user' }, 'stop_report'],
    ['Protheus, credentials in the query', protheus, { username: 'user', credentials_in: 'query' }, 'stop_report'],
    ['RM', protheus, { username: 'user', product: 'rm' }, 'material'],
    ['Oracle EBS', oracleEbs, { username: 'user' }, 'production_data', 'svc'],
    ['Oracle EBS, Basic', oracleEbs, { username: 'user', authentication: 'basic' }, 'production_data', 'svc'],
  ];

  for (const [name, create, { behind_proxy, ...config }, entity, service = ''] of cases) {
    it(`are not said by ${name}`, async () => {
      const said: string[] = [];
      const own = { base_url: base, token_url: `${base}/token`, authority: base, ...config };
      const proxied = { base_url: 'http://127.0.0.1:1', proxy_url: base.replace('//', '//user@') };
      const connection = {
        id: 0,
        name,
        connector_type: '',
        config: { ...own, ...(behind_proxy === true && proxied) },
        credentials,
      };
      for (signsIn of [true, false]) {
        for (status of [200, 401, 422, 503]) {
          const connector = create(connection, { log: (_, message) => said.push(message) });
          const works = worksOf(connector, entity, service);
          for (const work of works) said.push(await work().then(JSON.stringify, tellAll));
          await connector.close();
        }
      }
      const all = said.join('\n');
      assert.match(all, /PCP_/);
      for (const form of forms) assert.ok(!all.includes(form), around(all, form));
    });
  }

  function worksOf(connector: Connector, entity: string, service: string): (() => Promise<unknown>)[] {
    const operation = { orders: 'request', stop_report: 'request', material: 'request', production_data: 'call' }[
      entity
    ];
    const parameters = {
      method: operation === 'call' ? 'M' : 'POST',
      path: '/x',
      service,
      function: 'f',
      payload: { a: 1 },
    };
    const target = { entity, keyFields: ['id'], fields: [], resume: null, runId: 1, mappingId: 1 };
    return [
      () => connector.test(signal),
      async () => connector.discover?.(signal),
      async () => {
        for await (const _ of connector.read!({ entity, cursor: null, batchSize: 10 }, signal)) break;
      },
      async () => {
        const writer = await connector.openWriter!(target, signal);
        return writer.write([record({ id: '1', ...(entity === 'stop_report' && stop) }, {}, ['id'])], signal);
      },
      // What is asked for by hand is given as it came.
      async () => connector.call!(operation ?? 'function', parameters, signal).then(() => undefined),
    ];
  }
});

/** All that a log, an API or a letter could make of an error. */
function tellAll(thrown: unknown): string {
  const error = IntegrationError.from(thrown);
  const { results } = thrown as { results?: unknown };
  return [JSON.stringify(error), error.message, error.hint, error.stack, JSON.stringify(results)].join('\n');
}

function around(text: string, found: string): string {
  const at = text.indexOf(found);
  return text.slice(Math.max(0, at - 200), at + found.length);
}
