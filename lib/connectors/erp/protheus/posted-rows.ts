import { isDate } from '../../../model/formats';
import { phrase } from '../../../model/phrase';
import { pathSegment } from '../../../protocols/http/url';
import type { Json } from '../../../protocols/totvs/answer';
import { type FieldType, refusedValue, writtenField } from '../../../protocols/totvs/field';
import { missingFields, queryTable } from '../../../protocols/totvs/generic-query';
import { externalKey } from '../external-key';
import { inTermsOf, isSame } from '../same-record';
import type { Catalogue, TableEntity } from './catalogue';
import { ambiguous, otherRecord } from './lookup-failures';
import type { Posting } from './presets';
import { type Found, JSON_BODY, type Records, type WriteRequest } from './records';

/** A moment on the clock of the server; it keeps minutes. */
const MOMENT = /^(\d{4}-\d\d-\d\d)T(([01]\d|2[0-3]):[0-5]\d)/;

/** Rows of a table that a route of the module posts: found by the field that keeps our key, and not changed afterwards. */
export class PostedRows implements Records {
  readonly isDocument = true;

  constructor(
    private readonly catalogue: Catalogue,
    private readonly entity: TableEntity,
    private readonly posting: Posting,
  ) {}

  fieldsOf(data: Json): Json {
    const { key, moment } = this.posting;
    const value = data[key] ?? '';
    if (value === '') throw refusedValue(key, undefined, phrase`must not be empty`);
    const written = data[moment.name] ?? '';
    const [, day, time] = MOMENT.exec(String(written)) ?? [];
    if (written !== '' && !isDate(day ?? '')) {
      throw refusedValue(moment.name, written, phrase`must be a day and a time (2026-11-27T06:30)`);
    }
    return {
      ...data,
      ...(day !== undefined && { [moment.name]: `${day}T${time}` }),
      [key]: externalKey(value, { form: 'short' }, this.catalogue.settings.sender),
    };
  }

  keyOf(data: Json): string {
    return String(data[this.posting.key]);
  }

  async find(data: Json, signal: AbortSignal): Promise<Found | null> {
    const row = await this.#rowOf(data, signal);
    if (row === null) return null;
    const { path, headers, number } = this.posting;
    const target = `${path}/${pathSegment(String(row[number]))}`;
    return {
      data: row,
      change: () => (isSame(data, row) ? null : { method: 'PUT', target, headers }),
      removal: () => ({ method: 'DELETE', target, headers }),
      inTermsOf: (ours) => inTermsOf(ours, data, row),
    };
  }

  async creation(data: Json): Promise<WriteRequest> {
    const { path, headers } = this.posting;
    const body = JSON.stringify(this.#bodyOf(data));
    return { method: 'POST', target: path, headers: { ...headers, ...JSON_BODY }, body };
  }

  /** Only what is there is deleted. */
  isGone(): boolean {
    return false;
  }

  async #rowOf(data: Json, signal: AbortSignal): Promise<Json | null> {
    const { session, settings } = this.catalogue;
    const { key, number, compared, moment } = this.posting;
    // The other fields are for those who work on it: a planner gives it another priority.
    const types: Readonly<Record<string, FieldType>> = this.entity.preset?.fields ?? {};
    const fields = Object.fromEntries(
      [key, number, ...compared, ...moment.fields].map((name) => [name, types[name] ?? 'C']),
    );
    const conditions = [{ field: key, operator: '=' as const, value: data[key] }];
    const query = { table: this.entity.table, fields, conditions, page: 1, pageSize: 2 };
    const { rows, missing } = await queryTable(session, settings.query, query, signal);
    if (missing.length > 0) throw missingFields(this.entity.table, missing);
    const own = rows.filter((row) => row[key] === data[key]);
    if (own.length < rows.length) throw otherRecord(this.entity, [key]);
    if (own.length > 1) throw ambiguous(this.entity, [key]);
    const [day, time] = moment.fields;
    return own[0] ? { ...own[0], [moment.name]: `${own[0][day]}T${own[0][time]}` } : null;
  }

  /** @throws data PCP_TOTVS_VALUE: nothing was sent then */
  #bodyOf(data: Json): Json {
    const { body, required, moment } = this.posting;
    for (const field of required) {
      if ((data[field] ?? '') === '') throw refusedValue(field, undefined, phrase`must not be empty`);
    }
    const told = Object.entries(data).filter(([, value]) => (value ?? '') !== '');
    const written = told.map(([field, value]) => {
      if (field === moment.name) return [field, String(value).replaceAll('-', '').replace('T', ' ')];
      const member = body[field];
      if (member === undefined) throw refusedValue(field, undefined, phrase`is none of this API`);
      if (member.is !== undefined) return [member.name, value === member.is];
      return [member.name, writtenField(field, value, member.type ?? 'C', member.length)];
    });
    return Object.fromEntries(written);
  }
}
