import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { within } from '../../../lib/protocols/opcua/deadline';
import { withVirtualTime } from '../../support/virtual-time';

describe('OPC UA: time limits of calls', () => {
  withVirtualTime();

  it('are given once more, and again, while the server answers, and no longer', async () => {
    const asked: number[] = [];
    const goesOn = (rounds: number) => {
      asked.push(rounds);
      return rounds < 3;
    };
    const never = new Promise<never>(() => undefined);
    await assert.rejects(within(never, 20, 'learning types', undefined, goesOn), {
      code: 'PCP_OPCUA_TIMEOUT',
      message: /60 ms/,
    });
    assert.deepEqual(asked, [1, 2, 3]);
    await assert.rejects(within(never, 20, 'reading'), { message: /20 ms/ });
  });

  it('end what takes long with the signal, and with its result', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const stop = new AbortController();
    const rounds: number[] = [];
    const goesOn = (round: number) => rounds.push(round) > 0;
    const [stopped, done] = [
      within(promise, 5, 'one', stop.signal, goesOn),
      within(promise, 5, 'two', undefined, goesOn),
    ];
    while (rounds.length < 6) await turn();
    const refused = assert.rejects(stopped, { code: 'PCP_CANCELLED' });
    stop.abort(new Error('stopped'));
    await refused;
    resolve('learnt');
    assert.equal(await done, 'learnt');
  });
});
