import type { SourceRecord } from '../connectors/contract';
import type { ExpressionEvaluator } from '../mapping/contract';
import { compileFilter, isFieldFilter } from '../mapping/filters';
import { IntegrationError } from '../model/errors';
import type { Filter } from '../model/mapping';

/**
 * The records that fulfil every condition. Connectors may give more than what they were asked for, so what they were told
 * is judged again here.
 * @throws config PCP_MAPPING_INVALID for a filter that makes no sense, data PCP_FILTER_VALUE for a record that cannot be
 * judged
 */
export function recordFilter(
  filters: readonly Filter[],
  expressions: ExpressionEvaluator,
): (records: SourceRecord[], signal: AbortSignal) => Promise<SourceRecord[]> {
  const tests = filters.flatMap((filter, index) =>
    isFieldFilter(filter) ? [compileFilter(filter, undefined, `/filters/${index}`)] : [],
  );
  const texts = filters.flatMap((filter) => (isFieldFilter(filter) ? [] : [filter.expression]));
  return async (records, signal) => {
    let kept = records.filter((record) => tests.every((test) => judged(() => test(record))));
    for (const expression of texts) {
      const outcomes = await expressions.evaluate(expression, kept, signal);
      kept = kept.filter((_, index) => {
        const outcome = outcomes[index];
        if (outcome !== undefined && 'error' in outcome) throw outcome.error;
        return outcome?.value === true;
      });
    }
    return kept;
  };
}

function judged(test: () => boolean): boolean {
  try {
    return test();
  } catch (cause) {
    if (cause instanceof IntegrationError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new IntegrationError('data', 'PCP_FILTER_VALUE', `A filter cannot judge a record: ${reason}`, { cause });
  }
}
