import assert from 'node:assert/strict';
import { Losses } from '../../../lib/spool/losses';

const MINUTE = 60_000;
const at = (ms: number) => new Date(ms).toISOString();

describe('what a full spool costs', () => {
  it('is counted since it began, and is over ten minutes after the last of it', () => {
    const losses = new Losses();
    losses.drop(3, MINUTE);
    losses.drop(4, 9 * MINUTE);
    const alarm = { kind: 'dropped', count: 7, since: at(MINUTE) };
    assert.deepEqual(losses.alarms(19 * MINUTE, 0), [alarm]);
    assert.deepEqual(losses.alarms(19 * MINUTE + 1, 0), []);
    losses.drop(1, 30 * MINUTE);
    assert.deepEqual(losses.alarms(30 * MINUTE, 0), [{ kind: 'dropped', count: 1, since: at(30 * MINUTE) }]);
  });

  it('is also that a source waits, as long as it does', () => {
    const losses = new Losses();
    losses.fill(MINUTE);
    losses.fill(2 * MINUTE);
    assert.deepEqual(losses.alarms(3 * MINUTE, 5), [{ kind: 'full', count: 5, since: at(MINUTE) }]);
    assert.deepEqual(losses.alarms(3 * MINUTE, 0), []);
    losses.refill();
    assert.deepEqual(losses.alarms(3 * MINUTE, 5), []);
  });
});
