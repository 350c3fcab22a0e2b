import Big from 'big.js';
import { isDecimal } from '../../model/formats';

/** What databases compare as the same: without regard to case, padding and notation. */
export function isAlike(ours: unknown, theirs: unknown): boolean {
  const [left, right] = [folded(ours), folded(theirs)];
  if (left === right) return true;
  if (isDecimal(left) && isDecimal(right)) return Big(left).eq(right);
  const [since, until] = [left, right].map((text) => (/^\d{4}-\d\d-\d\dt/.test(text) ? Date.parse(text) : Number.NaN));
  return since === until;
}

function folded(value: unknown): string {
  return String(value ?? '')
    .normalize('NFC')
    .trim()
    .toLowerCase()
    .replace(/^0+(?=\d+$)/, '')
    .replace(/t00:00:00(\.0+)?$/, '');
}
