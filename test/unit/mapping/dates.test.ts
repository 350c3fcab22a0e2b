import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { DAY_MS, DateParts, MAX_INSTANT, MIN_INSTANT } from '../../../lib/mapping/conversions/calendar';
import { dateConversion, datetimeConversion } from '../../../lib/mapping/conversions/dates';
import { zoneOf } from '../../../lib/mapping/conversions/time-zones';
import { ValueProblem } from '../../../lib/mapping/problems';
import { isDate, isDateTime } from '../../../lib/model/formats';
import { refused } from './support';

const SAO_PAULO = 'America/Sao_Paulo';
const instant = (text: unknown, format?: string, timezone = 'UTC') =>
  datetimeConversion({ timezone, ...(format !== undefined && { format }) }).parse(text);
const day = (text: unknown, format?: string, timezone = 'UTC') =>
  dateConversion({ timezone, ...(format !== undefined && { format }) }).parse(text);

describe('dates and datetimes', () => {
  it('reads ISO 8601 with and without offset, cutting what is finer than milliseconds', () => {
    assert.equal(instant('2026-11-23T10:00:00Z'), '2026-11-23T10:00:00.000Z');
    assert.equal(instant('2026-11-23T10:00:00.999999Z'), '2026-11-23T10:00:00.999Z');
    assert.equal(instant('2026-11-23T10:00:00,5-03:00'), '2026-11-23T13:00:00.500Z');
    assert.equal(instant('2026-11-23t10:00:00z'), '2026-11-23T10:00:00.000Z');
    assert.equal(instant('2026-11-23 10:00 +0545'), '2026-11-23T04:15:00.000Z');
    assert.equal(instant('2026-11-23 10:00', undefined, SAO_PAULO), '2026-11-23T13:00:00.000Z');
    assert.equal(instant('2026-11-23', undefined, SAO_PAULO), '2026-11-23T03:00:00.000Z');
    assert.equal(instant(new Date(0)), '1970-01-01T00:00:00.000Z');
    assert.equal(instant('   '), undefined);
  });

  it('refuses days and times that do not exist', () => {
    const wrong = [
      '2026-02-30',
      '2100-02-29',
      '2026-13-01',
      '2026-00-10',
      '0000-00-00',
      '0000-01-01',
      '20261123',
      'today',
    ];
    for (const text of wrong) {
      refused(() => day(text), 'PCP_VALUE_DATE', 'date');
      refused(() => instant(text), 'PCP_VALUE_DATE', 'date');
    }
    for (const text of [
      '2026-11-23T24:00:00Z',
      '2026-11-23T10:60:00Z',
      '2026-11-23T10:00:60Z',
      '2026-11-23T10:00:00+24:00',
    ]) {
      refused(() => instant(text), 'PCP_VALUE_DATE', 'date');
    }
    refused(() => instant('0001-01-01T00:00:00+01:00'), 'PCP_VALUE_RANGE', 'date');
    refused(() => instant(1795428000), 'PCP_VALUE_DATE', 'date');
    refused(() => day('30/02/2026', 'DD/MM/YYYY'), 'PCP_VALUE_DATE', 'date');
    refused(() => day('1/2/2026', 'DD/MM/YYYY'), 'PCP_VALUE_DATE', 'date');
    refused(() => day('01/02/2026x', 'DD/MM/YYYY'), 'PCP_VALUE_DATE', 'date');
  });

  it('gives the day of an instant in the zone', () => {
    assert.equal(day('2026-11-24T01:00:00Z', undefined, SAO_PAULO), '2026-11-23');
    assert.equal(day('2008-04-30 00:00:00'), '2008-04-30');
    assert.equal(day(new Date('2026-11-24T01:00:00Z'), undefined, SAO_PAULO), '2026-11-23');
  });

  it('reads patterns', () => {
    assert.equal(day('20261123', 'YYYYMMDD'), '2026-11-23');
    assert.equal(day(20261123, 'YYYYMMDD'), '2026-11-23');
    assert.equal(day('3/7/26', 'D/M/YY'), '2026-07-03');
    assert.equal(day('31/12/70', 'DD/MM/YY'), '1970-12-31');
    assert.equal(day('23-NOV-2026', 'DD-MMM-YYYY'), '2026-11-23');
    assert.equal(instant('11/23/2026 01:05 PM', 'MM/DD/YYYY hh:mm A'), '2026-11-23T13:05:00.000Z');
    assert.equal(instant('11/23/2026 12:05 am', 'MM/DD/YYYY hh:mm a'), '2026-11-23T00:05:00.000Z');
    assert.equal(instant('2026-11-23T10:00:00.25-0300', 'YYYY-MM-DDTHH:mm:ss.SSSZZ'), '2026-11-23T13:00:00.250Z');
    assert.equal(instant('às 10h de 23/11/2026', '[às] HH[h de] DD/MM/YYYY'), '2026-11-23T10:00:00.000Z');
  });

  it('takes zeros and blanks of a pattern for no date', () => {
    assert.equal(day('00000000', 'YYYYMMDD'), undefined);
    assert.equal(day('00.00.0000', 'DD.MM.YYYY'), undefined);
    assert.equal(day('        ', 'YYYYMMDD'), undefined);
  });

  it('reads counts from 1970 and OData V2', () => {
    assert.equal(instant(1795428000, 'unix'), '2026-11-23T10:00:00.000Z');
    assert.equal(instant('1795428000.5', 'unix'), '2026-11-23T10:00:00.500Z');
    assert.equal(instant('-1', 'unix_ms'), '1969-12-31T23:59:59.999Z');
    assert.equal(instant('/Date(1795428000000+0060)/', 'odata-v2'), '2026-11-23T10:00:00.000Z');
    refused(() => instant('soon', 'unix'), 'PCP_VALUE_DATE', 'date');
    refused(() => instant('1e30', 'unix_ms'), 'PCP_VALUE_RANGE', 'date');
    refused(() => instant('/Date(x)/', 'odata-v2'), 'PCP_VALUE_DATE', 'date');
  });

  it('moves a time that the clocks skip to after the gap, and takes the first of one that comes twice', () => {
    const format = 'DD/MM/YYYY HH:mm';
    assert.equal(instant('04/11/2018 00:30', format, SAO_PAULO), '2018-11-04T03:30:00.000Z');
    assert.equal(instant('17/02/2018 23:30', format, SAO_PAULO), '2018-02-18T01:30:00.000Z');
    assert.equal(instant('29/03/2026 02:30', format, 'Europe/Berlin'), '2026-03-29T01:30:00.000Z');
    assert.equal(instant('25/10/2026 02:30', format, 'Europe/Berlin'), '2026-10-25T00:30:00.000Z');
    assert.equal(instant('15/01/2019 10:00', format, SAO_PAULO), '2019-01-15T12:00:00.000Z');
    assert.equal(instant('05/10/2025 02:15', format, 'Australia/Lord_Howe'), '2025-10-04T15:45:00.000Z');
  });

  it('refuses formats that mean something else', () => {
    const compile = (format: string) => () => dateConversion({ format, timezone: 'UTC' });
    assert.throws(compile('dd/mm/yyyy'), /"mm" means minutes/);
    assert.throws(compile('DD/MM/YYYY hh:mm'), /needs "hh" and "A" together/);
    assert.throws(compile('DD of MM YYYY'), /put plain text in \[brackets\]/);
    assert.throws(compile('HH:mm'), /needs year, month and day/);
    assert.throws(() => dateConversion({ timezone: 'Mars/Olympus' }), /unknown time zone "Mars\/Olympus"/);
  });

  it('writes what it reads, for every instant and format that holds milliseconds', () => {
    const formats = ['iso', 'unix', 'unix_ms', 'odata-v2', 'YYYY-MM-DDTHH:mm:ss.SSSZ', 'DD/MM/YYYY hh:mm:ss.SSS A ZZ'];
    const zones = ['UTC', SAO_PAULO, 'Europe/Berlin', 'Asia/Kathmandu'];
    const since1950 = Date.UTC(1950, 0);
    fc.assert(
      fc.property(
        fc.integer({ min: since1950, max: MAX_INSTANT - DAY_MS }),
        fc.constantFrom(...formats),
        fc.constantFrom(...zones),
        (milliseconds, format, timezone) => {
          const conversion = datetimeConversion({ format, timezone });
          const text = new Date(milliseconds).toISOString();
          assert.equal(conversion.parse(conversion.format(text)), text);
        },
      ),
    );
  });

  it('gives nothing but days and instants that exist, or refuses: nobody checks them again', () => {
    const two = (text: string) => fc.stringMatching(new RegExp(`^${text}$`));
    const time = fc.tuple(
      two('[Tt ]'),
      two('[012]\\d'),
      two('[0-6]\\d'),
      two('(:[0-6]\\d([.,]\\d{1,4})?)?'),
      two('([Zz]|[+-][012]\\d:?\\d\\d)?'),
    );
    const date = fc.tuple(two('(0000|0001|9999|19\\d\\d|2\\d\\d\\d)'), two('[01]\\d'), two('[0-3]\\d'));
    const texts = fc
      .tuple(date, fc.option(time))
      .map(([[y, m, d], t]) => `${y}-${m}-${d}${t === null ? '' : `${t[0]}${t[1]}:${t[2]}${t[3]}${t[4]}`}`);
    const zones = fc.constantFrom('UTC', SAO_PAULO, 'Pacific/Kiritimati');
    const made = (make: () => string | undefined): string | undefined => {
      try {
        return make();
      } catch (problem) {
        if (problem instanceof ValueProblem) return undefined;
        throw problem;
      }
    };
    let count = 0;
    const check = (value: unknown, format: string | undefined, zone: string) => {
      const [one, other] = [made(() => day(value, format, zone)), made(() => instant(value, format, zone))];
      if (one !== undefined) assert.ok(isDate(one), one);
      if (other !== undefined) assert.ok(isDateTime(other), other);
      if (one !== undefined && other !== undefined) count++;
    };
    fc.assert(
      fc.property(texts, zones, (text, zone) => check(text, undefined, zone)),
      { numRuns: 3000 },
    );
    fc.assert(fc.property(date, zones, ([y, m, d], zone) => check(`${d}/${m}/${y}`, 'DD/MM/YYYY', zone)));
    fc.assert(fc.property(fc.double(), zones, (number, zone) => check(number, 'unix', zone)));
    const edges = fc.integer({ min: -DAY_MS, max: DAY_MS });
    const near = fc.tuple(fc.constantFrom(MIN_INSTANT, MAX_INSTANT), edges).map(([edge, by]) => edge + by);
    fc.assert(fc.property(near, zones, (number, zone) => check(number, 'unix_ms', zone)));
    assert.ok(count > 100, String(count));
  });

  it('agrees with Date about the calendar from year 1 to 9999', () => {
    const parts = new DateParts();
    fc.assert(
      fc.property(fc.integer({ min: MIN_INSTANT, max: MAX_INSTANT }), (milliseconds) => {
        parts.setMilliseconds(milliseconds);
        assert.equal(parts.instantText(), new Date(milliseconds).toISOString());
        assert.equal(parts.milliseconds(), milliseconds);
        assert.ok(isDateTime(parts.instantText()) && isDate(parts.dateText()));
      }),
    );
  });

  it('finds the local time of every instant again outside of overlaps', () => {
    const zone = zoneOf(SAO_PAULO);
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2030, 0) }), (milliseconds) => {
        const local = milliseconds + zone.offsetAt(milliseconds);
        const again = zone.toInstant(local);
        assert.ok(again === milliseconds || again + zone.offsetAt(again) === local);
      }),
    );
  });

  const corpus = path.resolve('../shared/data/corpora/own/dates.json');
  if (existsSync(corpus)) {
    interface Corpus {
      valid: { in: string; epochMs: number }[];
      invalidAsInstant: string[];
      withFormatAndZone: { in: string; format: string; tz?: string; iso: string | null }[];
    }
    const { valid, invalidAsInstant, withFormatAndZone } = JSON.parse(readFileSync(corpus, 'utf8')) as Corpus;
    // Without an offset they are no instants; here the zone of the mapping completes them.
    const completed = ['2026-11-23 10:00', '2026-11-23T10:00:00', ''];

    it('passes the date corpus', () => {
      for (const { in: text, epochMs } of valid) assert.equal(instant(text), new Date(epochMs).toISOString(), text);
      for (const text of invalidAsInstant.filter((one) => !completed.includes(one))) {
        assert.throws(() => instant(text), ValueProblem, text);
      }
      for (const { in: text, format, tz = 'UTC', iso } of withFormatAndZone) {
        if (iso === 'GAP' || iso === 'OVERLAP') continue;
        assert.equal(instant(text, format, tz), iso === null ? undefined : iso.replace('Z', '.000Z'), text);
      }
    });
  }
});
