import type { SourceRecord, WriteRecord, WriteResult } from '../../connectors/contract';
import { IntegrationError } from '../../model/errors';
import type { RunCounters } from '../../model/sync';
import type { SqlTransaction } from '../../protocols/sql/database';
import { type BatchPlan, type Failure, reasonOfRefusal } from '../plan';
import { COUNTERS, noCounters } from '../runs/run-rows';
import { AnnouncedWrites, refusedWrite } from './announced-writes';
import type { RunScope } from './commit';
import { needsIntents } from './guarantee';
import { forgetHashes, type Link, linksOf, type RefusedWrite } from './links';
import { type OwnUpdate, withoutOwn, writeOwn } from './own-updates';

/** A record that is sent, and where it came from. */
interface Sent {
  record: WriteRecord;
  origin: SourceRecord;
}

type WrittenOutcome = Exclude<WriteResult['outcome'], 'failed' | 'unknown'>;

/** What became of a page. */
export interface BatchOutcome {
  counters: RunCounters;
  failures: Failure[];
  /** Records that failed just as somebody has decided about. */
  decided: Failure[];
  written: { record: WriteRecord; externalKey: string | undefined; outcome: WrittenOutcome }[];
  unchanged: WriteRecord[];
  /** Of the failures, those that the target refused. */
  refused: RefusedWrite[];
  /** Of a two-way mapping: what both sides hold alike now. */
  agreed: Sent[];
  /** How many of those that are written or unchanged the hub itself had written to the source. */
  own: number;
}

/** What is to be done with the records of a page. */
interface Decision {
  changed: (Sent & {
    link: Link | undefined;
    /** Whether the target holds nothing yet, as far as is known. */
    isNew: boolean;
  })[];
  unchanged: WriteRecord[];
  agreed: Sent[];
  failures: Failure[];
  /** Of the platform's own records that came back: what they get, and how many there are in all. */
  own: { updates: OwnUpdate[]; count: number };
}

export interface ApplyOptions {
  /** Nothing is written. */
  dryRun?: boolean;
  /** Called before anything is sent; throws when what is known to be bad passes the mapping's tolerance. */
  judge?(known: Pick<BatchOutcome, 'counters' | 'failures'>): void;
}

/** Checks and writes what the target does not hold yet; what it holds was checked when it was written. */
export async function apply(
  scope: RunScope,
  plan: BatchPlan,
  transaction: SqlTransaction | undefined,
  { dryRun = false, judge }: ApplyOptions = {},
): Promise<BatchOutcome> {
  const decision = await decide(scope, plan, transaction);
  if (judge !== undefined) judge(await knownOutcome(scope, plan, decision));
  if (!dryRun) return outcomeOf(scope, plan, decision, await send(scope, decision.changed, transaction), transaction);
  const results = decision.changed.map(({ isNew }): WriteResult => ({ outcome: isNew ? 'created' : 'updated' }));
  const updates = decision.own.updates.map((): WriteResult => ({ outcome: 'updated' }));
  return outcomeOf(scope, plan, decision, results, transaction, updates);
}

/** A page of which as much is sent as can be before the one before it is finished. */
export interface BegunPage {
  /** Nothing but its writing is left, which nothing that follows has to wait for. */
  isSent: boolean;
  /** What is written, unless it is refused, and what the target holds already. */
  records: WriteRecord[];
  finish(): Promise<BatchOutcome>;
}

/** `apply` in two steps. The second ones come in the order of the first ones. */
export async function beginPage(scope: RunScope, plan: BatchPlan, transaction: SqlTransaction): Promise<BegunPage> {
  const { writer, stream, signal } = scope;
  const decision = await decide(scope, plan, transaction);
  const changed = decision.changed.map(({ record }) => record);
  signal.throwIfAborted();
  const sent = writer.expectsNew === true && changed.length > 0 ? writer.writeNew?.(changed, transaction) : undefined;
  // It is told to whoever finishes the page.
  sent?.catch(() => undefined);
  return {
    isSent: sent !== undefined && transaction.queuesInserts && stream.twoWay === null,
    records: [...changed, ...decision.unchanged],
    finish: async () => {
      const results = (await sent) ?? (await send(scope, decision.changed, transaction));
      return outcomeOf(scope, plan, decision, results, transaction);
    },
  };
}

/** A page that waits for its turn to be sent. */
export interface PreparedPage {
  /** Of its outcome, what is known before. */
  known: Pick<BatchOutcome, 'counters' | 'failures'>;
  deliver(): Promise<BatchOutcome>;
  withdraw(): Promise<void>;
}

