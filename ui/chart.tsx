import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { locale, t } from './words';

export interface Series {
  label: string;
  /** A custom property of the style sheet. */
  colour: string;
  values: number[];
}

interface ChartProps {
  /** Seconds since 1970, ascending, equally far apart. */
  times: number[];
  series: Series[];
  /** What it shows, in words. */
  summary: string;
}

const HEIGHT = 180;

/** Bars over time, one beside the other, in the colours of the theme. */
export function Chart({ times, series, summary }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const parent = place.current;
    if (parent === null) return;
    const chart = new uPlot(optionsOf(parent, times, series), [times, ...series.map(({ values }) => values)], parent);
    const resized = new ResizeObserver(() => chart.setSize({ width: parent.clientWidth, height: HEIGHT }));
    resized.observe(parent);
    const themed = new MutationObserver(() => chart.redraw(false));
    themed.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      resized.disconnect();
      themed.disconnect();
      chart.destroy();
    };
  }, [times, series]);
  return <div class="chart" ref={place} role="img" aria-label={summary} />;
}

function optionsOf(parent: HTMLElement, times: number[], series: Series[]): uPlot.Options {
  const colour = (name: string) => () => resolved(parent, name);
  const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
  const step = (times[1] ?? 0) - (times[0] ?? 0);
  const clock = new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const day = new Intl.DateTimeFormat(locale(), { day: '2-digit', month: '2-digit' });
  const both = new Intl.DateTimeFormat(locale(), { dateStyle: 'short', timeStyle: 'short' });
  return {
    width: parent.clientWidth,
    height: HEIGHT,
    cursor: { drag: { x: false, y: false } },
    scales: {
      // Half a bar more on both sides.
      x: { range: (_chart, first, last) => [first - step / 2, last + step / 2] },
      y: { range: (_chart, _least, most) => [0, Math.max(most * 1.1, 1)] },
    },
    axes: [
      {
        ...axis,
        values: (_chart, splits) =>
          splits.map((at) => {
            const date = new Date(at * 1000);
            return date.getHours() === 0 && date.getMinutes() === 0 ? day.format(date) : clock.format(date);
          }),
      },
      {
        ...axis,
        size: 60,
        // There is no half a record.
        values: (_chart, splits) =>
          splits.map((value) => (Number.isInteger(value) ? value.toLocaleString(locale()) : '')),
      },
    ],
    series: [
      { label: t('at'), value: (_chart, at) => (at === null ? '–' : both.format(new Date(at * 1000))) },
      ...series.map(({ label, colour: name }) => ({
        label,
        fill: colour(name),
        stroke: colour(name),
        width: 0,
        points: { show: false },
        paths: uPlot.paths.bars!({ size: [0.7, 40] }),
        value: (_chart: uPlot, value: number | null) => (value === null ? '–' : value.toLocaleString(locale())),
      })),
    ],
  };
}

/** What a custom property is in the theme of now: a canvas knows neither properties nor themes. */
function resolved(parent: HTMLElement, property: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${property})`;
  parent.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
