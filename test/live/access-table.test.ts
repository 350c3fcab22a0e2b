import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiContract, apiContract, type Operation } from '../support/api-contract';
import { exchange, type Reply, type SendOptions } from '../unit/api/api-server';
import { NodeRed, type NodeRedVersion } from './node-red-process';

const METHODS: Record<NodeRedVersion, string[]> = {
  'node-red': ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
  // Node-RED 4 answers OPTIONS itself, to everybody: what it then lets pages of other sites send is refused here.
  'node-red-4': ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
};
const PERMISSIONS = [
  'integrations.read',
  'integrations.write',
  'integrations.sync',
  'integrations.test',
  'integrations.audit',
];

/** What stands in the place of parameters; nothing of it is there. */
const VALUES: Record<string, string> = {
  ...{ type: 'none', key: 'none', entity: 'none', job_id: 'none', thumbprint: 'ab'.repeat(20) },
};

/** Of Node-RED's adminAuth, and what they are good for here. */
const USERS: { name: string; permissions: string | string[]; may: string[] }[] = [
  { name: 'admin', permissions: '*', may: PERMISSIONS },
  { name: 'reader', permissions: 'read', may: ['integrations.read'] },
  { name: 'writer', permissions: 'write', may: ['integrations.write'] },
  { name: 'deployer', permissions: ['flows.read', 'flows.write'], may: [] },
  { name: 'nobody', permissions: [], may: [] },
  ...PERMISSIONS.map((name) => ({ name, permissions: [name], may: [name] })),
  { name: 'platform', permissions: PERMISSIONS, may: PERMISSIONS },
];

interface Asked {
  method: string;
  path: string;
  operation: Operation | undefined;
  /** Methods of the path. */
  allowed: string;
}

/** Every path of the OpenAPI document with every method. */
function requests({ document }: ApiContract, version: NodeRedVersion): Asked[] {
  return Object.entries(document.paths).flatMap(([template, operations]) => {
    const path = template.replaceAll(/\{(\w+)\}/g, (_, name) => VALUES[name] ?? '987654');
    // A read that makes the hub act is not to be caused by a mere look.
    const head = operations.get?.['x-acts'] ? undefined : operations.get;
    const known: Record<string, Operation | undefined> = { ...operations, ...(head !== undefined && { head }) };
    const allowed = [...Object.keys(known).map((method) => method.toUpperCase()), 'OPTIONS'].sort().join(', ');
    return METHODS[version].map((method) => ({ method, path, operation: known[method.toLowerCase()], allowed }));
  });
}

/** What is wrong with an answer; empty: nothing. */
function fault(
  { method, operation, allowed }: Asked,
  may: readonly string[] | null,
  { status, headers }: Reply,
): string {
  if (operation === undefined) {
    const wanted = method === 'OPTIONS' ? 204 : 405;
    return status === wanted && headers.allow === allowed ? '' : `not ${wanted}, or other methods`;
  }
  if (may === null) return status === 401 ? '' : 'not 401';
  if (!may.includes(operation['x-permission'])) return status === 403 ? '' : 'not 403';
  return status < 500 && ![401, 403, 405].includes(status) ? '' : 'not answered';
}

