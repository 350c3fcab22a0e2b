import type { RecordTest } from '../../lib/mapping/filters';
import { IntegrationError } from '../../lib/model/errors';
import type { Filter } from '../../lib/model/mapping';

/**
 * The conditions as one test. Connectors may give more than what was asked for, so they are judged again here.
 * @throws config PCP_NODE_SETTING for an expression: those run in mappings only, away from Node-RED's process
 */
export async function recordTest(filters: readonly Filter[]): Promise<RecordTest> {
  if (filters.length === 0) return () => true;
  const { compileFilter, isFieldFilter } = await import('../../lib/mapping/filters.js');
  const tests = filters.map((filter, index) => {
    if (isFieldFilter(filter)) return compileFilter(filter, undefined, `/filters/${index}`);
    throw new IntegrationError('config', 'PCP_NODE_SETTING', 'A filter of this node cannot be an expression.', {
      path: `/filters/${index}`,
      hint: 'Compare fields here, or use a mapping with pcp-map.',
    });
  });
  return (record) => {
    try {
      return tests.every((test) => test(record));
    } catch (cause) {
      if (cause instanceof IntegrationError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new IntegrationError('data', 'PCP_FILTER_VALUE', `A filter cannot judge a record: ${reason}`, { cause });
    }
  };
}
