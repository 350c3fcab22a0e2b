import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { CallAnswer, Connector, ReadQuery } from '../../../lib/connectors/contract';
import type { LoadedConnector } from '../../../lib/connectors/registry';
import { IntegrationError } from '../../../lib/model/errors';
import { Vault } from '../../../lib/security/vault';
import { RefusedSignIns } from '../../../lib/sync/sign-ins/refused-sign-ins';
import { GuardedRegistry } from '../../../lib/sync/sign-ins/sign-in-guard';
import { LiveSource } from '../../support/live-source';
import { withVirtualTime } from '../../support/virtual-time';
import { newStore, storeKinds, type TestStore } from '../store/stores';

const [SQLITE] = storeKinds;
const SIGNAL = new AbortController().signal;
const UNAUTHORIZED = new IntegrationError('auth', 'PCP_HTTP_UNAUTHORIZED', 'The API answered 401.');
const REFUSED = new IntegrationError('auth', 'PCP_SQL_AUTH', 'The user is refused.');

describe('the guard of sign-ins', () => {
  withVirtualTime();
  let place: TestStore;
  let vault: Vault;
  /** Passwords and keys that were tried, in order. */
  let tried: string[];
  let isRight: (secret: string) => boolean;
  /** Waited for by whoever asks for something of this name. */
  let slow: Record<string, Promise<void>>;

  beforeEach(async function () {
    place = await newStore(SQLITE!, this);
    vault = new Vault([{ id: 'key', key: randomBytes(32) }]);
    tried = [];
    slow = {};
    isRight = (secret) => secret === 'right';
  });
  afterEach(() => place?.dispose());

  /** As one process has it. */
  const processOf = () =>
    new GuardedRegistry({ load: async () => loaded }, new RefusedSignIns(place.store.database, vault));
  const loaded: LoadedConnector = {
    descriptor: {
      ...new LiveSource().loaded.descriptor,
      settings: {
        password: { kind: 'secret', group: 'authentication', label: { 'en-US': 'Password', 'pt-BR': 'Senha' } },
      },
    },
    create: ({ credentials }) => {
      const secret = credentials.password ?? credentials.api_key ?? '';
      const call = async (name: string): Promise<CallAnswer> => {
        tried.push(secret);
        await slow[name];
        if (!isRight(secret)) throw REFUSED;
        return {} as CallAnswer;
      };
      async function* read({ entity }: Partial<ReadQuery> = {}) {
        if (entity?.startsWith('closed')) {
          tried.push(entity);
          throw UNAUTHORIZED;
        }
        for (;;) yield { records: [await call('page')] };
      }
      return { call, read, close: async () => undefined } as unknown as Connector;
    },
  };
  const open = async (registry: GuardedRegistry, credentials: Record<string, string>) =>
    (await registry.load('t')).create(
      { id: 7, name: 'erp', connector_type: 't', config: {}, credentials },
      {
        log: () => undefined,
      },
    );
  const ask = async (registry: GuardedRegistry, credentials: Record<string, string>, name = 'question') =>
    (await open(registry, credentials)).call!(name, {}, SIGNAL).then(
      () => 'answered',
      ({ code }: IntegrationError) => code,
    );

  it('tries a wrong password once, whatever other instances sign in with', async () => {
    const [one, other, third] = [processOf(), processOf(), processOf()];
    for (let round = 0; round < 5; round++) {
      await ask(one, { password: 'right' });
      await ask(other, { password: 'old' });
      await ask(third, { password: 'older' });
    }
    assert.deepEqual(
      tried.filter((secret) => secret !== 'right'),
      ['old', 'older'],
    );
    assert.equal(tried.length, 7);
  });

  it('lets one of several processes try what none of them knows', async () => {
    const gate = Promise.withResolvers<void>();
    slow.question = gate.promise;
    const asked = Array.from({ length: 5 }, () => ask(processOf(), { password: 'wrong' }));
    while (tried.length < 1) await new Promise(setImmediate);
    // As long as it takes the others to look more than once.
    const later = performance.now() + 1000;
    while (performance.now() < later) await new Promise((resolve) => setTimeout(resolve, 100));
    gate.resolve();
    assert.deepEqual((await Promise.all(asked)).sort(), [...Array(4).fill('PCP_SIGN_IN_REFUSED'), 'PCP_SQL_AUTH']);
    assert.equal(tried.length, 1);
  });

  it('holds for a connector that stays open', async () => {
    const connector = await open(processOf(), { password: 'wrong' });
    const codes: string[] = [];
    for (let message = 0; message < 5; message++) {
      await assert.rejects(connector.call!('x', {}, SIGNAL), (error: IntegrationError) => {
        codes.push(error.code);
        return true;
      });
    }
    assert.deepEqual(codes, ['PCP_SQL_AUTH', ...Array(4).fill('PCP_SIGN_IN_REFUSED')]);
    assert.equal(tried.length, 1);
  });

  it('keeps nobody waiting for a slow question where the password was good before', async () => {
    const registry = processOf();
    await ask(registry, { password: 'right' });
    const later = performance.now() + 31_000;
    while (performance.now() < later) await new Promise((resolve) => setTimeout(resolve, 1000));
    const report = Promise.withResolvers<void>();
    slow.report = report.promise;
    const asked = ask(registry, { password: 'right' }, 'report');
    while (tried.length < 2) await new Promise(setImmediate);
    const begun = performance.now();
    assert.equal(await ask(registry, { password: 'right' }), 'answered');
    assert.ok(performance.now() - begun < 15_000, 'of virtual time');
    report.resolve();
    assert.equal(await asked, 'answered');
  });

  const readOf = async (registry: GuardedRegistry, entity: string) => {
    const pages = (await open(registry, { password: 'right' })).read!({ entity } as ReadQuery, SIGNAL);
    for await (const _ of pages) return 'answered';
    return 'nothing';
  };
  const codeOf = (work: Promise<string>) => work.catch(({ code }: IntegrationError) => code);

  it('leaves the others of a connection alone where an API refuses one entity', async () => {
    assert.equal(await codeOf(readOf(processOf(), 'closed')), 'PCP_HTTP_UNAUTHORIZED');
    assert.equal(await codeOf(readOf(processOf(), 'closed')), 'PCP_SIGN_IN_REFUSED');
    const registry = processOf();
    assert.equal(await readOf(registry, 'orders'), 'answered');
    assert.equal(
      await codeOf(readOf(registry, 'closed')),
      'PCP_HTTP_UNAUTHORIZED',
      'the password is right: it may be asked',
    );
    assert.equal(await readOf(processOf(), 'orders'), 'answered');
    assert.equal(tried.filter((name) => name === 'closed').length, 2);
  });

  it('takes two entities that are refused, with no answer in between, for the password of both', async () => {
    const registry = processOf();
    assert.equal(await codeOf(readOf(registry, 'closed')), 'PCP_HTTP_UNAUTHORIZED');
    assert.equal(await codeOf(readOf(processOf(), 'closed too')), 'PCP_HTTP_UNAUTHORIZED');
    for (const entity of ['orders', 'closed', 'closed too'])
      assert.equal(await codeOf(readOf(registry, entity)), 'PCP_SIGN_IN_REFUSED', entity);
    assert.deepEqual(tried, ['closed', 'closed too']);
    const connection = { id: 7, name: 'erp', connector_type: 't', config: {}, credentials: { password: 'right' } };
    const refused = new RefusedSignIns(place.store.database, vault);
    assert.match(String((await refused.among([7], async () => connection)).get(7)), /401/);
    await refused.forget(refused.digestOf(connection));
    assert.equal(await readOf(registry, 'orders'), 'answered');
  });

  it('takes a refusal for that of one question where others were answered since it was asked', async () => {
    const registry = processOf();
    assert.equal(await ask(registry, { password: 'right' }), 'answered');
    const gate = Promise.withResolvers<void>();
    slow.entity = gate.promise;
    const asked = ask(registry, { password: 'right' }, 'entity');
    while (tried.length < 2) await new Promise(setImmediate);
    assert.equal(await ask(registry, { password: 'right' }), 'answered');
    isRight = () => false;
    gate.resolve();
    assert.equal(await asked, 'PCP_SQL_AUTH');
    isRight = () => true;
    assert.equal(await ask(registry, { password: 'right' }), 'answered');
  });

  it('lets go of a refusal when what was open already is answered after it', async () => {
    const registry = processOf();
    const running = (await open(registry, { password: 'right' })).read!({ entity: 'orders' } as ReadQuery, SIGNAL);
    const pages = running[Symbol.asyncIterator]();
    await pages.next();
    isRight = () => false;
    assert.equal(await ask(registry, { password: 'right' }, 'forbidden'), 'PCP_SQL_AUTH');
    isRight = () => true;
    assert.equal(await ask(registry, { password: 'right' }), 'PCP_SIGN_IN_REFUSED');
    await pages.next();
    assert.equal(await ask(registry, { password: 'right' }), 'answered');
    await pages.return?.();
  });

  it('tries a key once more after an hour, since it has no account that could be locked', async () => {
    const [one, other] = [processOf(), processOf()];
    const key = { api_key: 'right' };
    isRight = () => false;
    assert.equal(await ask(one, key), 'PCP_SQL_AUTH');
    isRight = () => true;
    assert.equal(await ask(other, key), 'PCP_SIGN_IN_REFUSED');
    await place.store.database.execute('UPDATE integration_refused_sign_ins SET refused_at = refused_at - 3600001');
    const gate = Promise.withResolvers<void>();
    slow.first = gate.promise;
    const first = ask(other, key, 'first');
    while (tried.length < 2) await new Promise(setImmediate);
    assert.equal(await ask(one, key), 'PCP_SIGN_IN_REFUSED', 'one try, not one of each process');
    gate.resolve();
    assert.equal(await first, 'answered');
    assert.equal(await ask(one, key), 'answered');
  });
});
