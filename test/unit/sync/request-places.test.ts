import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Claim, shareOf } from '../../../lib/sync/http/request-places';

describe('shares of the places of a connection', () => {
  const claim = (holder: string, held: number, wanted: number, since = 0): Claim => ({ holder, held, wanted, since });

  it('gives what is wanted while there is enough, and never what another holds', () => {
    assert.equal(shareOf(4, claim('a', 0, 3), []), 3);
    assert.equal(shareOf(4, claim('a', 0, 3), [claim('b', 2, 2)]), 2);
    assert.equal(shareOf(4, claim('a', 0, 3), [claim('b', 4, 4)]), 0);
    assert.equal(shareOf(4, claim('a', 2, 0), []), 0);
  });

  it('divides when somebody lacks, and leaves to one what the others do not want', () => {
    assert.equal(shareOf(4, claim('a', 4, 4), [claim('b', 0, 4)]), 2);
    assert.equal(shareOf(4, claim('a', 4, 4), [claim('b', 0, 1)]), 3);
    assert.equal(shareOf(5, claim('a', 5, 5, 2), [claim('b', 0, 5, 1)]), 2);
    assert.equal(shareOf(5, claim('a', 5, 5, 1), [claim('b', 0, 5, 2)]), 3);
    assert.equal(shareOf(1, claim('a', 1, 1, 2), [claim('b', 0, 1, 1)]), 0);
  });

  it('is never more than there is together, and leaves nobody out', () => {
    const process = fc.record({ wanted: fc.integer({ min: 1, max: 8 }), usesUp: fc.boolean() });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(process, { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.nat()),
        (limit, processes, choices) => {
          const claims = processes.map(({ wanted }, index) => claim(String(index), 0, Math.min(limit, wanted), -1));
          const served = claims.map(() => 0);
          for (let now = 0; now < 40 * claims.length; now++) {
            // Nearly in turn, as timers are.
            const index = (now + (choices.next().value % 2)) % claims.length;
            const me = claims[index]!;
            const since = me.held > 0 || me.since < 0 ? now : me.since;
            const held = shareOf(
              limit,
              { ...me, since },
              claims.filter((other) => other !== me && other.since >= 0),
            );
            claims[index] = { ...me, held, since };
            if (held > 0) served[index]! += 1;
            assert.ok(claims.reduce((sum, other) => sum + other.held, 0) <= limit);
          }
          assert.ok(
            served.every((times) => times > 0),
            JSON.stringify({ claims, served }),
          );
        },
      ),
    );
  });
});
