import type { SourceRecord, WriteRecord } from '../connectors/contract';
import type { CompiledMapping } from '../mapping/contract';
import { IntegrationError } from '../model/errors';
import type { ConflictPolicy, Direction } from '../model/mapping';
import type { SqlTransaction } from '../protocols/sql/database';
import { closeConflicts, type StreamOfRun } from './dead-letters';
import { recordHasher } from './hash';
import { type LinkScope, linksOf, saveLinks } from './links';
import { type BatchPlan, canonicalKey } from './plan';
import type { End } from './stream';

/**
 * What a mapping does with a record that both sides may have changed: it goes over, both sides hold the same already, the
 * other side is left as it is, or a person has to decide.
 */
export type Verdict = 'write' | 'agreed' | 'unchanged' | IntegrationError;

export interface TwoWayOptions {
  direction: Direction;
  target: End;
  /** Of the target, for look-ups. */
  targetKeyFields: readonly string[];
  /** External records to records of the platform: the form in which both sides are compared. */
  toPlatform: CompiledMapping;
  policy: ConflictPolicy;
}

/**
 * Compares whole records of a two-way mapping with what both sides last agreed on (SEMANTICS 2.5), so that a change of one
 * side is never undone by the old state of the other. What was agreed stands in the record links as one hash for each side.
 */
export class TwoWay {
  private readonly hashOf: (data: Record<string, unknown>) => string;

  constructor(private readonly options: TwoWayOptions) {
    this.hashOf = recordHasher(options.toPlatform.outputFields);
  }

  /** One verdict for each write of the plan. Records are read from the target only where this side has changed. */
  async judge(
    ids: LinkScope,
    database: SqlTransaction,
    plan: BatchPlan,
    transaction: SqlTransaction | undefined,
    signal: AbortSignal,
  ): Promise<Verdict[]> {
    const { policy, direction } = this.options;
    const states = await this.states(plan, signal);
    const links = await linksOf(transaction ?? database, agreements(ids), states);
    const changed = states.flatMap((state, index) =>
      state.own === ownPart(links[index]?.hash, direction) ? [] : [index],
    );
    const others = await this.otherSide(
      changed.map((index) => plan.writes[index] as WriteRecord),
      transaction,
      signal,
    );
    const verdicts: Verdict[] = states.map(() => 'unchanged');
    changed.forEach((index, at) => {
      const { own, sent, key } = states[index] as State;
      const other = others[at];
      const agreed = links[index]?.hash ?? null;
      if (other === undefined || other === null || other === otherPart(agreed, direction)) verdicts[index] = 'write';
      else if (other === sent || other === own) verdicts[index] = 'agreed';
      else if (policy === 'manual') verdicts[index] = conflict(key);
      else verdicts[index] = (policy === 'external_wins') === (direction === 'import') ? 'write' : 'unchanged';
    });
    return verdicts;
  }

  /** Remembers that both sides hold the same now, which ends what conflicts there were. */
  async remember(
    ids: StreamOfRun,
    transaction: SqlTransaction,
    records: readonly { record: WriteRecord; origin: SourceRecord }[],
    now: number,
    signal: AbortSignal,
  ): Promise<void> {
    const writes = records.map(({ record }) => record);
    const origins = records.map(({ origin }) => origin);
    const states = await this.states({ writes, origins }, signal);
    await saveLinks(
      transaction,
      agreements(ids),
      states.map(({ key, own, sent }) => {
        const [external, platform] = this.options.direction === 'import' ? [own, sent] : [sent, own];
        return { record: { key, hash: `${external}${SEPARATOR}${platform}` } };
      }),
      now,
    );
    // To the other direction, the source of a record is this one's target.
    await closeConflicts(
      transaction,
      ids,
      writes.map(({ key }) => key),
      now,
    );
  }

  private async states(
    { writes, origins }: Pick<BatchPlan, 'writes' | 'origins'>,
    signal: AbortSignal,
  ): Promise<State[]> {
    const { direction, toPlatform } = this.options;
    if (direction === 'import') return writes.map(({ key, hash }) => ({ key, own: hash, sent: hash }));
    const sent = await this.hashesOf(
      writes.map(({ data }) => data),
      signal,
    );
    return origins.map((origin, index) => ({
      key: canonicalKey(origin, toPlatform.keyFields),
      own: this.hashOf(origin),
      sent: sent[index] ?? '',
    }));
  }

  /** Of what the target holds: null = nothing, undefined = it cannot be asked. */
  private async otherSide(
    writes: readonly WriteRecord[],
    transaction: SqlTransaction | undefined,
    signal: AbortSignal,
  ): Promise<(string | null | undefined)[]> {
    const { target, targetKeyFields, direction } = this.options;
    if (writes.length === 0 || target.connector.lookup === undefined) return writes.map(() => undefined);
    const keys = writes.map(({ data }) => Object.fromEntries(targetKeyFields.map((field) => [field, data[field]])));
    const found = await target.connector.lookup(
      { entity: target.entity, keyFields: [...targetKeyFields] },
      keys,
      signal,
      transaction,
    );
    if (direction === 'import') return found.map((record) => record && this.hashOf(record));
    const records = found.filter((record) => record != null);
    const hashes = await this.hashesOf(records, signal);
    let next = 0;
    // A record that cannot be mapped holds something else than what was agreed on.
    return found.map((record) => (record == null ? record : (hashes[next++] ?? '')));
  }

  private async hashesOf(external: SourceRecord[], signal: AbortSignal): Promise<(string | null)[]> {
    const hashes: (string | null)[] = external.map(() => null);
    for (const mapped of await this.options.toPlatform.convert(external, signal)) {
      if (mapped.outcome === 'mapped') hashes[mapped.index] = this.hashOf(mapped.data);
    }
    return hashes;
  }
}

/** A record of this side: `own` as it is here, `sent` as the other side holds it once it went over. */
interface State {
  key: string;
  own: string;
  sent: string;
}

const SEPARATOR = '.';

function agreements({ mappingId, runId }: LinkScope): LinkScope {
  return { mappingId, runId, direction: 'both' };
}

function ownPart(hash: string | null | undefined, direction: Direction): string | undefined {
  return hash?.split(SEPARATOR)[direction === 'import' ? 0 : 1];
}

function otherPart(hash: string | null | undefined, direction: Direction): string | undefined {
  return hash?.split(SEPARATOR)[direction === 'import' ? 1 : 0];
}

function conflict(key: string): IntegrationError {
  return new IntegrationError(
    'conflict',
    'PCP_CONFLICT',
    `Record ${key} was changed on both sides since they last agreed; neither side was written.`,
    {
      value: key,
      hint: 'Replay this letter to let its side win, or the letter of the other direction. options.conflict_policy decides for all.',
    },
  );
}
