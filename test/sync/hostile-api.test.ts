import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { Hub, JobStatus } from '../../lib/model/services';
import type { SyncLog } from '../../lib/model/sync';
import { endless, HostileServer, type Misbehaviour, raw } from '../support/hostile-server';
import { jobWhen, openHub, runToEnd, temporaryDirectory } from '../support/hub';

const PAGE = 3;
const HOUR = 3_600_000;

const records = (from: number, count = PAGE) =>
  Array.from({ length: count }, (_, index) => ({ number: `N-${from + index}` }));
const json = (response: ServerResponse, body: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
const parameter = (url: string | undefined, name: string) =>
  new URL(url ?? '', 'http://localhost').searchParams.get(name);
const pageOf = (url: string | undefined) => Number(parameter(url, 'page'));

const BY_PAGE = { type: 'page', max_pages: 20 };
const BY_CURSOR = { type: 'cursor', cursor: '/next' };
const BY_LINK = { type: 'next_link' };

/** Runs against an API that does what no API should: each ends in a state that says why, and nobody else is asked. */
describe('runs against a hostile API', () => {
  let api: HostileServer;
  /** Listens where answers lead to, and must never be called. */
  let canary: Server;
  let called = 0;
  let elsewhere: string;
  let hub: Hub;
  let remove: () => Promise<void>;
  const paths: Record<string, Misbehaviour> = {};

  before(async () => {
    canary = createServer((socket) => {
      called++;
      socket.destroy();
    });
    canary.listen(0, '127.0.0.1');
    await once(canary, 'listening');
    elsewhere = `http://127.0.0.1:${(canary.address() as AddressInfo).port}`;
    api = await HostileServer.start(paths);
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
    await hub.entityTypes.create({
      type: 'thing',
      title: 'Thing',
      key: ['number'],
      schema: { type: 'object', required: ['number'], properties: { number: { type: 'string' } } },
    });
  });
  after(async () => {
    await hub?.close();
    await remove?.();
    await api?.stop();
    canary?.close();
  });
  afterEach(() => assert.equal(called, 0, 'somebody else was called'));

  const asked = (path: string) => api.seen.filter(({ url }) => url.split('?')[0] === path).length;

  async function connect(path: string, misbehave: Misbehaviour, paging?: object, config: object = {}): Promise<number> {
    paths[path] = misbehave;
    const entity = { path, items: '/data', key: ['number'], ...(paging !== undefined && { paging }) };
    const { id } = await hub.connections.create({
      name: path,
      connector_type: 'generic.rest',
      config: { base_url: api.origin, timeout_ms: 600_000, entities: { things: entity }, ...config },
    });
    await hub.mappings.create({
      connection_id: id,
      name: path,
      entity_type: 'thing',
      direction: 'import',
      source_entity: 'things',
      target_entity: 'thing',
      field_mappings: [{ source: 'number', target: 'number' }],
    });
    return id;
  }

  async function run(...parameters: Parameters<typeof connect>): Promise<SyncLog> {
    const connectionId = await connect(...parameters);
    return (await runToEnd(hub, connectionId)).logs[0]!;
  }
  const outcome = ({ details, error_class }: SyncLog) => [details.state, error_class, details.error_code ?? null];

  it('that answers 200 with a web page', async () => {
    const log = await run('/html', (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Please sign in</html>');
    });
    assert.deepEqual(outcome(log), ['failed', 'transient', 'PCP_HTTP_NOT_JSON']);
  });

  it('whose pages never end', async () => {
    const log = await run(
      '/pages',
      ({ url }, response) => json(response, { data: records(pageOf(url) * PAGE) }),
      BY_PAGE,
    );
    assert.deepEqual(outcome(log), ['failed', 'guard', 'PCP_REST_PAGES_LIMIT']);
    assert.equal(asked('/pages'), 20);
  });

  it('that gives the same page again and again, or a cursor that it gave before', async () => {
    const same = await run('/same', (_, response) => json(response, { data: records(1) }), BY_PAGE);
    assert.deepEqual(outcome(same), ['failed', 'config', 'PCP_REST_PAGE_REPEATED']);
    assert.ok(asked('/same') <= 3, `${asked('/same')} pages`);
    const next: Record<string, string> = { first: 'a', a: 'b', b: 'a' };
    const around = await run(
      '/cursor',
      ({ url }, response) => {
        const cursor = parameter(url, 'cursor') ?? 'first';
        json(response, { data: records(api.seen.length * PAGE), next: next[cursor] });
      },
      BY_CURSOR,
    );
    assert.deepEqual(outcome(around), ['failed', 'config', 'PCP_REST_PAGE_REPEATED']);
    assert.ok(asked('/cursor') <= 3, `${asked('/cursor')} pages`);
  });

  it('whose list shrinks while it is read', async () => {
    let left = 3 * PAGE;
    const log = await run(
      '/shrinking',
      ({ url }, response) => {
        const from = (pageOf(url) - 1) * PAGE;
        json(response, { data: records(100 + from, Math.max(0, Math.min(PAGE, left - from))) });
        left -= 2;
      },
      BY_PAGE,
    );
    assert.deepEqual(outcome(log), ['succeeded', null, null]);
    assert.ok(log.records_processed > 0 && log.records_processed < 3 * PAGE);
  });

  it('whose answer never ends', async () => {
    const log = await run(
      '/endless',
      (_, response) => {
        endless(response, 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n');
      },
      BY_PAGE,
    );
    assert.deepEqual(outcome(log), ['failed', 'guard', 'PCP_HTTP_TOO_LARGE']);
  });

  it('whose answer is shorter or longer than it says', async () => {
    const body = JSON.stringify({ data: records(200) });
    const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ';
    const short = await run('/short', (_, response) => {
      raw(response, `${head}${body.length + 50}\r\n\r\n${body}`).end();
    });
    assert.deepEqual([short.details.state, short.error_class], ['failed', 'transient']);
    const long = await run('/long', (_, response) => {
      raw(response, `${head}${body.length}\r\n\r\n${body} and more`).end();
    });
    assert.deepEqual([long.details.state, long.records_processed], ['succeeded', PAGE]);
  });

  it('that answers one byte at a time', async () => {
    const log = await run('/bytes', (_, response) => {
      const body = JSON.stringify({ data: records(300) });
      response.writeHead(200, { 'content-type': 'application/json' });
      const bytes = [...body];
      const write = (): void => {
        const byte = bytes.shift();
        if (byte === undefined) response.end();
        else response.write(byte, () => setImmediate(write));
      };
      write();
    });
    assert.deepEqual([log.details.state, log.records_processed], ['succeeded', PAGE]);
  });

  it('that leads elsewhere, or round in a circle', async () => {
    const to =
      (location: string): Misbehaviour =>
      (_, response) =>
        response.writeHead(302, { location }).end();
    assert.deepEqual(outcome(await run('/circle', to('/circle'))), ['failed', 'config', 'PCP_REDIRECT_LOOP']);
    for (const [path, location] of [
      ['/away', `${elsewhere}/orders`],
      ['/metadata', 'http://169.254.169.254/latest/meta-data/'],
    ] as const) {
      assert.deepEqual(outcome(await run(path, to(location))), ['failed', 'config', 'PCP_REDIRECT_REFUSED'], path);
    }
    const link = await run(
      '/link',
      (_, response) => json(response, { data: records(400), next: `${elsewhere}/orders?page=2` }),
      BY_LINK,
    );
    assert.deepEqual(outcome(link), ['failed', 'config', 'PCP_URL_REFUSED']);
    const header = await run(
      '/header',
      (_, response) => json(response, { data: records(500) }, { link: `<${elsewhere}/orders>; rel="next"` }),
      { type: 'link_header' },
    );
    assert.deepEqual(outcome(header), ['failed', 'config', 'PCP_URL_REFUSED']);
  });

  it('that says nothing, or its head letter by letter', async () => {
    const timeout = { timeout_ms: 500 };
    const silent = await run('/silent', () => undefined, BY_PAGE, timeout);
    assert.deepEqual(outcome(silent), ['failed', 'transient', 'PCP_HTTP_TIMEOUT']);
    const slow = await run(
      '/slow',
      (_, response) => {
        raw(response, 'HTTP/1.1 200 OK\r\nX-Slow: ');
        const timer = setInterval(() => raw(response, 'x'), 20);
        response.socket?.once('close', () => clearInterval(timer));
      },
      BY_PAGE,
      timeout,
    );
    assert.deepEqual(outcome(slow), ['failed', 'transient', 'PCP_HTTP_TIMEOUT']);
  });

  const inAnHour = () => new Date(Date.now() + HOUR);
  const [days, months] = [
    ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'],
    ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'],
  ];
  const two = (number: number) => String(number).padStart(2, '0');
  const forms: Record<string, () => string> = {
    seconds: () => '3600',
    'an IMF-fixdate': () => inAnHour().toUTCString(),
    'a date of RFC 850': () => {
      const at = inAnHour();
      const day = `${two(at.getUTCDate())}-${months[at.getUTCMonth()]}-${two(at.getUTCFullYear() % 100)}`;
      return `${days[at.getUTCDay()]}, ${day} ${at.toISOString().slice(11, 19)} GMT`;
    },
    'a date of asctime': () => {
      const at = inAnHour();
      const day = `${days[at.getUTCDay()]!.slice(0, 3)} ${months[at.getUTCMonth()]}`;
      return `${day} ${String(at.getUTCDate()).padStart(2)} ${at.toISOString().slice(11, 19)} ${at.getUTCFullYear()}`;
    },
  };
  for (const status of [429, 503]) {
    for (const [form, value] of Object.entries(forms)) {
      it(`that answers ${status} and asks for a pause in ${form}`, async () => {
        const path = `/${status}/${encodeURIComponent(form)}`;
        const connectionId = await connect(path, (_, response) => {
          response.writeHead(status, { 'retry-after': value() }).end();
        });
        const { job_id } = await hub.sync.start(connectionId, {});
        const waits = ({ logs: [log] }: JobStatus) => log?.details.state === 'waiting_quota';
        const [log] = (await jobWhen(hub, job_id, waits)).logs;
        assert.equal(log?.error_class, 'rate_limit');
        // Whatever the time between: an hour was asked for.
        assert.ok(Date.parse(log.details.next_attempt_at ?? '') > Date.parse(log.started_at) + HOUR / 2);
        await hub.sync.cancel(job_id);
        assert.equal(asked(path), 1);
      });
    }
  }
});
