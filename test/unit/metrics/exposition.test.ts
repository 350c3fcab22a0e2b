import assert from 'node:assert/strict';
import { exposition, histogram } from '../../../lib/metrics/exposition';
import { parsed } from './prometheus';

describe('text for Prometheus', () => {
  it('keeps whatever stands in labels and help', () => {
    const odd = 'a "quoted" \\ back\\nslash\nand {a="b"} line';
    const text = exposition([
      { name: 'odd', type: 'gauge', help: `What ${odd}`, samples: [{ labels: { kind: odd, empty: '' }, value: 0.5 }] },
    ]);
    const [family] = parsed(text).families;
    assert.equal(family?.help, `What ${odd}`);
    assert.deepEqual(family?.metrics, [{ labels: { kind: odd, empty: '' }, value: '0.5' }]);
  });

  it('writes numbers as they are, and leaves out what has no samples', () => {
    const samples = [1e21, 0.1, Number.POSITIVE_INFINITY, Number.NaN].map((value, at) => ({ labels: { at }, value }));
    const none = { name: 'none', type: 'gauge', help: 'None.', samples: [] } as const;
    const text = exposition([
      { ...none, samples: [] },
      { name: 'n', type: 'gauge', help: 'Numbers.', samples },
    ]);
    const [family, ...others] = parsed(text).families;
    assert.deepEqual(others, []);
    assert.deepEqual(
      family?.metrics.map(({ value }) => value),
      ['1e+21', '0.1', '+Inf', 'NaN'],
    );
    assert.ok(text.endsWith('\n'));
  });

  it('has cumulative buckets that end with all', () => {
    const samples = histogram({ mapping: 1 }, [1, 10], [2, 3], { count: 4, sum: 60.5 });
    const text = exposition([{ name: 'time_seconds', type: 'histogram', help: 'Time.', samples }]);
    assert.deepEqual(parsed(text).histogram('integration_time_seconds', { mapping: '1' }), {
      buckets: { 1: 2, 10: 3, '+Inf': 4 },
      ...{ sum: 60.5, count: 4 },
    });
  });
});
