import assert from 'node:assert/strict';
import { IntegrationError } from '../../lib/model/errors';
import { Rounds } from '../../lib/rounds';

const NEVER = 2 ** 31 - 1;

describe('rounds', () => {
  let begun: number;
  let going: number;
  let said: string[];
  let work: () => Promise<void>;
  let rounds: Rounds;

  beforeEach(() => {
    begun = 0;
    going = 0;
    said = [];
    work = async () => undefined;
    rounds = new Rounds({
      name: 'The plant',
      round: async () => {
        begun++;
        assert.equal(++going, 1, 'one at a time');
        try {
          await work();
        } finally {
          going--;
        }
        return NEVER;
      },
      retryMs: NEVER,
      log: (level, message) => void said.push(`${level} ${message}`),
    });
  });
  afterEach(() => rounds.stop());

  it('go once more for all who ask during one, and not before it is over', async () => {
    const gate = Promise.withResolvers<void>();
    work = () => gate.promise;
    const asked = [rounds.now(), rounds.now(), rounds.now()];
    assert.equal(begun, 1);
    gate.resolve();
    await Promise.all(asked);
    assert.equal(begun, 2);
    assert.equal(rounds.isGoing, false);
    await rounds.now();
    assert.equal(begun, 3);
  });

  it('tell an outage once, and its end', async () => {
    work = () => Promise.reject(new IntegrationError('transient', 'PCP_TEST', 'Away.'));
    await rounds.now();
    await rounds.now();
    work = async () => undefined;
    await rounds.now();
    assert.deepEqual(
      said.map((line) => line.replace(/\d+ s/, 'n s')),
      ['warn The plant: PCP_TEST: Away.', 'debug The plant: PCP_TEST: Away.', 'info The plant: works again after n s.'],
    );
  });

  it('go again by themselves when that is wanted', async () => {
    const third = Promise.withResolvers<void>();
    const soon = new Rounds({
      name: 'The plant',
      round: async () => {
        if (++begun === 3) third.resolve();
        return 0;
      },
      retryMs: NEVER,
      keepsProcess: true,
      log: () => undefined,
    });
    void soon.now();
    await third.promise;
    await soon.stop();
  });

  it('end when they are stopped, after the one that is going', async () => {
    const gate = Promise.withResolvers<void>();
    work = () => gate.promise;
    void rounds.now();
    void rounds.now();
    const stopped = rounds.stop();
    assert.equal(rounds.isGoing, true);
    gate.resolve();
    await stopped;
    await rounds.now();
    assert.equal(begun, 1);
  });
});
