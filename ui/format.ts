import { locale, t } from './words';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function number(value: number): string {
  return value.toLocaleString(locale());
}

export function percent(share: number | null): string {
  if (share === null) return '–';
  // 99.97 % must not look like 100 %.
  const shown = share < 1 ? Math.min(share, 0.999) : 1;
  return shown.toLocaleString(locale(), { style: 'percent', maximumFractionDigits: 1 });
}

/** "3 minutes ago", "in 2 hours". */
export function relative(instant: string | null, now = Date.now()): string {
  if (instant === null) return t('never');
  const distance = Date.parse(instant) - now;
  const length = Math.abs(distance);
  const words = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' });
  if (length < MINUTE) return words.format(Math.round(distance / 1000), 'second');
  if (length < HOUR) return words.format(Math.round(distance / MINUTE), 'minute');
  if (length < DAY) return words.format(Math.round(distance / HOUR), 'hour');
  return words.format(Math.round(distance / DAY), 'day');
}

export function instant(at: string | null): string {
  return at === null ? '–' : new Date(at).toLocaleString(locale(), { dateStyle: 'short', timeStyle: 'medium' });
}

/** By its two largest units: "7 d", "2 h 5 min". */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < MINUTE) return `${(milliseconds / 1000).toLocaleString(locale(), { maximumFractionDigits: 1 })} s`;
  if (milliseconds < HOUR) return inUnits(milliseconds, [MINUTE, 'min'], [1000, 's']);
  if (milliseconds < DAY) return inUnits(milliseconds, [HOUR, 'h'], [MINUTE, 'min']);
  return inUnits(milliseconds, [DAY, 'd'], [HOUR, 'h']);
}

function inUnits(milliseconds: number, [large, largeName]: [number, string], [small, smallName]: [number, string]) {
  const rest = Math.floor((milliseconds % large) / small);
  return `${Math.floor(milliseconds / large)} ${largeName}${rest === 0 ? '' : ` ${rest} ${smallName}`}`;
}

/** As a field for date and time takes it: in the reader's own zone, to the minute. */
export function localInput(at: number): string {
  const zone = new Date(at).getTimezoneOffset() * MINUTE;
  return new Date(at - zone).toISOString().slice(0, 16);
}
