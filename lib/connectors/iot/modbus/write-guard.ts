import type { IntegrationError } from '../../../model/errors';
import type { Encoded } from '../../../protocols/modbus/encode';
import { countOf, type WriteFunction, type WriteRequest } from '../../../protocols/modbus/pdu';
import type { Tag } from '../../../protocols/modbus/tag';
import { writeRefused } from '../../write-refused';
import type { WriteRule } from './settings';

const MINUTE_MS = 60_000;
/** When each rule of a connection was used in the last minute: a connection that is opened anew has not been idle. */
const USES = new Map<number, Map<string, number[]>>();

/** What may be written to machines: nothing but what a rule of the connection names. */
export class WriteGuard {
  readonly #uses: Map<string, number[]>;

  /** @param connection its id; what was written over it in this process counts */
  constructor(
    private readonly rules: readonly WriteRule[],
    connection: number,
  ) {
    this.#uses = USES.get(connection) ?? new Map();
    USES.set(connection, this.#uses);
  }

  /**
   * The request that writes a value as the rules allow it.
   * @param isDeclared the connection says what type and scale the tag has. Where a rule has bounds this is needed: whoever
   * writes to a mere address says himself what his value means.
   * @throws permission PCP_WRITE_REFUSED
   */
  choose(tag: Tag, encoded: Encoded, value: unknown, isDeclared: boolean): { request: WriteRequest; rule: WriteRule } {
    if (this.rules.length === 0) {
      throw refused(`"${tag.name}"`, 'Switch writes on, and say in "writable" what may be written.');
    }
    const requests = requestsFor(tag, encoded);
    for (const request of requests) {
      const rule = this.rules.find(
        (each) => covers(each, tag.unitId, request) && (isDeclared || !hasBounds(each)) && isWithin(each, value),
      );
      if (rule !== undefined) return { request, rule };
    }
    const functions = requests.map((request) => request.function).join(' or ');
    const covering = this.rules.filter((rule) => requests.some((request) => covers(rule, tag.unitId, request)));
    if (!isDeclared && covering.some(hasBounds)) {
      throw refused(
        `"${tag.name}" by its address, since its value has bounds`,
        'Write to the tag that the connection has there.',
      );
    }
    const isOnlyTheValue = covering.length > 0;
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
    const after = new Map<string, number[]>();
    for (const rule of rules) {
      const name = nameOf(rule);
      const uses = after.get(name) ?? (this.#uses.get(name) ?? []).filter((at) => now - at < MINUTE_MS);
      after.set(name, [...uses, now]);
      if (uses.length >= rule.maxPerMinute) {
        throw refused(`more than ${rule.maxPerMinute} times a minute`, 'Write less often, or raise max_per_minute.');
      }
    }
    for (const [name, uses] of after) this.#uses.set(name, uses);
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

function nameOf({ unitId, table, address, count, functions }: WriteRule): string {
  return [unitId, table, address, count, ...functions].join(' ');
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

function hasBounds({ min, max }: WriteRule): boolean {
  return min !== undefined || max !== undefined;
}

function isWithin(rule: WriteRule, value: unknown): boolean {
  if (!hasBounds(rule)) return true;
  const { min, max } = rule;
  const number =
    typeof value === 'number' || (typeof value === 'string' && value.trim() !== '') ? Number(value) : Number.NaN;
  return number >= (min ?? Number.NEGATIVE_INFINITY) && number <= (max ?? Number.POSITIVE_INFINITY);
}

function refused(what: string, hint: string): IntegrationError {
  return writeRefused(what, '/config/writable', hint);
}
