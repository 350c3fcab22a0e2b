import { setTimeout as delay } from 'node:timers/promises';
import type {
  Resolution,
  WriteGuarantee,
  WriteInterruption,
  WriteRecord,
  WriteResult,
} from '../../connectors/contract';
import { digest } from '../../model/digest';
import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { canonicalJson } from '../hash';
import type { RunScope } from './commit';
import { keepAsLongAsHeld } from './keep';
import {
  endIntents,
  forgetHashes,
  type Intent,
  type Link,
  linkKey,
  type RefusedWrite,
  saveIntents,
  saveLinks,
} from './links';

/** In-call retries (SEMANTICS 2.8): each pause is twice as long as the one before, with full jitter. */
const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 200;
/** A target that says it is still at work is asked again at least so often, unless it says when. */
const LONGEST_PAUSE_MS = 5000;
/** What was sent before its answer got lost may still be on its way for twice the time that a write may take. */
export const DEFAULT_SETTLE_MS = 40_000;

type Scope = Pick<RunScope, 'database' | 'clock' | 'lease' | 'stream' | 'writer' | 'ids' | 'signal' | 'decided'>;

/** A record on its way to the target. */
interface Delivery {
  record: WriteRecord;
  link: Link | undefined;
  /** Of a write that may have taken place. */
  intent: Intent | null;
  /** What `intent` was before the write was announced. */
  earlier: Intent | null;
  /** An intent of it stands in the store. */
  announced: boolean;
  result: WriteResult | undefined;
  /** Why its last attempt came to nothing. */
  error: IntegrationError | null;
  /** The target says that it is at it: until when that is believed, in the time of the store. */
  inWorkUntil: number | null;
}

/**
 * Records for a target that neither joins the store's commit nor takes the same record twice for once. Each write is
 * announced in the store before it leaves (SEMANTICS 2.3, S4). One whose answer is lost is found again: sent with the same
 * idempotency key, or looked up. Where the target offers neither it fails as `unknown_outcome`, and nothing sends it a
 * second time until a person decides.
 */
export class AnnouncedWrites {
  private readonly deliveries: readonly Delivery[];
  private isAnnounced = false;

  /** @param links what is remembered about each record, in order */
  constructor(
    private readonly scope: Scope,
    records: readonly WriteRecord[],
    links: readonly (Link | undefined)[],
  ) {
    this.deliveries = records.map((record, index) => deliveryOf(record, links[index], scope.lease.quietSince));
  }

  /** Before their turn to be sent comes. Where a write may have taken place already, what became of it is found out first. */
  async announce(): Promise<void> {
    const open = this.deliveries.filter(isOpen);
    if (open.some(({ intent }) => intent !== null)) return;
    await announce(this.scope, open);
    this.isAnnounced = true;
  }

  /** They are not going to be sent after all. */
  async withdraw(): Promise<void> {
    if (!this.isAnnounced) return;
    takeBack(this.deliveries.filter(isOpen));
    await keepWhatIsKnown(this.scope, this.deliveries);
  }

  /**
   * @returns one result per record, in order; none is `unknown`
   * @throws what the target throws when nothing can be said about single records; what is known by then is in the store
   */
  async deliver(): Promise<WriteResult[]> {
    const { scope, deliveries } = this;
    try {
      if (!this.isAnnounced) await settle(scope, deliveries);
      let open = deliveries.filter(isOpen);
      let waits = 0;
      for (let attempt = 1; open.length > 0; attempt++) {
        if (!this.isAnnounced) await announce(scope, open);
        this.isAnnounced = false;
        await send(scope, open);
        await settle(scope, open);
        open = open.filter(isOpen);
        if (open.length === 0) break;
        if (open.every((delivery) => isAtWork(scope, delivery))) {
          await leaveAtWork(scope, open, FIRST_PAUSE_MS * 2 ** waits++);
          attempt--;
          continue;
        }
        const failure = open.find(({ error }) => error !== null)?.error ?? null;
        if (failure === null && attempt < ATTEMPTS) continue;
        if (failure?.class !== 'transient' || attempt === ATTEMPTS) throw failure ?? unsettled(open);
        await delay(Math.random() * FIRST_PAUSE_MS * 2 ** (attempt - 1), undefined, { signal: scope.signal });
      }
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      await keepWhatIsKnown(scope, deliveries).catch((cause: unknown) => {
        error.cause ??= cause;
      });
      throw error;
    }
    return deliveries.map(({ result }) => result as WriteResult);
  }
}

