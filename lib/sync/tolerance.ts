import { IntegrationError } from '../model/errors';
import type { MappingOptions } from '../model/mapping';
import { phrase, render, type Said } from '../model/phrase';
import type { RunCounters } from '../model/sync';
import type { Failure } from './plan';

const DEFAULT_MAX_ERRORS = 1000;
const DEFAULT_MAX_ERROR_RATIO = 0.2;
/** A ratio says nothing about a handful of records, */
const RECORDS_BEFORE_RATIO = 50;
/** unless not one of them is good, and all for the same reason: then it is the mapping or the source that is wrong. */
const RECORDS_BEFORE_NONE = 2;

/** The records of a batch passed what the mapping tolerates; they are kept as dead letters all the same. */
export class ToleranceExceeded extends IntegrationError {
  constructor(
    code: string,
    said: Said,
    hint: string,
    /** Those that are not kept yet. */
    public failures: readonly Failure[],
  ) {
    super('guard', code, said, { hint });
  }
}

/**
 * Stops a run whose errors are no exceptions any more, before the batch in hand is committed.
 * @param before counters of the run up to the last commit
 * @throws ToleranceExceeded class guard, PCP_STOPPED_ON_ERROR, PCP_TOO_MANY_ERRORS, PCP_ERROR_RATIO or PCP_ALL_FAILED
 */
export function judgeErrors(
  options: MappingOptions,
  before: RunCounters,
  batch: { counters: RunCounters; failures: readonly Failure[] },
): void {
  const [first] = batch.failures;
  if (first === undefined) return;
  if (options.on_error === 'stop') {
    throw new ToleranceExceeded(
      'PCP_STOPPED_ON_ERROR',
      first.sourceKey === null
        ? phrase`Stopped at the first bad record: ${kindOf(first)}.`
        : phrase`Stopped at the first bad record (${first.sourceKey}): ${kindOf(first)}.`,
      'Correct the record or the mapping and run again, or set options.on_error to "skip".',
      batch.failures,
    );
  }
  const errors = before.errors + batch.counters.errors;
  const read = before.read + batch.counters.read;
  const maxErrors = options.max_errors ?? DEFAULT_MAX_ERRORS;
  const maxRatio = options.max_error_ratio ?? DEFAULT_MAX_ERROR_RATIO;
  const why = phrase`The last one: ${kindOf(batch.failures.at(-1) ?? first)}.`;
  if (errors > maxErrors) {
    throw new ToleranceExceeded(
      'PCP_TOO_MANY_ERRORS',
      phrase`${errors} records failed, more than the ${maxErrors} that the mapping tolerates. ${why}`,
      'Look at the dead-letter groups: one wrong field mapping is the usual cause. options.max_errors changes the limit.',
      batch.failures,
    );
  }
  const tried = read - before.filtered - batch.counters.filtered;
  const kinds = new Set(batch.failures.map((failure) => render(kindOf(failure))));
  if (tried >= RECORDS_BEFORE_NONE && errors === tried && kinds.size === 1 && maxRatio < 1) {
    throw new ToleranceExceeded(
      'PCP_ALL_FAILED',
      phrase`All of the ${errors} records failed for the same reason: ${kindOf(first)}.`,
      'Look at the dead-letter group: a wrong delimiter or field mapping is the usual cause. options.max_error_ratio 1 takes even that.',
      batch.failures,
    );
  }
  if (read >= RECORDS_BEFORE_RATIO && errors / read > maxRatio) {
    throw new ToleranceExceeded(
      'PCP_ERROR_RATIO',
      phrase`${errors} of ${read} records failed, more than the share of ${maxRatio} that the mapping tolerates. ${why}`,
      'Look at the dead-letter groups: one wrong field mapping is the usual cause. options.max_error_ratio changes the limit.',
      batch.failures,
    );
  }
}

/** Only the dead letter, which is sealed, quotes the record. */
function kindOf({ error, field }: Failure): Said {
  return field === null ? error.code : phrase`${error.code} in "${field}"`;
}
