import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SourceRecord } from '../../lib/connectors/contract';
import { create } from '../../lib/connectors/generic/rest/connector';
import { descriptor } from '../../lib/connectors/generic/rest/descriptor';
import type { OpenConnection } from '../../lib/model/connection';
import { TestApi } from '../unit/rest/server';
import type { ConformanceCases, FailingCase } from './cases';
import { conformance } from './suite';

const NOTES = ["O'Neil", '日本語', 'tab\tline\nbreak', '', 'ç "quoted"', '{braces}', '000123'];

const orders: SourceRecord[] = Array.from({ length: 17 }, (_, n) => ({
  id: `A/${n}`,
  quantity: `${n}.2500000000000000001`,
  wide: n === 3 ? '9007199254740993' : n,
  active: n % 2 === 0,
  note: NOTES[n % NOTES.length],
  updatedAt: '2026-11-24T05:00:00Z',
}));

/** An API with a password: pages by number, changes by time, materials that are found, created and changed. */
class PlantApi extends TestApi {
  readonly materials = new Map<string, SourceRecord>();
  readonly changed = new Set<string>();

  override handler: TestApi['handler'] = ({ method, path, query, headers, body }) => {
    if (headers.authorization !== `Basic ${Buffer.from('pcp:right-4711').toString('base64')}`) return { status: 401 };
    if (path === '/secret') return { status: 403, body: { message: 'not yours' } };
    if (path === '/orders') {
      const since = query.get('since');
      if (query.has('id')) return { body: { data: orders.filter(({ id }) => id === query.get('id')) } };
      const found = since === null ? orders : orders.filter(({ id }) => this.changed.has(String(id)));
      const [page, size] = [Number(query.get('page')), Number(query.get('size'))];
      return { body: { data: found.slice((page - 1) * size, page * size) } };
    }
    if (path === '/materials' && method === 'GET') {
      const code = query.get('code');
      return { body: [...this.materials.values()].filter((material) => code === null || material.code === code) };
    }
    const sent = JSON.parse(body || '{}') as SourceRecord;
    const id = method === 'POST' ? String(this.materials.size + 1) : decodeURIComponent(path.split('/').at(-1) ?? '');
    if (method === 'POST' && [...this.materials.values()].some(({ code }) => code === sent.code))
      return { status: 409 };
    this.materials.set(id, { ...sent, id });
    return { status: method === 'POST' ? 201 : 200, body: { id } };
  };
}

const api = new PlantApi();
const silent = createServer(() => undefined);

const entities = {
  orders: {
    path: '/orders',
    items: '/data',
    key: ['id'],
    paging: { type: 'page', size_parameter: 'size', size: 5 },
    incremental: { parameter: 'since', field: 'updatedAt' },
    lookup: { path: '/orders?id={id}', items: '/data' },
  },
  materials: {
    path: '/materials',
    key: ['id'],
    create: { path: '/materials', id: '/id' },
    update: { path: '/materials/{id}' },
    lookup: { path: '/materials?code={external_id}' },
  },
};

function connectionOf(config: Record<string, unknown>, password = 'right-4711'): OpenConnection {
  const own = { base_url: api.url, authentication: 'basic', username: 'pcp', entities, timeout_ms: 3000 };
  return {
    id: 1,
    name: 'plant',
    connector_type: 'generic.rest',
    config: { ...own, ...config },
    credentials: { password },
  };
}

conformance('generic.rest', {
  descriptor,
  create,
  async cases(): Promise<ConformanceCases> {
    await api.start();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const silentUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const failing = (
      name: string,
      connection: OpenConnection,
      step: FailingCase['step'],
      errorClass: FailingCase['class'],
      code?: string,
    ): FailingCase => ({ name, connection, step, class: errorClass, ...(code !== undefined && { code }) });
    return {
      connection: connectionOf({}),
      failing: [
        failing('wrong password', connectionOf({}, 'canary-4711'), 'authenticate', 'auth'),
        failing(
          'unknown host',
          connectionOf({ base_url: 'http://no-such-host.invalid' }),
          'resolve',
          'transient',
          'PCP_CONNECT_HOST_UNKNOWN',
        ),
        failing(
          'closed port',
          connectionOf({ base_url: 'http://127.0.0.1:1' }),
          'connect',
          'transient',
          'PCP_CONNECT_REFUSED',
        ),
        failing('no TLS there', connectionOf({ base_url: api.url.replace('http', 'https') }), 'tls', 'config'),
        failing('no base URL', connectionOf({ base_url: '' }), 'resolve', 'config', 'PCP_SETTING_MISSING'),
        failing('not allowed', connectionOf({ entities: { secret: { path: '/secret' } } }), 'authorise', 'permission'),
        failing('no such path', connectionOf({ entities: { none: { path: '/none', items: '/x' } } }), 'read', 'config'),
        failing('no answer', connectionOf({ base_url: silentUrl }), 'read', 'transient'),
      ],
      read: { entity: 'orders', key: ['id'], records: orders },
      incremental: {
        entity: 'orders',
        key: ['id'],
        cursorField: 'updatedAt',
        change: async () => {
          api.changed.add('A/3').add('A/16');
          return ['A/3', 'A/16'];
        },
      },
      write: {
        target: { entity: 'materials', keyFields: ['code'], fields: ['code', 'amount', 'note'] },
        records: NOTES.map((note, n) => ({ code: `M ${n}`, amount: '1234567890123456789012345678.0123456789', note })),
        readBack: async () => [...api.materials.values()],
        reset: async () => api.materials.clear(),
      },
    };
  },
  async release() {
    silent.closeAllConnections();
    await Promise.all([api.stop(), new Promise((resolve) => silent.close(resolve))]);
  },
});