/** @param quietSince when an earlier run may last have sent something, however long before that it announced it */
function deliveryOf(record: WriteRecord, link: Link | undefined, quietSince: number): Delivery {
  const nothing = { intent: null, earlier: null, result: undefined, error: null, inWorkUntil: null };
  const delivery = { record, link, announced: false, ...nothing };
  if (link !== undefined && link.hash !== null && link.targetKey === null) {
    return { ...delivery, result: { outcome: 'failed', error: keyUnknown(record) } };
  }
  address(record, link);
  if (link === undefined || link.intent === null) return delivery;
  const since = Math.max(link.intent.since, quietSince);
  return { ...delivery, intent: { ...link.intent, since }, announced: true };
}

/** Why a record is not going to be sent, as far as the store knows: under which name it is there, or whether it is, nobody does. */
export function obstacle(
  record: WriteRecord,
  link: Link | undefined,
  { idempotencyKey, lookup }: WriteGuarantee,
): IntegrationError | null {
  if (link === undefined) return null;
  if (link.hash !== null && link.targetKey === null) return keyUnknown(record);
  const { intent } = link;
  if (intent === null) return null;
  const canBeSettled = (idempotencyKey && intent.hash === record.hash) || lookup === 'strong';
  return intent.op !== 'undecided' && canBeSettled ? null : unknownOutcome(record, intent);
}

function isOpen({ result }: Delivery): boolean {
  return result === undefined;
}

async function announce({ database, clock, lease, ids }: Scope, open: readonly Delivery[]): Promise<void> {
  if (open.length === 0) return;
  const now = clock.now();
  const intents = open.map((delivery) => ({ record: delivery.record, intent: newIntent(ids, delivery, now) }));
  await database.transaction(async (transaction) => {
    await lease.assertHeld(transaction);
    await saveIntents(transaction, ids, lease.fence, intents);
  });
  // What is sent must be known after a power cut as well.
  await database.flush();
}

/** Announced, but never sent. */
function takeBack(open: readonly Delivery[]): void {
  for (const delivery of open) delivery.intent = delivery.earlier;
}

/** Sends what was announced. What the attempt came to stands in the deliveries. */
async function send({ lease, writer, signal, clock, stream }: Scope, open: readonly Delivery[]): Promise<void> {
  try {
    signal.throwIfAborted();
    lease.assertSafeToWrite();
  } catch (error) {
    takeBack(open);
    throw error;
  }
  let results: (WriteResult | undefined)[];
  let failure: IntegrationError | null = null;
  try {
    results = await writer.write(
      open.map(({ record }) => record),
      signal,
    );
    if (results.length !== open.length) throw unsettled(open);
  } catch (thrown) {
    const error = IntegrationError.from(thrown);
    failure = error;
    // An error that says nothing about the records may have come after any of them.
    results = (thrown as WriteInterruption).results ?? open.map(() => ({ outcome: 'unknown', error }));
  }
  const { settleMs = DEFAULT_SETTLE_MS } = stream.guarantee;
  open.forEach((delivery, index) => {
    const result = results[index];
    delivery.error = result?.outcome === 'unknown' ? result.error : failure;
    const isInWork = result?.outcome === 'unknown' && result.isInWork === true;
    delivery.inWorkUntil = isInWork
      ? (delivery.inWorkUntil ?? clock.now() + Math.max(settleMs, result.error.retryAfterMs ?? 0))
      : null;
    if (result === undefined) delivery.intent = null;
    else if (result.outcome !== 'unknown') delivery.result = result;
    // From now on it can only still be on its way.
    else if (delivery.intent !== null) delivery.intent.since = clock.now();
  });
}

/** Gives the target time, but no longer than it is believed. */
async function leaveAtWork({ clock, signal }: Scope, open: readonly Delivery[], pause: number): Promise<void> {
  const asked = Math.max(...open.map(({ error }) => error?.retryAfterMs ?? Math.min(pause, LONGEST_PAUSE_MS)));
  const left = Math.max(...open.map(({ inWorkUntil }) => inWorkUntil ?? 0)) - clock.now();
  await delay(Math.max(0, Math.min(asked, left)), undefined, { signal });
}

