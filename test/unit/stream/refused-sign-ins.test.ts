import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Connector } from '../../../lib/connectors/contract';
import { ConnectorRegistry, type LoadedConnector } from '../../../lib/connectors/registry';
import { IntegrationError } from '../../../lib/model/errors';
import type { FromRunner, RunnerSetup } from '../../../lib/runner/protocol';
import { Vault } from '../../../lib/security/vault';
import { LiveSession } from '../../../lib/stream/session';
import { RefusedSignIns } from '../../../lib/sync/sign-ins/refused-sign-ins';
import { LiveSource } from '../../support/live-source';
import { newStore, storeKinds, type TestStore } from '../store/stores';

const [SQLITE] = storeKinds;
const CONNECTION = {
  ...{ id: 91, name: 'press', connector_type: LiveSource.type, config: {} },
  credentials: { password: 'wrong' },
};

describe('a sign-in of a live connection that was refused', () => {
  const keys = [{ id: 'key', key: randomBytes(32) }];
  let place: TestStore;
  let refused: RefusedSignIns;
  let session: LiveSession;
  let isHubThere: boolean;
  let signIns: number;
  let password: string;
  let lastId = 0;

  beforeEach(async function () {
    place = await newStore(SQLITE!, this);
    refused = new RefusedSignIns(place.store.database, new Vault(keys));
    isHubThere = true;
    signIns = 0;
    password = 'right';
    session = begin();
  });
  afterEach(async () => {
    await session?.close();
    await place?.dispose();
  });

  class Registry extends ConnectorRegistry {
    override async load(): Promise<LoadedConnector> {
      const { descriptor } = new LiveSource().loaded;
      const settings = {
        password: { kind: 'secret', group: 'authentication', label: { 'en-US': 'Password', 'pt-BR': 'Senha' } },
      } as const;
      const create: LoadedConnector['create'] = ({ credentials }) => {
        const signIn = () => {
          signIns++;
          if (credentials.password !== password)
            throw new IntegrationError('auth', 'PCP_TEST_REFUSED', 'Wrong password.');
        };
        return {
          writeTags: async () => {
            signIn();
            return [];
          },
          close: async () => undefined,
        } as unknown as Connector;
      };
      return { descriptor: { ...descriptor, settings }, create };
    }
  }

  /** What the hub does of what a live process asks. */
  const send = (message: FromRunner): void => {
    if (message.type !== 'sign_in') return;
    const { id, connectionId, digest, reason } = message;
    const answer = async () => {
      if (reason !== null) await refused.note({ id: connectionId }, digest, { message: reason });
      return refused.reason(digest);
    };
    const answered = isHubThere ? answer() : Promise.resolve('unknown');
    void answered.then((refused) => session.receive({ type: 'sign_in', id, refused }));
  };
  const begin = () => {
    const setup = { directory: place.options.directory, keys, spool: { isEnabled: false } } as unknown as RunnerSetup;
    return new LiveSession(
      { ...setup, protectedPlaces: { directories: [], paths: [] }, allowedTargets: [] },
      send,
      new Registry(),
    );
  };
  const write = (connection = CONNECTION): Promise<string> =>
    session
      .receive({ type: 'call', id: ++lastId, name: 'writeTags', arguments: [connection, [], Date.now() + 3_600_000] })
      .then(
        () => 'written',
        ({ code }: IntegrationError) => code,
      );
  const restart = async () => {
    await session.close();
    session = begin();
  };

  for (const there of [true, false]) {
    it(`is tried once, by whatever number of messages and starts${there ? '' : ', also while there is no store'}`, async () => {
      isHubThere = there;
      assert.equal(await write(), 'PCP_TEST_REFUSED');
      for (let message = 0; message < 5; message++) await write();
      await session.receive({ type: 'retry' });
      assert.equal(await write(), 'PCP_SIGN_IN_REFUSED');
      await restart();
      assert.equal(await write(), 'PCP_SIGN_IN_REFUSED');
      assert.equal(signIns, 1);
      assert.equal((await refused.among([1], async () => CONNECTION)).get(1), there ? 'Wrong password.' : undefined);
    });
  }

  it('is tried again when a test has shown elsewhere that it is good by now', async () => {
    await write();
    password = 'wrong';
    await refused.forget(refused.digestOf(CONNECTION));
    await session.receive({ type: 'retry' });
    assert.equal(await write(), 'written');
    await restart();
    assert.equal(await write(), 'written');
  });

  it('told to the hub when it is there again, and not tried where others were refused', async () => {
    isHubThere = false;
    await write();
    isHubThere = true;
    await restart();
    assert.equal(await write(), 'PCP_SIGN_IN_REFUSED');
    assert.equal(await refused.reason(refused.digestOf(CONNECTION)), 'Wrong password.');
    const other = { ...CONNECTION, credentials: { password: 'other' } };
    await refused.note(other, refused.digestOf(other), { message: 'The run was refused.' });
    assert.equal(await write(other), 'PCP_SIGN_IN_REFUSED');
    assert.equal(signIns, 1);
  });
});
