import assert from 'node:assert/strict';
import { Watchdog } from '../../../lib/stream/watchdog';

describe('watchdog', () => {
  const value = (tag: string, of: unknown) => ({ tag, value: of });

  it('calls a stream silent after its time without a record', () => {
    const watchdog = new Watchdog({ silenceMs: 100 }, 0);
    assert.equal(watchdog.isSilent(100), false);
    assert.equal(watchdog.isSilent(101), true);
    watchdog.note([value('a', 1)], 150);
    assert.equal(watchdog.isSilent(250), false);
    watchdog.restart(400);
    assert.equal(watchdog.isSilent(450), false);
  });

  it('names the tags whose value stays the same', () => {
    const watchdog = new Watchdog({ stuckMs: 100 }, 0);
    watchdog.note([value('same', 1), value('moves', 1)], 0);
    watchdog.note([value('same', 1), value('moves', 2)], 90);
    assert.deepEqual(watchdog.stuckTags(101), { tags: ['same'], count: 1, since: 0 });
    watchdog.note([value('same', 2)], 110);
    assert.equal(watchdog.stuckTags(120).count, 0);
  });

  it('says nothing without limits', () => {
    const watchdog = new Watchdog({}, 0);
    watchdog.note([value('a', 1)], 0);
    assert.equal(watchdog.isSilent(1e9), false);
    assert.equal(watchdog.stuckTags(1e9).count, 0);
  });
});