function newIntent(ids: Scope['ids'], delivery: Delivery, now: number): Intent {
  const { record, link, intent: earlier } = delivery;
  // Another attempt of the same change goes under the same key, so that the target takes both for one.
  const isSame = earlier !== null && earlier.hash === record.hash;
  record.idempotencyKey = isSame ? earlier.idempotencyKey : keyOfChange(ids, record, link);
  record.wasSent = isSame;
  delivery.announced = true;
  delivery.earlier = earlier;
  const op = operationOn(record, link);
  delivery.intent = { op, idempotencyKey: record.idempotencyKey, hash: record.hash, since: now, runId: ids.runId };
  return delivery.intent;
}

function operationOn({ externalKey }: WriteRecord, link: Link | undefined): 'create' | 'update' {
  return link?.hash != null || externalKey !== undefined ? 'update' : 'create';
}

/** Lets a record go under the name that the target gave it. */
export function address(record: WriteRecord, link: Link | undefined): void {
  if (link?.targetKey != null) record.wasWritten = true;
  if (link?.targetKey != null && link.targetKey !== linkKey(record)) record.externalKey = link.targetKey;
}

/** The same after a crash, and another one after each write that is known to have taken place. */
export function keyOfChange(
  { mappingId, direction }: Pick<Scope['ids'], 'mappingId' | 'direction'>,
  record: WriteRecord,
  link: Link | undefined,
): string {
  const before = [link?.hash ?? '', link?.writtenAt ?? 0];
  const parts = [mappingId, direction, record.sourceKey, ...before, record.hash, operationOn(record, link)];
  return digest(parts.join('|'));
}

/** Finds out what became of announced writes that nobody answered. */
async function settle(scope: Scope, deliveries: readonly Delivery[]): Promise<void> {
  const { guarantee } = scope.stream;
  const askable: Delivery[] = [];
  for (const delivery of deliveries) {
    const { intent, record } = delivery;
    if (intent === null || !isOpen(delivery)) continue;
    const isUndecided = intent.op === 'undecided';
    const isOverdue = delivery.inWorkUntil !== null && !isAtWork(scope, delivery);
    // The decision was about earlier runs; what this one lost waits for another.
    if (isUndecided && scope.decided && intent.runId !== scope.ids.runId) delivery.intent = null;
    // Sent again under its key it either takes place now, or is answered as it was then.
    else if (!isUndecided && guarantee.idempotencyKey && intent.hash === record.hash && !isOverdue) continue;
    else if (!isUndecided && guarantee.lookup === 'strong') askable.push(delivery);
    else delivery.result = { outcome: 'failed', error: unknownOutcome(record, intent, delivery.error) };
  }
  for (let waiting = askable; waiting.length > 0; ) waiting = await lookUp(scope, waiting);
}

function isAtWork({ clock }: Scope, { inWorkUntil }: Delivery): boolean {
  return inWorkUntil !== null && clock.now() < inWorkUntil;
}

/** Asks the target for the records. @returns those that are absent, but may still arrive */
async function lookUp(scope: Scope, deliveries: Delivery[]): Promise<Delivery[]> {
  const { writer, signal, clock, stream } = scope;
  const resolutions = await writer.resolve!(
    deliveries.map(({ record }) => record),
    signal,
  );
  const settleMs = stream.guarantee.settleMs ?? DEFAULT_SETTLE_MS;
  let pause = 0;
  const young = deliveries.filter((delivery, index) => {
    const resolution = resolutions[index] as Resolution;
    const intent = delivery.intent as Intent;
    if (resolution.state === 'unknown') {
      // What keeps one record from being found is no trouble of the others.
      if (resolution.error.class !== 'data') throw resolution.error;
      delivery.result = { outcome: 'failed', error: unknownOutcome(delivery.record, intent, null, resolution.error) };
      return false;
    }
    const left = intent.since + settleMs - clock.now();
    if (resolution.state === 'found') {
      const isHeld = holds(delivery, intent, resolution);
      // The change that is not seen there may still come, and undo what is sent after it.
      if (isHeld || intent.op === 'create' || left <= 0) {
        adopt(delivery, intent, resolution, isHeld);
        return false;
      }
    } else if (left <= 0) delivery.intent = null;
    pause = Math.max(pause, left);
    return left > 0;
  });
  if (pause > 0) await delay(pause, undefined, { signal });
  return young;
}

