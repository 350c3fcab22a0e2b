import type { IntegrationError } from '../../../model/errors';
import type { Encoded } from '../../../protocols/modbus/encode';
import { countOf, type WriteFunction, type WriteRequest } from '../../../protocols/modbus/pdu';
import type { Tag } from '../../../protocols/modbus/tag';
import { writeRefused } from '../../write-refused';
import type { WriteRule } from './settings';

const MINUTE_MS = 60_000;

/** What may be written to machines: nothing but what a rule of the connection names. */
export class WriteGuard {
  /** When each rule was used in the last minute. */
  readonly #uses = new Map<WriteRule, number[]>();

  constructor(private readonly rules: readonly WriteRule[]) {}

  /**
   * The request that writes a value as the rules allow it.
   * @throws permission PCP_WRITE_REFUSED
   */
  choose(tag: Tag, encoded: Encoded, value: unknown): { request: WriteRequest; rule: WriteRule } {
    if (this.rules.length === 0) {
      throw refused(`"${tag.name}"`, 'Switch writes on, and say in "writable" what may be written.');
    }
    const requests = requestsFor(tag, encoded);
    for (const request of requests) {
      const rule = this.rules.find((each) => covers(each, tag.unitId, request) && isWithin(each, value));
      if (rule !== undefined) return { request, rule };
    }
    const functions = requests.map((request) => request.function).join(' or ');
    const isOnlyTheValue = this.rules.some((rule) => requests.some((request) => covers(rule, tag.unitId, request)));
    const what = isOnlyTheValue
      ? `${JSON.stringify(value)} to "${tag.name}", which is outside its bounds`
      : `"${tag.name}": it takes function ${functions} on unit ${tag.unitId} at ${tag.table} ${tag.address} (counted from 0)`;
    throw refused(
      what,
      'Add a rule to "writable" with this function, unit, address and value, if this may be written.',
    );
  }

  /**
   * Counts the uses of rules, all or none.
   * @throws permission PCP_WRITE_REFUSED when there were too many within a minute
   */
  count(rules: readonly WriteRule[]): void {
    const now = performance.now();
    const after = new Map<WriteRule, number[]>();
    for (const rule of rules) {
      const uses = after.get(rule) ?? (this.#uses.get(rule) ?? []).filter((at) => now - at < MINUTE_MS);
      after.set(rule, [...uses, now]);
    }
    for (const [rule, uses] of after) {
      if (uses.length > rule.maxPerMinute) {
        throw refused(`more than ${rule.maxPerMinute} times a minute`, 'Write less often, or raise max_per_minute.');
      }
    }
    for (const [rule, uses] of after) this.#uses.set(rule, uses);
  }

  /**
   * The last look at what is about to leave, whoever asked for it.
   * @throws permission PCP_WRITE_REFUSED
   */
  permit(unitId: number, request: WriteRequest): void {
    if (this.rules.some((rule) => covers(rule, unitId, request))) return;
    const { function: code, address } = request;
    throw refused(
      `unit ${unitId} by function ${code} at address ${address}`,
      'Add a rule to "writable" that names this.',
    );
  }
}

/** Each way to write it, the plainest first. */
function requestsFor({ address }: Tag, encoded: Encoded): WriteRequest[] {
  switch (encoded.kind) {
    case 'bit':
      return [
        { function: 5, address, value: encoded.value },
        { function: 15, address, values: [encoded.value] },
      ];
    case 'mask':
      return [{ function: 22, address, and: ~encoded.mask & 0xffff, or: encoded.value }];
    case 'registers': {
      const { registers } = encoded;
      const functions = registers.length === 2 ? ([6, 16, 23] as const) : ([16, 23] as const);
      return functions.map((code) => ({ function: code, address, registers }));
    }
  }
}

function covers(rule: WriteRule, unitId: number, request: WriteRequest): boolean {
  const table = request.function === 5 || request.function === 15 ? 'coil' : 'holding';
  return (
    // 0 would mean all units.
    unitId !== 0 &&
    rule.unitId === unitId &&
    rule.table === table &&
    rule.functions.has(request.function as WriteFunction) &&
    request.address >= rule.address &&
    request.address + countOf(request) <= rule.address + rule.count
  );
}

function isWithin({ min, max }: WriteRule, value: unknown): boolean {
  if (min === undefined && max === undefined) return true;
  const number =
    typeof value === 'number' || (typeof value === 'string' && value.trim() !== '') ? Number(value) : Number.NaN;
  return number >= (min ?? Number.NEGATIVE_INFINITY) && number <= (max ?? Number.POSITIVE_INFINITY);
}

function refused(what: string, hint: string): IntegrationError {
  return writeRefused(what, '/config/writable', hint);
}
