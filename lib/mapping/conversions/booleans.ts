import { type Phrase, phrase } from '../../model/phrase';
import { show, ValueProblem } from '../problems';

const TRUE_WORDS = new Set(['true', 't', '1', 'yes', 'y']);
const FALSE_WORDS = new Set(['false', 'f', '0', 'no', 'n']);

export interface BooleanConversion {
  /** @returns undefined for a blank text that stands for neither. @throws ValueProblem PCP_VALUE_TYPE rule "boolean" */
  parse(value: unknown): boolean | undefined;
  format(value: boolean): unknown;
  /** True when an empty text is one of the two words. */
  readsEmpty: boolean;
}

/**
 * @param format "true word|false word", such as "S|N" or "X|" (empty = false); absent = the usual English words and 1/0
 * @throws Error with a message that continues "the format ..."
 */
export function booleanConversion(format: string | undefined): BooleanConversion {
  if (format === undefined) return { parse: parseUsual, format: (value) => value, readsEmpty: false };
  const words = format.split('|').map((word) => word.trim());
  const [yes, no] = words;
  if (words.length !== 2 || yes === undefined || no === undefined || yes === no) {
    throw new Error('must be two different words with a bar between, true first, such as "S|N" or "X|"');
  }
  return {
    parse(value) {
      if (typeof value === 'boolean') return value;
      const text = typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : undefined;
      if (text === yes) return true;
      if (text === no) return false;
      if (text === '') return undefined;
      throw notBoolean(value, phrase`${show(value)} is neither "${yes}" (true) nor "${no}" (false)`);
    },
    format: (value) => (value ? yes : no),
    readsEmpty: yes === '' || no === '',
  };
}

function parseUsual(value: unknown): boolean | undefined {
  const truth = parseUsualBoolean(value);
  if (truth !== undefined) return truth;
  if (typeof value === 'string' && value.trim() === '') return undefined;
  throw notBoolean(value, phrase`${show(value)} is not a truth value`);
}

/** @returns undefined for what is no usual word of true and false */
export function parseUsualBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (value === 1) return true;
  if (value === 0) return false;
  if (typeof value === 'string') {
    const word = value.trim().toLowerCase();
    if (TRUE_WORDS.has(word)) return true;
    if (FALSE_WORDS.has(word)) return false;
  }
  return undefined;
}

function notBoolean(value: unknown, said: Phrase): ValueProblem {
  const hint = 'Name the two words with "format", such as "S|N".';
  return new ValueProblem('PCP_VALUE_TYPE', 'boolean', said, value, hint);
}