type Found = Extract<Resolution, { state: 'found' }>;

/** Whether the target holds the record as it is now. */
function holds({ record }: Delivery, intent: Intent, found: Found): boolean {
  // What was created there, of these very values, may show itself in part.
  const isNew = intent.op === 'create' && intent.hash === record.hash;
  return Object.entries(record.data).every(
    ([field, value]) =>
      (isNew && !(field in found.data)) || canonicalJson(found.data[field] ?? null) === canonicalJson(value ?? null),
  );
}

/** The target has the record: it was written, or is to be updated under the key by which it was found. */
function adopt(delivery: Delivery, intent: Intent, found: Found, isHeld: boolean): void {
  const { record } = delivery;
  if (found.externalKey !== undefined) record.externalKey = found.externalKey;
  if (found.version !== undefined) record.version = found.version;
  delivery.intent = null;
  if (!isHeld) {
    delivery.link = { hash: null, targetKey: record.externalKey ?? record.key, writtenAt: 0, intent: null };
    return;
  }
  delivery.result = {
    outcome: intent.op === 'create' ? 'created' : 'updated',
    ...(found.externalKey !== undefined && { externalKey: found.externalKey }),
  };
}

function keyUnknown(record: WriteRecord): IntegrationError {
  return new IntegrationError(
    'data',
    'PCP_TARGET_KEY_UNKNOWN',
    phrase`Record ${record.key} is at the target, as somebody found out there, but nobody knows under which key.`,
    { hint: 'Bring it up to date at the target by hand: sent from here it would be created a second time.' },
  );
}

/** A target that keeps saying neither yes nor no. */
function unsettled(open: readonly Delivery[]): IntegrationError {
  const keys = open.slice(0, 5).map(({ record }) => record.key);
  return new IntegrationError('bug', 'PCP_WRITE_UNSETTLED', phrase`The target says nothing about ${keys.join(', ')}.`);
}

function unknownOutcome(
  record: WriteRecord,
  intent: Intent,
  heard: IntegrationError | null = null,
  lookedUp?: IntegrationError,
): IntegrationError {
  const lost =
    lookedUp === undefined
      ? phrase`The answer to the write of ${record.key} was lost, and the target offers no way to find out whether it took place.`
      : phrase`The answer to the write of ${record.key} was lost, and the look-up says: ${lookedUp.said}`;
  return new IntegrationError(
    'unknown_outcome',
    'PCP_UNKNOWN_OUTCOME',
    heard === null ? lost : phrase`${lost} ${heard.said}`,
    {
      // By this the write is told from others when somebody decides about it.
      value: intent.idempotencyKey,
      hint: 'Look for the record at the target. Discard this letter if it is there; replay it if it is not: that sends it again.',
    },
  );
}

/** Without the cursor: the records are read again, and those that arrived are known by then. */
async function keepWhatIsKnown(scope: Scope, deliveries: readonly Delivery[]): Promise<void> {
  const written: { record: WriteRecord; externalKey: string | undefined }[] = [];
  const refused: RefusedWrite[] = [];
  /** May have taken place, and are harmless to repeat. */
  const repeatable: WriteRecord[] = [];
  for (const { record, intent, announced, result } of deliveries) {
    if (result === undefined) {
      if (announced && intent === null) repeatable.push(record);
    } else if (result.outcome === 'failed') refused.push(refusedWrite(record, result.error));
    else if (result.outcome !== 'unknown') written.push({ record, externalKey: result.externalKey });
  }
  const { ids, clock } = scope;
  await keepAsLongAsHeld(scope, async (transaction) => {
    await saveLinks(transaction, ids, written, clock.now());
    await forgetHashes(transaction, ids, repeatable);
    await endIntents(transaction, ids, [...refused, ...repeatable.map((record) => ({ record, undecided: false }))]);
  });
}

export function refusedWrite(record: WriteRecord, error: IntegrationError): RefusedWrite {
  return { record, undecided: error.class === 'unknown_outcome' };
}