/** Checks a page and makes known to the store what is about to be sent. */
export async function preparePage(scope: RunScope, plan: BatchPlan): Promise<PreparedPage> {
  const decision = await decide(scope, plan, undefined);
  const known = await knownOutcome(scope, plan, decision);
  if (!needsIntents(scope.stream.guarantee)) {
    await forgetChanged(scope, decision.changed);
    return {
      known,
      deliver: async () => {
        scope.lease.assertSafeToWrite();
        return outcomeOf(scope, plan, decision, await write(scope, decision.changed, undefined), undefined);
      },
      // What is not known of the target is written again.
      withdraw: async () => undefined,
    };
  }
  const writes = announcedWrites(scope, decision.changed);
  await writes.announce();
  return {
    known,
    deliver: async () => outcomeOf(scope, plan, decision, await writes.deliver(), undefined),
    withdraw: () => writes.withdraw(),
  };
}

function announcedWrites(scope: RunScope, changed: Decision['changed']): AnnouncedWrites {
  const records = changed.map(({ record }) => record);
  const links = changed.map(({ link }) => link);
  return new AnnouncedWrites(scope, records, links);
}

async function outcomeOf(
  scope: RunScope,
  plan: BatchPlan,
  { changed, unchanged, agreed, failures, own }: Decision,
  results: readonly WriteResult[],
  transaction: SqlTransaction | undefined,
  /** What became of the updates of own records; absent = they are not written yet. */
  updates?: readonly WriteResult[],
): Promise<BatchOutcome> {
  const counters = noCounters();
  const written: BatchOutcome['written'] = [];
  const refused: RefusedWrite[] = [];
  const sent: Sent[] = [...changed, ...own.updates];
  const all = [...results, ...(updates ?? (await writeOwn(scope, own.updates, transaction)))];
  all.forEach((result, index) => {
    const { record, origin } = sent[index] as Sent;
    if (result.outcome === 'failed' || result.outcome === 'unknown') {
      refused.push(refusedWrite(record, result.error));
      failures.push(writeFailure(record, origin, result.error));
      return;
    }
    counters[result.outcome]++;
    written.push({ record, externalKey: result.externalKey, outcome: result.outcome });
    if (scope.stream.twoWay !== null) agreed.push({ record, origin });
  });
  const left = await toBeKept(scope, plan, failures, transaction);
  const kept = new Set(left);
  const decided = failures.filter((failure) => !kept.has(failure));
  counters.filtered = plan.filtered + decided.length;
  counters.unchanged += unchanged.length + plan.repeated;
  Object.assign(counters, failureCounters(left));
  for (const name of COUNTERS) if (name !== 'read') counters.read += counters[name];
  return { counters, failures: left, decided, written, unchanged, refused, agreed, own: own.count };
}

/** Failures with their places, without those that somebody decided about; whoever replays a record wants to know how it ends. */
function toBeKept(
  { decided, letters, database, clock, ignoreLinks }: RunScope,
  { positionOf }: BatchPlan,
  failures: Failure[],
  transaction?: SqlTransaction,
): Promise<Failure[]> | Failure[] {
  if (positionOf !== undefined) for (const failure of failures) failure.position ??= positionOf(failure.payload);
  return decided ? failures : letters.withoutDecided(transaction ?? database, failures, clock.now(), ignoreLinks);
}

/** What is known of a page before anything of it is sent. */
async function knownOutcome(
  scope: RunScope,
  plan: BatchPlan,
  { changed, unchanged, failures }: Decision,
): Promise<Pick<BatchOutcome, 'counters' | 'failures'>> {
  const left = await toBeKept(scope, plan, failures);
  if (needsIntents(scope.stream.guarantee)) await scope.letters.assertRoom(scope.database, left);
  const filtered = plan.filtered + failures.length - left.length;
  const read = filtered + plan.repeated + left.length + unchanged.length + changed.length;
  return { counters: { ...noCounters(), ...failureCounters(left), filtered, read }, failures: left };
}

/** A conflict waits for a decision between the two sides; everything else is an error. */
export function failureCounters(failures: readonly Failure[]): Pick<RunCounters, 'conflicts' | 'errors'> {
  const conflicts = failures.filter(({ error }) => error.class === 'conflict').length;
  return { conflicts, errors: failures.length - conflicts };
}

