import assert from 'node:assert/strict';
import { cronTimes } from '../../../lib/calendar/cron';
import { checkSchedule } from '../../../lib/calendar/definition';

function next(expression: string, timezone: string, from: string, count = 3): string[] {
  const times = cronTimes(expression, timezone);
  const found: string[] = [];
  let at: number | null = Date.parse(from);
  while (found.length < count) {
    at = times.after(at);
    if (at === null) break;
    found.push(new Date(at).toISOString().replace(':00.000Z', 'Z'));
  }
  return found;
}

describe('due times of a cron expression', () => {
  const cases: [what: string, expression: string, timezone: string, from: string, expected: string[]][] = [
    [
      'a time that the clocks skip: the next there is',
      '30 2 * * *',
      'America/New_York',
      '2026-03-07T12:00Z',
      ['2026-03-08T07:00Z', '2026-03-09T06:30Z', '2026-03-10T06:30Z'],
    ],
    [
      'a time that they repeat: once',
      '30 1 * * *',
      'America/New_York',
      '2026-10-31T12:00Z',
      ['2026-11-01T05:30Z', '2026-11-02T06:30Z', '2026-11-03T06:30Z'],
    ],
    [
      'minutes through the repeated hour: real time',
      '*/30 * * * *',
      'America/New_York',
      '2026-11-01T05:15Z',
      ['2026-11-01T05:30Z', '2026-11-01T06:00Z', '2026-11-01T06:30Z'],
    ],
    [
      'minutes through the gap',
      '*/30 * * * *',
      'America/New_York',
      '2026-03-08T06:15Z',
      ['2026-03-08T06:30Z', '2026-03-08T07:00Z', '2026-03-08T07:30Z'],
    ],
    [
      'a change of half an hour',
      '15 2 * * *',
      'Australia/Lord_Howe',
      '2026-10-02T20:00Z',
      ['2026-10-03T15:30Z', '2026-10-04T15:15Z', '2026-10-05T15:15Z'],
    ],
    [
      'a gap at midnight',
      '0 0 * * *',
      'America/Santiago',
      '2026-09-05T06:00Z',
      ['2026-09-06T04:00Z', '2026-09-07T03:00Z', '2026-09-08T03:00Z'],
    ],
    [
      'a zone with odd minutes',
      '0 6 * * 1-5',
      'Asia/Kathmandu',
      '2026-11-27T00:15Z',
      ['2026-11-30T00:15Z', '2026-12-01T00:15Z', '2026-12-02T00:15Z'],
    ],
    [
      'seconds',
      '*/20 * * * * *',
      'UTC',
      '2026-11-27T10:00Z',
      ['2026-11-27T10:00:20.000Z', '2026-11-27T10:00:40.000Z', '2026-11-27T10:01Z'],
    ],
    [
      'the last day of a month',
      '0 12 L * *',
      'UTC',
      '2026-01-31T12:00Z',
      ['2026-02-28T12:00Z', '2026-03-31T12:00Z', '2026-04-30T12:00Z'],
    ],
    [
      'a day that only leap years have',
      '0 0 29 2 *',
      'America/Sao_Paulo',
      '2026-01-01T00:00Z',
      ['2028-02-29T03:00Z', '2032-02-29T03:00Z', '2036-02-29T03:00Z'],
    ],
  ];
  for (const [what, expression, timezone, from, expected] of cases) {
    it(what, () => assert.deepEqual(next(expression, timezone, from), expected));
  }

  it('come after the instant asked for, to the millisecond', () => {
    const times = cronTimes('0 6 * * *', 'UTC');
    const six = Date.parse('2026-11-27T06:00Z');
    assert.equal(times.after(six - 1), six);
    assert.equal(times.after(six), six + 86_400_000);
  });

  const wrong = [
    '',
    '* * * *',
    '* * * * * * *',
    '0 60 * * *',
    '61 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * 32 * *',
    '* * * 13 *',
    '* * * * 8',
    'x * * * *',
    '*/0 * * * *',
    '1-2-3 * * * *',
    '1,,3 * * * *',
    '@daily',
    '* * * * MONDAY',
    '2026-11-27T06:00:00',
    '0 0 31 2 *',
    '0 0 30 2 *',
  ];
  for (const schedule of wrong) {
    it(`are refused for "${schedule}"`, () => {
      const refused = { class: 'config', code: 'PCP_SCHEDULE_INVALID', path: '/schedule' };
      assert.throws(() => checkSchedule({ schedule, schedule_options: {} }), refused);
    });
  }
});

describe('options of a schedule', () => {
  const cases: [options: object, path: string][] = [
    [{ overlap: 'sometimes' }, '/overlap'],
    [{ misfire: 'never' }, '/misfire'],
    [{ in_blackout: 1 }, '/in_blackout'],
    [{ jitter_seconds: 1.5 }, '/jitter_seconds'],
    [{ jitter_seconds: 3601 }, '/jitter_seconds'],
    [{ catch_up_seconds: -1 }, '/catch_up_seconds'],
    [{ retries: 3 }, '/retries'],
    [{ blackouts: {} }, '/blackouts'],
    [{ blackouts: [null] }, '/blackouts/0'],
    [
      {
        blackouts: [
          { from: '22:00', to: '06:00' },
          { from: '24:00', to: '06:00' },
        ],
      },
      '/blackouts/1',
    ],
    [{ blackouts: [{ from: '06:00', to: '06:00' }] }, '/blackouts/0'],
    [{ blackouts: [{ from: '06:00', to: '07:00', days: ['monday'] }] }, '/blackouts/0'],
    [{ blackouts: [{ from: '06:00', to: '07:00', days: [] }] }, '/blackouts/0'],
    [{ blackouts: [{ from: '06:00', to: '07:00', zone: 'UTC' }] }, '/blackouts/0'],
  ];
  for (const [options, path] of cases) {
    it(`refuse ${JSON.stringify(options)}`, () => {
      const refused = { code: 'PCP_SCHEDULE_OPTIONS_INVALID', path: `/schedule_options${path}` };
      assert.throws(() => checkSchedule({ schedule: null, schedule_options: options as never }), refused);
    });
  }

  it('name a zone that there is', () => {
    assert.throws(() => checkSchedule({ schedule: null, schedule_options: { timezone: 'Mars/X' } }), {
      code: 'PCP_TIMEZONE_UNKNOWN',
      path: '/schedule_options/timezone',
    });
  });
});
