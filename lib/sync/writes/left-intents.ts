import type { Resolution, WriteRecord } from '../../connectors/contract';
import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { RunCounters } from '../../model/sync';
import type { Failure } from '../plan';
import { noCounters } from '../runs/run-rows';
import { DEFAULT_SETTLE_MS } from './announced-writes';
import { addCounters, type RunScope } from './commit';
import { needsIntents } from './guarantee';
import { endIntents, forgetHashes, type LeftIntent, leftIntents, saveLinks } from './links';

/**
 * Settles announced writes whose record did not come again: it is gone from its source, the mapping leaves it out, or it was
 * refused before it was sent. To be called when the source was read to its end: a record that comes tells more than its
 * key, which is all that is left of these. What cannot be looked up becomes a dead letter.
 * @returns what they add to the counters of the run
 */
export async function settleLeftIntents(scope: RunScope): Promise<RunCounters> {
  const { database, lease, ids, clock, letters } = scope;
  const { guarantee } = scope.stream;
  const counters = noCounters();
  const intents = needsIntents(guarantee) ? await leftIntents(database, ids) : [];
  if (intents.length === 0) return counters;
  const startedAt = performance.now();
  const settled = clock.now() - (guarantee.settleMs ?? DEFAULT_SETTLE_MS);
  const resolutions = await lookUp(scope, intents);
  const found: { record: LeftIntent & { hash: null }; externalKey: string | undefined }[] = [];
  const absent: LeftIntent[] = [];
  const lost: Failure[] = [];
  intents.forEach((intent, index) => {
    const resolution = resolutions[index];
    if (resolution?.state === 'found') {
      // With which values is not known.
      const record = { ...intent, hash: null };
      found.push({ record, externalKey: resolution.externalKey ?? intent.targetKey ?? undefined });
    } else if (resolution?.state !== 'absent') lost.push(question(intent, resolution?.error));
    // What was sent just now may still arrive: the next run asks again.
    else if (Math.max(intent.since, lease.quietSince) <= settled) absent.push(intent);
  });
  counters.read = lost.length;
  counters.errors = lost.length;
  await database.transaction(async (transaction) => {
    await lease.assertHeld(transaction);
    await saveLinks(transaction, ids, found, clock.now());
    await forgetHashes(transaction, ids, absent);
    await endIntents(transaction, ids, [
      ...absent.map((record) => ({ record, undecided: false })),
      ...lost.map(({ sourceKey }) => ({ record: { key: sourceKey as string }, undecided: true })),
    ]);
    await letters.keep(transaction, lost, clock.now());
    const activeMs = performance.now() - startedAt;
    await addCounters(scope, transaction, { counters }, { total: undefined, writerState: null, activeMs });
  });
  return counters;
}

/** Asks the target by the keys; undefined for what it cannot be asked about. */
async function lookUp(
  { stream, writer, signal }: RunScope,
  intents: readonly LeftIntent[],
): Promise<(Resolution | undefined)[]> {
  const { guarantee, pageSize, compiled } = stream;
  if (guarantee.lookup !== 'strong') return intents.map(() => undefined);
  const resolutions: (Resolution | undefined)[] = [];
  for (let start = 0; start < intents.length; start += pageSize) {
    const records = intents.slice(start, start + pageSize).map((intent) => keyRecord(intent, compiled.keyFields));
    const asked = await writer.resolve!(
      records.filter((record) => record !== null),
      signal,
    );
    resolutions.push(...records.map((record) => (record === null ? undefined : asked.shift())));
  }
  return resolutions;
}

/** All that is left of a record; null where the mapping has got another key since, or the key was too long to be kept. */
function keyRecord({ key, targetKey, idempotencyKey }: LeftIntent, keyFields: readonly string[]): WriteRecord | null {
  const parts: unknown = key.startsWith('[') ? JSON.parse(key) : null;
  if (!Array.isArray(parts) || parts.length !== keyFields.length) return null;
  const data = Object.fromEntries(keyFields.map((field, index) => [field, parts[index]]));
  const record: WriteRecord = { data, key, hash: '', sourceKey: key, idempotencyKey };
  if (targetKey !== null && targetKey !== key) record.externalKey = targetKey;
  return record;
}

function question({ key, idempotencyKey }: LeftIntent, why: IntegrationError | undefined): Failure {
  const error = new IntegrationError(
    'unknown_outcome',
    'PCP_UNKNOWN_OUTCOME_GONE',
    why === undefined
      ? phrase`The answer to the write of ${key} was lost, the source does not give the record any more, and it cannot be looked up at the target.`
      : phrase`The answer to the write of ${key} was lost, the source does not give the record any more, and the look-up says: ${why.said}`,
  );
  const value = idempotencyKey;
  return { sourceKey: key, payload: null, stage: 'write', field: null, rule: error.code, value, error };
}
