/**
 * The proleptic Gregorian calendar in days since 1970-01-01, years 1 to 9999.
 * Algorithms: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (howardhinnant.github.io/date_algorithms.html).
 */

export const DAY_MS = 86_400_000;
/** 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z in ms since 1970. */
export const MIN_INSTANT = -62_135_596_800_000;
export const MAX_INSTANT = 253_402_300_799_999;

const TWO_DIGITS = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'));
/** "T05:07:" by the minute of the day, and ":09.000Z" without its colon by the second: most instants are joined from them. */
const MINUTES = Array.from({ length: 1440 }, (_, n) => `T${twoDigits(Math.trunc(n / 60))}:${twoDigits(n % 60)}:`);
const WHOLE_SECONDS = Array.from({ length: 60 }, (_, second) => `${twoDigits(second)}.000Z`);
/** Texts of days, each in the slot of its day: a source speaks of the same few years with every record. */
const DAY_SLOTS = 4096;
const slotDays = new Int32Array(DAY_SLOTS);
const slotTexts: string[] = new Array(DAY_SLOTS).fill('');
const MONTH_DAYS = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** A date and time as somebody wrote it. `offset` is in minutes east of UTC, or null when none was given. */
export class DateParts {
  year = 0;
  month = 1;
  day = 1;
  hour = 0;
  minute = 0;
  second = 0;
  millisecond = 0;
  offset: number | null = null;

  reset(): void {
    this.year = 0;
    this.month = 1;
    this.day = 1;
    this.hour = 0;
    this.minute = 0;
    this.second = 0;
    this.millisecond = 0;
    this.offset = null;
  }

  /** True when this date and time exist: no 30 February, no hour 24, no second 60, years 1 to 9999. */
  exists(): boolean {
    return (
      this.year >= 1 &&
      this.year <= 9999 &&
      this.month >= 1 &&
      this.month <= 12 &&
      this.day >= 1 &&
      this.day <= daysInMonth(this.year, this.month) &&
      this.hour <= 23 &&
      this.minute <= 59 &&
      this.second <= 59
    );
  }

  /** Milliseconds since 1970 as if the parts were UTC. */
  milliseconds(): number {
    const seconds = (this.hour * 60 + this.minute) * 60 + this.second;
    return daysFromCivil(this.year, this.month, this.day) * DAY_MS + seconds * 1000 + this.millisecond;
  }

  /** Sets all parts from milliseconds since 1970, as if they were UTC. */
  setMilliseconds(milliseconds: number): void {
    const days = Math.floor(milliseconds / DAY_MS);
    let rest = milliseconds - days * DAY_MS;
    this.setDays(days);
    this.millisecond = rest % 1000;
    rest = (rest - this.millisecond) / 1000;
    this.second = rest % 60;
    rest = (rest - this.second) / 60;
    this.minute = rest % 60;
    this.hour = (rest - this.minute) / 60;
    this.offset = null;
  }

  private setDays(days: number): void {
    const shifted = days + 719_468;
    const era = Math.floor(shifted / 146_097);
    const dayOfEra = shifted - era * 146_097;
    const yearOfEra = Math.floor(
      (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
    );
    const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
    const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
    this.day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
    this.month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
    this.year = yearOfEra + era * 400 + (this.month <= 2 ? 1 : 0);
  }

  /** "2026-11-24" */
  dateText(): string {
    const day = (this.year * 13 + this.month) * 32 + this.day;
    const slot = day % DAY_SLOTS;
    if (slotDays[slot] !== day) {
      slotTexts[slot] = `${yearText(this.year)}-${twoDigits(this.month)}-${twoDigits(this.day)}`;
      slotDays[slot] = day;
    }
    return slotTexts[slot]!;
  }

  /** "2026-11-24T05:00:00.000Z", of parts that are UTC. */
  instantText(): string {
    const minutes = this.dateText() + MINUTES[this.hour * 60 + this.minute]!;
    if (this.millisecond === 0) return minutes + WHOLE_SECONDS[this.second]!;
    return `${minutes}${twoDigits(this.second)}.${threeDigits(this.millisecond)}Z`;
  }
}

function daysInMonth(year: number, month: number): number {
  if (month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)) return 29;
  return MONTH_DAYS[month]!;
}

function daysFromCivil(year: number, month: number, day: number): number {
  const shiftedYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

export function twoDigits(number: number): string {
  return TWO_DIGITS[number]!;
}

export function threeDigits(number: number): string {
  return number < 10 ? `00${number}` : number < 100 ? `0${number}` : String(number);
}

export function yearText(year: number): string {
  return year >= 1000 ? String(year) : String(year).padStart(4, '0');
}
