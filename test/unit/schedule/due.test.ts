import assert from 'node:assert/strict';
import fc from 'fast-check';
import { scheduleOf } from '../../../lib/calendar/definition';
import { type Fire, fireAt, nextRuns, planFires } from '../../../lib/calendar/due';
import type { ScheduleOptions } from '../../../lib/model/schedule';

const MINUTE = 60_000;
const at = (text: string) => Date.parse(`2026-11-${text}Z`);
const NOON = at('27T12:00');

function schedule(expression: string, options: ScheduleOptions = {}) {
  return scheduleOf(expression, options, { schedule_options: {}, timezone: null });
}

const kinds = (fires: readonly Fire[]) => fires.map(({ as }) => Object.entries(as).flat().join(' '));

describe('what a schedule fires', () => {
  it('nothing before its time', () => {
    assert.equal(planFires('m 1', schedule('* * * * *'), NOON, NOON - 1), null);
    const plan = planFires('m 1', schedule('* * * * *'), NOON, NOON);
    assert.deepEqual(plan, {
      fires: [{ dueAt: NOON, as: { run: true }, isCaughtUp: false }],
      nextFireAt: NOON + MINUTE,
    });
  });

  describe('after three hours without anybody', () => {
    const missed = (misfire: ScheduleOptions['misfire'], more: ScheduleOptions = {}, late = 3 * 60 * MINUTE) => {
      const plan = planFires(
        'm 1',
        schedule('*/30 * * * *', { ...(misfire && { misfire }), ...more }),
        NOON,
        NOON + late,
      );
      assert.ok(plan);
      return plan;
    };

    it('one run for all', () => {
      const { fires, nextFireAt } = missed(undefined);
      assert.deepEqual(kinds(fires), ['run true']);
      assert.equal(nextFireAt, NOON + 210 * MINUTE);
    });

    it('every one, as far back as is wanted', () => {
      assert.equal(missed('run_all').fires.length, 7);
      const { fires } = missed('run_all', { catch_up_seconds: 3600 });
      const dues = fires.map(({ dueAt }) => (dueAt - NOON) / MINUTE);
      assert.deepEqual(dues, [120, 150, 180]);
      assert.ok(fires.every(({ isCaughtUp }) => isCaughtUp));
    });

    it('not more than a hundred, the newest of them', () => {
      assert.equal(missed('run_all', {}, 24 * 60 * MINUTE * 3).fires.length, 49);
      const days = 20 * 24 * 60 * MINUTE;
      const { fires } = missed('run_all', { catch_up_seconds: 31 * 86_400 }, days);
      assert.equal(fires.length, 100);
      assert.deepEqual([fires[0]?.dueAt, fires[99]?.dueAt], [NOON + days - 99 * 30 * MINUTE, NOON + days]);
    });

    it('none but the one that is not late', () => {
      const { fires } = missed('skip');
      assert.deepEqual(fires, [{ dueAt: NOON + 180 * MINUTE, as: { run: true }, isCaughtUp: false }]);
      assert.deepEqual(kinds(missed('skip', {}, 200 * MINUTE).fires), ['skip PCP_SKIPPED_MISSED']);
    });

    it('what is older than what is caught up is told', () => {
      assert.deepEqual(kinds(missed('run_all', { catch_up_seconds: 60 }, 200 * MINUTE).fires), [
        'skip PCP_SKIPPED_MISSED',
      ]);
    });
  });

  it('each due time once, in order, whenever it is looked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 400_000 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 0, max: 300 }),
        fc.constantFrom('run_once' as const, 'run_all' as const, 'skip' as const),
        (steps, jitter_seconds, misfire) => {
          const every = schedule('*/2 * * * *', { jitter_seconds, misfire });
          let due: number | null = NOON;
          let now = NOON;
          const fired: number[] = [];
          for (const step of steps) {
            now += step;
            const plan = planFires('m 1', every, due as number, now);
            if (plan === null) continue;
            for (const { dueAt } of plan.fires) {
              assert.ok(fireAt('m 1', every, dueAt) <= now, 'too early');
              fired.push(dueAt);
            }
            due = plan.nextFireAt;
            assert.ok(due !== null && fireAt('m 1', every, due) > now, 'left behind');
          }
          assert.deepEqual(
            fired,
            [...new Set(fired)].sort((a, b) => a - b),
          );
          if (misfire !== 'run_all') return;
          const dues = Array.from(
            { length: Math.floor((now - NOON) / (2 * MINUTE)) + 1 },
            (_, n) => NOON + n * 2 * MINUTE,
          );
          assert.deepEqual(
            fired,
            dues.filter((due) => fireAt('m 1', every, due) <= now),
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  it('with a jitter that all processes reckon alike, and that differs', () => {
    const spread = schedule('0 * * * *', { jitter_seconds: 600 });
    const delays = Array.from({ length: 50 }, (_, id) => fireAt(`mapping ${id}`, spread, NOON) - NOON);
    assert.ok(delays.every((delay) => delay >= 0 && delay < 600_000));
    assert.ok(new Set(delays).size > 45);
    assert.equal(fireAt('mapping 7', spread, NOON), NOON + (delays[7] as number));
  });

  it('with a jitter that is longer than the time between two, each before the next', () => {
    const often = schedule('*/2 * * * *', { jitter_seconds: 3600 });
    for (let due = NOON; due < NOON + 100 * MINUTE; due += 2 * MINUTE) {
      const delay = fireAt('mapping 7', often, due) - due;
      assert.ok(delay >= 0 && delay < 2 * MINUTE, String(delay));
    }
  });
});

describe('blackouts', () => {
  // 27 November 2026 is a Friday; Sao Paulo is three hours behind UTC.
  const closed = (options: ScheduleOptions, connection: ScheduleOptions = {}) =>
    scheduleOf('0 * * * *', options, { schedule_options: connection, timezone: 'America/Sao_Paulo' });
  const NIGHT = { from: '22:00', to: '06:00' };

  it('put one run off to their end', () => {
    const plan = planFires('m 1', closed({ blackouts: [NIGHT] }), at('28T02:00'), at('28T02:00'));
    assert.deepEqual(plan?.fires, [{ dueAt: at('28T02:00'), as: { waitUntil: at('28T09:00') }, isCaughtUp: false }]);
    assert.equal(plan?.nextFireAt, at('28T10:00'), 'what waits for nine is the run of nine');
  });

  it('or let it be skipped', () => {
    const options: ScheduleOptions = { blackouts: [NIGHT], in_blackout: 'skip' };
    const plan = planFires('m 1', closed(options), at('28T02:00'), at('28T02:00'));
    assert.deepEqual(kinds(plan?.fires ?? []), ['skip PCP_SKIPPED_BLACKOUT']);
    assert.equal(plan?.nextFireAt, at('28T09:00'));
  });

  it('begin and end to the minute, on their days', () => {
    const friday = closed({ blackouts: [{ ...NIGHT, days: ['fri'] }] });
    const isClosed = (time: string) => 'waitUntil' in (planFires('m', friday, at(time), at(time))?.fires[0]?.as ?? {});
    assert.deepEqual(['28T00:59', '28T01:00', '28T08:59', '28T09:00', '29T02:00'].map(isClosed), [
      false,
      true,
      true,
      false,
      false,
    ]);
  });

  it('follow one another', () => {
    const days = { from: '00:00', to: '24:00' };
    const weekend = closed({ blackouts: [{ ...days, days: ['sat'] }, { ...days, days: ['sun'] }, NIGHT] });
    const plan = planFires('m', weekend, at('28T12:00'), at('28T12:00'));
    assert.equal(plan?.nextFireAt, at('30T10:00'));
  });

  it('of a connection hold for its mappings', () => {
    const mapping = closed({ timezone: 'UTC' }, { blackouts: [NIGHT] });
    assert.equal(planFires('m', mapping, at('28T02:00'), at('28T02:00'))?.nextFireAt, at('28T10:00'));
  });

  it('show in what is said about the next runs', () => {
    const hours = (schedule: ReturnType<typeof closed>) =>
      nextRuns(schedule, at('27T23:30'), 3).map((time) => new Date(time).toISOString().slice(8, 13));
    assert.deepEqual(hours(closed({ blackouts: [NIGHT] })), ['28T00', '28T09', '28T10']);
    assert.deepEqual(hours(closed({ blackouts: [NIGHT], in_blackout: 'skip' })), ['28T00', '28T09', '28T10']);
  });
});