for (const version of ['node-red', 'node-red-4'] satisfies NodeRedVersion[]) {
  describe(`every operation of the API, asked by everybody, in ${version}`, function () {
    this.timeout(180_000);
    let nodeRed: NodeRed;
    let contract: ApiContract;

    const ask = (method: string, path: string, options: SendOptions = {}) =>
      exchange(Number(new URL(nodeRed.url).port), method, `/integrations${path}`, options);

    /** Asks for everything. @returns the answers that are wrong */
    async function wrongAnswers(
      headers: Record<string, string>,
      judge: (asked: Asked, reply: Reply) => string,
      change = (path: string) => path,
    ): Promise<string[]> {
      const wrong: string[] = [];
      const all = requests(contract, version);
      assert.ok(all.length > 300);
      for (const asked of all) {
        const reply = await ask(asked.method, change(asked.path), { headers });
        const found = judge(asked, reply);
        if (found !== '') wrong.push(`${asked.method} ${change(asked.path)}: ${reply.status} is ${found}`);
      }
      return wrong;
    }

    before(async () => {
      contract = await apiContract();
    });

    describe('with adminAuth', () => {
      const tokens = new Map<string, string>();
      before(async () => {
        const users = USERS.map(({ name, permissions }) => ({ username: name, password: '', permissions }));
        nodeRed = await NodeRed.start({ version, settings: { adminAuth: { type: 'credentials', users } } });
        // As Node-RED keeps who has signed in; it reads them when the first one asks.
        const sessions = [...USERS, { name: 'expired', permissions: '*' }, { name: 'gone', permissions: '*' }].map(
          ({ name, permissions }) => {
            const token = `token-of-${name}`;
            tokens.set(name, token);
            const [user, expires] = name === 'expired' ? ['admin', Date.now() - 1] : [name, Date.now() + 3_600_000];
            return [token, { user, expires, client: 'node-red-editor', scope: permissions, accessToken: token }];
          },
        );
        writeFileSync(join(nodeRed.userDir, '.sessions.json'), JSON.stringify(Object.fromEntries(sessions)));
      });
      after(() => nodeRed.remove());

      const signedIn = (name: string) => ({ Authorization: `Bearer ${tokens.get(name) ?? name}` });

      for (const { name, may } of USERS) {
        it(`${name} may do what ${may.length === 0 ? 'needs no permission' : `needs ${may.join(', ')}`}, and nothing else`, async () => {
          assert.deepEqual(await wrongAnswers(signedIn(name), (asked, reply) => fault(asked, may, reply)), []);
        });
      }

      const strangers: Record<string, () => Record<string, string>> = {
        'nobody who has no token': () => ({}),
        'nobody with a token that was never given': () => signedIn('forged'),
        'nobody whose token has expired': () => signedIn('expired'),
        'nobody who is no user any more': () => signedIn('gone'),
        'nobody with a token of another kind': () => ({ Authorization: `Basic ${tokens.get('admin')}` }),
        'nobody with a token in a cookie': () => ({ Cookie: `access_token=${tokens.get('admin')}` }),
      };
      for (const [who, headers] of Object.entries(strangers)) {
        it(who, async () => {
          assert.deepEqual(await wrongAnswers(headers(), (asked, reply) => fault(asked, null, reply)), []);
        });
      }

      it('nobody with a token in the address or in a body', async () => {
        const refused = (_asked: Asked, { status }: Reply) => (status === 403 ? '' : 'not 403');
        const token = encodeURIComponent(tokens.get('admin') ?? '');
        assert.deepEqual(await wrongAnswers({}, refused, (path) => `${path}?access_token=${token}`), []);
        const unknown = (asked: Asked, reply: Reply) => fault(asked, null, reply);
        for (const name of ['access_token[]', 'access_token[a]', 'access_token%5B%5D', 'ACCESS_TOKEN']) {
          assert.deepEqual(await wrongAnswers({}, unknown, (path) => `${path}?${name}=${token}`), [], name);
        }
        for (const { method, path, operation } of requests(contract, version)) {
          if (operation === undefined || method === 'HEAD') continue;
          const bodies = {
            'application/x-www-form-urlencoded': `access_token=${token}`,
            'application/json': JSON.stringify({ access_token: tokens.get('admin') }),
          };
          for (const [type, body] of Object.entries(bodies)) {
            const { status } = await ask(method, path, { headers: { 'Content-Type': type }, body });
            assert.equal(status, 401, `${method} ${path} as ${type}`);
          }
        }
      });

      it('nobody under another spelling of an address', async () => {
        const spellings: ((path: string) => string)[] = [
          (path) => `${path}/`,
          (path) => `/${path}`,
          (path) => path.replace(/[a-z]/, (letter) => letter.toUpperCase()),
          (path) => path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
          (path) => `/.${path}`,
          (path) => `/ui/..${path}`,
          (path) => `${path};a=b`,
          (path) => `${path}%00`,
          (path) => `${path}.json`,
        ];
        const hidden = (_asked: Asked, { status }: Reply) => ([204, 401, 404, 405].includes(status) ? '' : 'answered');
        for (const spelling of spellings) assert.deepEqual(await wrongAnswers({}, hidden, spelling), []);
      });

      it('nobody from a page of another site, whatever they may do', async () => {
        const refused = (_asked: Asked, { status }: Reply) => (status === 403 ? '' : 'not 403');
        const foreign = [{ Origin: 'http://evil.example' }, { Origin: 'null' }, { 'Sec-Fetch-Site': 'cross-site' }];
        for (const headers of foreign)
          assert.deepEqual(await wrongAnswers({ ...signedIn('admin'), ...headers }, refused), []);
      });
    });

    describe('without adminAuth', () => {
      before(async () => {
        nodeRed = await NodeRed.start({ version });
      });
      after(() => nodeRed.remove());

      it('this machine may do everything', async () => {
        assert.deepEqual(await wrongAnswers({}, (asked, reply) => fault(asked, PERMISSIONS, reply)), []);
      });

      it('others may do nothing', async () => {
        const refused = (_asked: Asked, { status }: Reply) => (status === 403 ? '' : 'not 403');
        const others: Record<string, string>[] = [
          { Host: 'gateway.plant' },
          { 'X-Forwarded-For': '10.0.0.7' },
          { Forwarded: 'for=10.0.0.7' },
          { Origin: 'http://evil.example' },
          { 'Sec-Fetch-Site': 'same-site' },
          { Host: 'gateway.plant', Authorization: 'Bearer x' },
        ];
        for (const headers of others) assert.deepEqual(await wrongAnswers(headers, refused), []);
      });
    });
  });
}
