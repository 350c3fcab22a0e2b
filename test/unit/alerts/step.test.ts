import assert from 'node:assert/strict';
import { type Observation, type Standing, step } from '../../../lib/alerts/step';

const MINUTE = 60_000;

const rule = {
  ...({ kind: 'buffer_fill', threshold: 80, clear_threshold: 60 } as const),
  ...{ for_seconds: 120, clear_for_seconds: 60, repeat_seconds: 600 },
};

const seen = (value: number, more: Partial<Observation> = {}): Observation => ({
  ...{ subject: 'stream:1', connectionId: 1, mappingId: 1, value, details: {} },
  ...more,
});

/** What is told at which minute, of values minute by minute; undefined: nothing is wrong. */
function told(
  values: (number | undefined)[],
  changes: Partial<typeof rule> = {},
  between: (standing: Standing | null, minute: number) => Standing | null = (standing) => standing,
): string[] {
  const events: string[] = [];
  let standing: Standing | null = null;
  for (const [minute, value] of values.entries()) {
    const found = value === undefined ? undefined : seen(value);
    const next = step({ ...rule, ...changes }, between(standing, minute), found, minute * MINUTE);
    if (next.event !== undefined) events.push(`${next.event} at ${minute}`);
    standing = next.stands;
  }
  return events;
}

describe('an alert, step by step', () => {
  it('is told when it has lasted long enough', () => {
    assert.deepEqual(told([79, 80, 90]), []);
    assert.deepEqual(told([80, 90, 95, 96]), ['firing at 2']);
    assert.deepEqual(told([80], { for_seconds: 0 }), ['firing at 0']);
  });

  it('is not told of what was well in between, and begins anew', () => {
    assert.deepEqual(told([80, 79, 80, 90, 95]), ['firing at 4']);
    assert.deepEqual(told([80, undefined, 80, 90, 95]), ['firing at 4']);
  });

  it('is over on the good side of its other threshold only, and when that has lasted', () => {
    assert.deepEqual(told([80, 80, 80, 70, 60, 60, 60, 60]), ['firing at 2']);
    assert.deepEqual(told([80, 80, 80, 59, 60, 59, 59]), ['firing at 2', 'resolved at 6']);
    assert.deepEqual(told([80, 80, 80, undefined, undefined]), ['firing at 2', 'resolved at 4']);
  });

  it('without another threshold is over below the first', () => {
    assert.deepEqual(told([80, 79], { for_seconds: 0, clear_for_seconds: 0, clear_threshold: null as never }), [
      'firing at 0',
      'resolved at 1',
    ]);
  });

  it('is told again until somebody takes it on', () => {
    const long = Array.from({ length: 26 }, () => 90);
    assert.deepEqual(told(long), ['firing at 2', 'repeated at 12', 'repeated at 22']);
    assert.deepEqual(told(long, { repeat_seconds: null as never }), ['firing at 2']);
    const takenOn = told(long, {}, (standing, minute) =>
      standing !== null && minute === 13 ? { ...standing, state: 'acknowledged' } : standing,
    );
    assert.deepEqual(takenOn, ['firing at 2', 'repeated at 12']);
  });

  it('that somebody took on is resolved all the same', () => {
    const events = told([90, 90, 90, 0, 0], {}, (standing, minute) =>
      standing !== null && minute === 3 ? { ...standing, state: 'acknowledged' } : standing,
    );
    assert.deepEqual(events, ['firing at 2', 'resolved at 4']);
  });

  it('keeps since when it is wrong, and takes the threshold of its subject where the rule has none', () => {
    const own = { ...rule, kind: 'data_delay', threshold: null, clear_threshold: null, for_seconds: 0 } as const;
    assert.equal(step(own, null, seen(99, { threshold: 100 }), 0).stands, null);
    const first = step(own, null, seen(100, { threshold: 100 }), 5).stands;
    const later = step(own, first, seen(130, { threshold: 120 }), MINUTE).stands;
    assert.deepEqual([later?.since, later?.firedAt, later?.value, later?.threshold], [5, 5, 130, 120]);
    assert.equal(step(own, null, seen(1), 0).stands, null);
  });
});
