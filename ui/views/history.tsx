import { useMemo, useState } from 'preact/hooks';
import type { RunMetrics } from '../../lib/model/metrics';
import { get } from '../api';
import { Chart } from '../chart';
import { number, percent } from '../format';
import { Failure, Panel } from '../parts';
import { usePolled } from '../polled';
import { t, type Word } from '../words';

const HOUR = 3_600_000;

/** What can be looked back at, and how long each bar is. */
const RANGES = {
  day: { hours: 24, period: 'hour', step: HOUR },
  week: { hours: 7 * 24, period: 'hour', step: HOUR },
  month: { hours: 30 * 24, period: 'day', step: 24 * HOUR },
} as const;
type Range = keyof typeof RANGES;

const EVERY_MS = 30_000;

/** Throughput and errors over time, of one connection or of all. */
export function History({ connectionId }: { connectionId?: number }) {
  const [range, setRange] = useState<Range>('day');
  const { hours, period, step } = RANGES[range];
  const { value, error } = usePolled(
    `history ${range} ${connectionId}`,
    () => {
      // Periods begin at full hours or days (UTC).
      const from = new Date(Math.floor((Date.now() - hours * HOUR) / step) * step).toISOString();
      const of = connectionId === undefined ? '' : `&connection_id=${connectionId}`;
      return get<{ from: string; to: string; items: RunMetrics[] }>(
        `metrics/summary?period=${period}&from=${encodeURIComponent(from)}${of}`,
      );
    },
    EVERY_MS,
  );
  const bars = useMemo(() => (value === undefined ? undefined : barsOf(value, step)), [value, step]);
  return (
    <div class="charts">
      <Panel
        title={t('throughput')}
        aside={
          <select
            aria-label={t('range')}
            value={range}
            onChange={({ currentTarget }) => setRange(currentTarget.value as Range)}
          >
            {Object.keys(RANGES).map((name) => (
              <option key={name} value={name}>
                {t(`range.${name}` as Word)}
              </option>
            ))}
          </select>
        }
      >
        {error && <Failure error={error} />}
        {bars && <Chart times={bars.times} series={bars.records} summary={bars.volume} />}
      </Panel>
      <Panel title={t('outcomes')} aside={bars && <span class="quiet">{bars.summary}</span>}>
        {bars && <Chart times={bars.times} series={bars.runs} summary={bars.summary} />}
      </Panel>
    </div>
  );
}

function barsOf({ from, to, items }: { from: string; to: string; items: RunMetrics[] }, step: number) {
  const found = new Map(items.map((item) => [Math.floor(Date.parse(item.from) / step), item]));
  const first = Math.floor(Date.parse(from) / step);
  const last = Math.floor((Date.parse(to) - 1) / step);
  const slots = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const series = (label: Word, colour: string, value: (item: RunMetrics) => number) => ({
    label: t(label),
    colour,
    values: slots.map((slot) => {
      const item = found.get(slot);
      return item === undefined ? 0 : value(item);
    }),
  });
  const total = (value: (item: RunMetrics) => number) => items.reduce((sum, item) => sum + value(item), 0);
  const well = total(({ runs }) => runs.succeeded + runs.partial);
  const failed = total(({ runs }) => runs.failed);
  const rate = well + failed === 0 ? null : well / (well + failed);
  return {
    times: slots.map((slot) => (slot * step) / 1000),
    records: [
      series('records', '--busy', ({ records }) => records.processed),
      series('refused', '--bad', ({ records }) => records.errors),
    ],
    runs: [
      series('runs.well', '--good', ({ runs }) => runs.succeeded + runs.partial),
      series('runs.failed', '--bad', ({ runs }) => runs.failed),
    ],
    volume: t('volume', {
      records: number(total(({ records }) => records.processed)),
      refused: number(total(({ records }) => records.errors)),
    }),
    summary: t('summary', { rate: percent(rate), runs: number(well + failed) }),
  };
}
