import { CHOICES, DAYS, MOST } from '../../calendar/definition';
import type { JsonSchema } from '../../model/entity';
import { instant } from './common';

const seconds = (most: number, description: string): JsonSchema => ({
  type: 'integer',
  minimum: 0,
  maximum: most,
  description,
});
const time = (description: string): JsonSchema => ({ type: 'string', pattern: '^[0-2][0-9]:[0-5][0-9]$', description });

/** What a connection and a mapping have in common. */
export const scheduled: Record<string, JsonSchema> = {
  schedule: {
    type: ['string', 'null'],
    maxLength: 255,
    description:
      'Cron expression of five fields, or six with seconds first. A mapping that has none follows its connection.',
  },
  schedule_options: { $ref: '#/components/schemas/ScheduleOptions' },
};

export const nextRuns: JsonSchema = {
  type: 'array',
  maxItems: 3,
  readOnly: true,
  items: instant('A run begins.'),
  description: 'When its schedule begins runs next, without jitter; empty when it has none or is not active.',
};

export const scheduleSchemas: Record<string, JsonSchema> = {
  ScheduleOptions: {
    type: 'object',
    additionalProperties: false,
    properties: {
      timezone: {
        type: 'string',
        minLength: 1,
        maxLength: 100,
        description: "IANA zone of the schedule and its blackouts; absent = the connection's, then UTC.",
      },
      jitter_seconds: seconds(MOST.jitter_seconds, 'Each fire is put off by 0 to so many seconds.'),
      overlap: {
        type: 'string',
        enum: [...CHOICES.overlap],
        default: 'skip',
        description: 'What happens to a fire while the mapping is still running.',
      },
      misfire: {
        type: 'string',
        enum: [...CHOICES.misfire],
        default: 'run_once',
        description: 'What happens to due times that passed while nothing was there to fire them.',
      },
      catch_up_seconds: seconds(MOST.catch_up_seconds, '`run_all` goes back so far; absent = a day.'),
      blackouts: {
        type: 'array',
        maxItems: MOST.blackouts,
        description: 'When no schedule starts anything. Those of a connection hold for its mappings as well.',
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['from', 'to'],
          properties: {
            days: {
              type: 'array',
              minItems: 1,
              maxItems: DAYS.length,
              items: { type: 'string', enum: [...DAYS] },
              description: 'Days on which it begins; absent = every day.',
            },
            from: time('Local time at which it begins.'),
            to: time(
              'Local time at which it ends, on the day after when it is earlier; `24:00` is the end of the day.',
            ),
          },
        },
      },
      in_blackout: {
        type: 'string',
        enum: [...CHOICES.in_blackout],
        default: 'wait',
        description: 'One run waits for the end of the blackout, or is skipped.',
      },
    },
    example: { overlap: 'queue_one', blackouts: [{ days: ['sat', 'sun'], from: '22:00', to: '06:00' }] },
  },
};
