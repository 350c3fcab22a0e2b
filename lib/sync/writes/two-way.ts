import type { SourceRecord, WriteRecord } from '../../connectors/contract';
import type { CompiledMapping } from '../../mapping/contract';
import { IntegrationError } from '../../model/errors';
import type { ConflictPolicy, Direction } from '../../model/mapping';
import { phrase } from '../../model/phrase';
import type { SqlTransaction } from '../../protocols/sql/database';
import { canonicalJson, recordHasher } from '../hash';
import { closeConflicts } from '../letters/closing';
import type { StreamOfRun } from '../letters/dead-letters';
import { type BatchPlan, canonicalKey } from '../plan';
import type { End } from '../stream';
import { type LinkScope, linksOf, saveLinks } from './links';

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

  /** Fields of the platform that identify a record. */
  get keyFields(): readonly string[] {
    return this.options.toPlatform.keyFields;
  }

  /**
   * One verdict for each write of the plan. Records are read from the target only where this side has changed, or all of them
   * when `everything` is asked for.
   */
  async judge(
    ids: StreamOfRun,
    database: SqlTransaction,
    plan: BatchPlan,
    transaction: SqlTransaction | undefined,
    everything: boolean,
    signal: AbortSignal,
  ): Promise<Verdict[]> {
    const { direction } = this.options;
    const states = await this.states(plan, signal);
    const links = await linksOf(transaction ?? database, agreements(ids), states);
    const verdicts: Verdict[] = states.map(() => 'unchanged');
    const asked = states.flatMap((state, index) =>
      !everything && state.own === ownPart(links[index]?.hash, direction) ? [] : [index],
    );
    const others = await this.otherSide(
      asked.map((index) => plan.writes[index] as WriteRecord),
      transaction,
      signal,
    );
    asked.forEach((index, at) => {
      const agreement = links[index]?.targetKey === versionOf(ids) ? (links[index]?.hash ?? null) : null;
      const own = direction === 'import' ? plan.writes[index]?.data : plan.origins[index];
      verdicts[index] = this.verdict(states[index] as State, own ?? {}, others[at], agreement);
    });
    return verdicts;
  }

  /** @param other what the other side holds: null = nothing, undefined = it cannot be told */
  private verdict(
    { own, sent, key }: State,
    record: SourceRecord,
    other: SourceRecord | null | undefined,
    agreement: string | null,
  ): Verdict {
    const { direction, policy, toPlatform } = this.options;
    if (other == null) return 'write';
    const held = this.hashOf(other);
    if (agreement !== null && own === ownPart(agreement, direction)) return 'unchanged';
    if (held === otherPart(agreement, direction)) return 'write';
    if (held === sent || held === own) return 'agreed';
    // Nothing was agreed on yet about what one side leaves empty, a field that was mapped since above all: it is filled.
    const blank = agreement === null ? onlyBlank(record, other, toPlatform.outputFields) : null;
    if (blank !== null) return blank;
    if (policy === 'manual') return conflict(key);
    return (policy === 'external_wins') === (direction === 'import') ? 'write' : 'unchanged';
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
        return { record: { key, hash: `${external}${SEPARATOR}${platform}` }, externalKey: versionOf(ids) };
      }),
      now,
    );
    await closeConflicts(
      transaction,
      ids.mappingId,
      states.map(({ key }) => key),
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

  /** What the target holds, in the form of the platform: null = nothing, undefined = it cannot be told. */
  private async otherSide(
    writes: readonly WriteRecord[],
    transaction: SqlTransaction | undefined,
    signal: AbortSignal,
  ): Promise<(SourceRecord | null | undefined)[]> {
    const { target, targetKeyFields, direction } = this.options;
    if (writes.length === 0) return [];
    const keys = writes.map(({ data }) => Object.fromEntries(targetKeyFields.map((field) => [field, data[field]])));
    const found = await target.connector.lookup!(
      { entity: target.entity, keyFields: [...targetKeyFields] },
      keys,
      signal,
      transaction,
    );
    if (direction === 'import') return found;
    const places = found.flatMap((record, index) => (record == null ? [] : [index]));
    const mapped = await this.mapped(
      places.map((index) => found[index] as SourceRecord),
      signal,
    );
    // A record that cannot be mapped holds something else than what was agreed on.
    places.forEach((index, at) => {
      found[index] = mapped[at] ?? {};
    });
    return found;
  }

  private async hashesOf(external: SourceRecord[], signal: AbortSignal): Promise<(string | null)[]> {
    return (await this.mapped(external, signal)).map((record) => record && this.hashOf(record));
  }

  private async mapped(external: SourceRecord[], signal: AbortSignal): Promise<(SourceRecord | null)[]> {
    const records: (SourceRecord | null)[] = external.map(() => null);
    for (const mapped of await this.options.toPlatform.convert(external, signal)) {
      if (mapped.outcome === 'mapped') records[mapped.index] = mapped.data;
    }
    return records;
  }
}

/** `write` when the other side lacks values that this one has, `unchanged` when it is the other way round, else null. */
function onlyBlank(own: SourceRecord, other: SourceRecord, fields: readonly string[]): 'write' | 'unchanged' | null {
  const different = fields.filter((field) => canonicalJson(own[field] ?? null) !== canonicalJson(other[field] ?? null));
  if (different.every((field) => isBlank(other[field]))) return 'write';
  return different.every((field) => isBlank(own[field])) ? 'unchanged' : null;
}

function isBlank(value: unknown): boolean {
  return value === null || value === undefined || value === '';
}

/** A record of this side: `own` as it is here, `sent` as the other side holds it once it went over. */
interface State {
  key: string;
  own: string;
  sent: string;
}

const SEPARATOR = '.';

function agreements({ mappingId, runId }: StreamOfRun): LinkScope {
  return { mappingId, runId, direction: 'both' };
}

/** Hashes are over the fields of one version of the mapping; what an older one agreed on cannot be compared. */
function versionOf({ mappingVersion }: StreamOfRun): string {
  return `version ${mappingVersion}`;
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
    phrase`Record ${key} was changed on both sides since they last agreed; neither side was written.`,
    {
      value: key,
      hint: 'Replay this letter to let its side win, or the letter of the other direction. options.conflict_policy decides for all.',
    },
  );
}