/** Tells what has to be written from what the target holds already and from what must not be written. */
async function decide(scope: RunScope, page: BatchPlan, transaction: SqlTransaction | undefined): Promise<Decision> {
  const { compiled, plan: context, twoWay, own } = scope.stream;
  const { plan, updates, left } = await withoutOwn(scope, page, transaction);
  const links = keepsLinks(scope) ? await linksOf(transaction ?? scope.database, scope.ids, plan.writes) : null;
  const known =
    links?.map((link) => hashAtTarget(link, scope.ignoreLinks)) ??
    (await scope.writer.hashes?.(plan.writes, transaction)) ??
    [];
  const verdicts =
    twoWay === null
      ? null
      : scope.decided
        ? plan.writes.map(() => 'write' as const)
        : await twoWay.judge(scope.ids, scope.database, plan, transaction, scope.ignoreLinks, scope.signal);
  const decision: Decision = {
    changed: [],
    unchanged: left,
    agreed: [],
    failures: [...plan.failures],
    own: { updates, count: updates.length + left.length },
  };
  plan.writes.forEach((record, index) => {
    const origin = plan.origins[index] as SourceRecord;
    const verdict = verdicts?.[index] ?? (isKnown(known[index], record) ? 'unchanged' : 'write');
    const isUnchanged = verdict === 'unchanged' || verdict === 'agreed';
    if (!isUnchanged || scope.openLetters.size > 0) {
      const sourceKey = context.sourceKey(origin);
      if (sourceKey !== null && sourceKey !== record.key) record.sourceKey = sourceKey;
    }
    if (isUnchanged) decision.unchanged.push(record);
    if (verdict === 'agreed') decision.agreed.push({ record, origin });
    if (verdict instanceof IntegrationError) decision.failures.push(conflictFailure(origin, verdict));
    if (verdict !== 'write') return;
    const refused = compiled.check(record.data, index);
    if (refused === null) {
      nameOrigin(scope, record, origin);
      decision.changed.push({ record, origin, link: links?.[index], isNew: known[index] === undefined });
      return;
    }
    decision.failures.push({ ...reasonOfRefusal(refused), sourceKey: record.sourceKey, payload: origin });
  });
  const created = own === null ? [] : decision.changed.flatMap(({ isNew, origin }) => (isNew ? [origin] : []));
  if (created.length > 0) await own?.assertForeign(created, transaction);
  return decision;
}

/** Where what is written may come back by an import, so that it is recognised there. */
function nameOrigin({ stream, writer }: RunScope, record: WriteRecord, origin: SourceRecord): void {
  if (stream.originKey === null) return;
  record.originKey = stream.originKey(origin);
  try {
    record.ownKey = writer.ownKey?.(record);
  } catch {
    // Without a key it is refused when it is written, which says why.
  }
}

async function send(
  scope: RunScope,
  changed: Decision['changed'],
  transaction: SqlTransaction | undefined,
): Promise<WriteResult[]> {
  if (changed.length === 0) return [];
  if (needsIntents(scope.stream.guarantee)) return announcedWrites(scope, changed).deliver();
  await forgetChanged(scope, changed);
  return write(scope, changed, transaction);
}

/** Where an interrupted write is not taken back, nobody knows which of the two states the target holds. */
async function forgetChanged(scope: RunScope, changed: Decision['changed']): Promise<void> {
  if (!scope.stream.guarantee.upsertByKey || !keepsLinks(scope) || changed.every(({ isNew }) => isNew)) return;
  await scope.database.transaction(async (own) => {
    await scope.lease.assertHeld(own);
    await forgetHashes(
      own,
      scope.ids,
      changed.map(({ record }) => record),
    );
  });
  scope.lease.assertSafeToWrite();
}

async function write(
  scope: RunScope,
  changed: Decision['changed'],
  transaction: SqlTransaction | undefined,
): Promise<WriteResult[]> {
  if (changed.length === 0) return [];
  for (const { record, link } of changed) if (link?.targetKey != null) record.wasWritten = true;
  const records = changed.map(({ record }) => record);
  const results = await scope.writer.write(records, scope.signal, transaction);
  // Such a target takes what it has already for the same: all of it is sent again.
  const lost = results.find((result) => result.outcome === 'unknown');
  if (lost?.outcome === 'unknown') throw lost.error;
  return results;
}

/** Neither does the target keep hashes itself, nor is it written anew by each run. */
export function keepsLinks({ writer, stream }: Pick<RunScope, 'writer' | 'stream'>): boolean {
  return writer.hashes === undefined && !stream.guarantee.snapshot;
}

/**
 * Hash of what the target holds; null = there, but not known: a write is on its way, or everything is to be sent again. Even
 * then a record goes under the key that the target gave it.
 */
function hashAtTarget(link: Link | undefined, ignoreLinks: boolean): string | null | undefined {
  if (link === undefined) return undefined;
  return ignoreLinks || link.intent !== null ? null : link.hash;
}

/** Under the key that both directions have in common. */
function conflictFailure(payload: SourceRecord, error: IntegrationError): Failure {
  return { sourceKey: String(error.value), payload, stage: 'plan', field: null, rule: 'conflict', value: null, error };
}

function writeFailure({ sourceKey }: WriteRecord, payload: SourceRecord, error: IntegrationError): Failure {
  return {
    sourceKey,
    payload,
    stage: 'write',
    field: error.path ?? null,
    rule: error.code,
    value: error.value ?? null,
    error,
  };
}

/** Its own hash is only computed where there is one to compare it with. */
function isKnown(hash: string | null | undefined, record: WriteRecord): boolean {
  return typeof hash === 'string' && hash === record.hash;
}
