import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { SourceRecord } from '../../contract';
import { isSame } from '../same-record';
import type { Found } from './posted';
import { type Posting, type Row, refused } from './posting';

/** What has to be sent for a record: nothing, or a row; of what it changes it tells how that is now. */
export type Step = 'nothing' | { replaces: boolean; changed?: SourceRecord };

/**
 * @param name by which people find it again
 * @param given what the record says
 * @param there what E-Business Suite knows of it
 * @throws data PCP_EBS_POSTED_BEFORE, PCP_EBS_VALUE; transient PCP_EBS_UNDER_WAY
 */
export function stepFor(posting: Posting, name: string, given: Row, there: Found | undefined): Step {
  if (there === undefined) return { replaces: false };
  return posting.changes === undefined
    ? stepOfTransaction(name, given, there)
    : stepOfChange(posting, name, given, there);
}

function stepOfTransaction(name: string, given: Row, there: Found): Step {
  if (there.state === 'refused') return { replaces: true };
  if (isSame(given, there.data)) return 'nothing';
  throw new IntegrationError(
    'data',
    'PCP_EBS_POSTED_BEFORE',
    phrase`It was sent before as ${name}, with other values; a transaction cannot be changed.`,
    {
      isFixed: true,
      hint: 'Reverse it in E-Business Suite by a return, and send the corrected record under a key of its own.',
    },
  );
}

/** A row that nobody has taken up yet gives way to a newer one: of two that wait it would be open which comes last. */
function stepOfChange({ changes, keyFrom = [] }: Posting, name: string, given: Row, there: Found): Step {
  const { state, posted = state === 'posted' ? there.data : undefined } = there;
  // A refused row changes nothing.
  const held = state === 'refused' ? (posted ?? {}) : there.data;
  if (isWholly(given, held)) return 'nothing';
  for (const field of posted === undefined ? [] : [...keyFrom, ...changes!.constant]) {
    if (given[field] !== undefined && field in posted! && !isWholly({ [field]: given[field] }, posted!)) {
      throw refused(field, given[field], phrase`cannot be changed: ${name} has another one`);
    }
  }
  if (state === 'under_way' && there.isPending !== true) throw underWay(name);
  return { replaces: state !== 'posted', ...(posted !== undefined && { changed: posted }) };
}

/** Other than a transaction, what can be changed shows what it has: nothing is a value. */
function isWholly(given: Row, held: SourceRecord): boolean {
  const shown = Object.entries(given).filter(([field]) => field in held);
  const lacks = (field: string) => held[field] === null || held[field] === undefined;
  return Object.keys(held).length > 0 && !shown.some(([field]) => lacks(field)) && isSame(given, held);
}

function underWay(name: string): IntegrationError {
  return new IntegrationError('transient', 'PCP_EBS_UNDER_WAY', phrase`An earlier change of ${name} is being loaded.`, {
    hint: 'It is sent when that is done. If it never is, look at the concurrent request WIP Mass Load and at the pending jobs.',
  });
}
