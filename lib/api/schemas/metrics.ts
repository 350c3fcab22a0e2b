import type { JsonSchema } from '../../model/entity';
import { count, instant } from './common';

const duration = (description: string): JsonSchema => ({ type: 'integer', minimum: 0, description });

function counts(descriptions: Record<string, string>): JsonSchema {
  return {
    type: 'object',
    required: Object.keys(descriptions),
    properties: Object.fromEntries(Object.entries(descriptions).map(([name, text]) => [name, count(text)])),
  };
}

export const metricsSchemas: Record<string, JsonSchema> = {
  RunMetrics: {
    type: 'object',
    description: 'What the runs that ended in a period came to. Dry runs are left out.',
    required: ['from', 'to', 'connection_id', 'mapping_id', 'runs', 'success_rate', 'duration_ms', 'records', 'errors'],
    properties: {
      from: instant('Ended at or after.'),
      to: instant('Ended before.'),
      connection_id: { type: ['integer', 'null'], description: 'Null: of all connections.' },
      mapping_id: { type: ['integer', 'null'], description: 'Null: of all mappings.' },
      runs: counts({
        succeeded: 'Runs that went well.',
        partial: 'Runs that went well but for some records.',
        failed: 'Runs that failed.',
        cancelled: 'Runs that somebody ended.',
        skipped: 'Runs that were due and not begun.',
      }),
      success_rate: {
        type: ['number', 'null'],
        minimum: 0,
        maximum: 1,
        description: '`(succeeded + partial) / (succeeded + partial + failed)`; null when there was none.',
      },
      duration_ms: {
        type: ['object', 'null'],
        description:
          'Of the same runs, from start to end, waiting included; live runs, which last an hour, aside. Null when there was none.',
        required: ['mean', 'p50', 'p95', 'max'],
        properties: {
          mean: duration('The mean time.'),
          p50: duration('Half of them took no longer.'),
          p95: duration('95 % of them took no longer.'),
          max: duration('The longest.'),
        },
      },
      records: counts({
        processed: 'The volume: records that were read.',
        created: 'Of these, created at the target.',
        updated: 'Changed there.',
        unchanged: 'Found there as they are.',
        deleted: 'Deleted there.',
        filtered: 'Left out by the mapping.',
        conflicts: 'Changed on both sides.',
        errors: 'Refused.',
      }),
      errors: {
        type: 'object',
        additionalProperties: { type: 'integer', minimum: 1 },
        description: 'Runs that failed, by class of failure.',
      },
    },
    example: {
      from: '2026-11-24T05:00:00.000Z',
      to: '2026-11-24T06:00:00.000Z',
      connection_id: 3,
      mapping_id: 7,
      runs: { succeeded: 10, partial: 1, failed: 1, cancelled: 0, skipped: 0 },
      success_rate: 0.9166666666666666,
      duration_ms: { mean: 1800, p50: 1500, p95: 4200, max: 4200 },
      records: {
        processed: 1200,
        created: 20,
        updated: 30,
        unchanged: 1148,
        deleted: 0,
        filtered: 0,
        conflicts: 0,
        errors: 2,
      },
      errors: { transient: 1 },
    },
  },
};
