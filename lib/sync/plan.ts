import type { SourceRecord, WriteRecord } from '../connectors/contract';
import type { CompiledMapping, FieldFailure, Mapped } from '../mapping/contract';
import { shortDigest } from '../model/digest';
import { IntegrationError } from '../model/errors';
import { phrase } from '../model/phrase';
import type { DeadLetter } from '../model/sync';
import { recordText } from './hash';
import { VersionByKey } from './version-by-key';

/** A record that could not be applied, with all that its dead letter tells. */
export interface Failure {
  sourceKey: string | null;
  /** `sourceKey` only says where the record stood, since it has no key of its own: another one may stand there tomorrow. */
  byPosition?: boolean;
  payload: unknown;
  stage: DeadLetter['stage'];
  field: string | null;
  rule: string | null;
  value: unknown;
  /** Where the record stood in its source ("orders-1.csv:17"), as far as the source says. */
  position?: string | null;
  error: IntegrationError;
  /** What is wrong with other fields of the record. */
  further?: readonly FieldFailure[] | undefined;
}

/** Why a record failed when it was mapped or checked. */
export function reasonOfRefusal({ stage, field, rule, value, error, further }: Refused): Reason {
  return { stage, field, rule, value, error, further };
}

type Refused = Extract<Mapped, { outcome: 'failed' }>;
type Reason = Omit<Failure, 'sourceKey' | 'payload'>;

export interface BatchPlan {
  writes: WriteRecord[];
  /** Those of the writes, and of others that were planned. */
  keys: Pick<VersionByKey, 'has'>;
  /** For each write, the source record it came from. Their `sourceKey` is filled in for those that need it. */
  origins: SourceRecord[];
  failures: Failure[];
  filtered: number;
  /** Records that say once more what an earlier record of the batch said. */
  repeated: number;
  /** Where a record of the batch stood in its source; absent where that is not known. */
  positionOf?(record: unknown): string | null;
}

/** What planning needs to know of a stream. */
export interface PlanContext {
  /** Fields of the target that identify a record. */
  keyFields: readonly string[];
  outputFields: readonly string[];
  /** The record's own key on the source side, or null when the mapping does not take its key from fields of the source. */
  sourceKey(record: SourceRecord): string | null;
  /** What the target's schema says of a converted record. */
  check?: CompiledMapping['check'];
  /** The records came one after the other: of those with one key in a batch the last one stands for all. */
  lastWins?: boolean;
}

/** Plans one batch, in as many parts as it comes in. */
export interface BatchPlanner {
  /** What was added so far. */
  readonly plan: BatchPlan;
  /** @param position where a record of this part came from, by its index in it */
  add(records: readonly SourceRecord[], mapped: readonly Mapped[], position?: (index: number) => string): void;
}

/**
 * Makes planners for the batches of one stream: mapped records in, writes with keys and hashes and the refused ones out.
 * @param hashesAhead whether each hash will be asked for, so that it is better computed while another page is being written
 */
export function batchPlanners(context: PlanContext, hashesAhead = () => false): () => BatchPlanner {
  const { keyFields } = context;
  const textOf = recordText(context.outputFields);
  return () => {
    const keys = new VersionByKey();
    const plan: BatchPlan = { writes: [], keys, origins: [], failures: [], filtered: 0, repeated: 0 };
    const written = (data: Record<string, unknown>, key: string, text: string): WriteRecord =>
      new PlannedWrite(data, key, text, hashesAhead() ? shortDigest(text) : null);
    const refuse = (payload: SourceRecord, position: string | undefined, failure: Reason): void => {
      const own = context.sourceKey(payload);
      plan.failures.push({ ...failure, payload, sourceKey: own ?? position ?? null, byPosition: own === null });
    };
    return {
      plan,
      add(records, mapped, position) {
        for (const item of mapped) {
          if (item.outcome === 'filtered') {
            plan.filtered++;
            continue;
          }
          const origin = records[item.index] as SourceRecord;
          if (item.outcome === 'failed') {
            refuse(origin, position?.(item.index), reasonOfRefusal(item));
            continue;
          }
          const { data, index } = item;
          const key = canonicalKey(data, keyFields);
          const text = textOf(data);
          const known = keys.add(key, text);
          if (known === text) {
            plan.repeated++;
            continue;
          }
          if (known !== undefined) {
            const place = plan.writes.findIndex((write) => write.key === key);
            // A record that is refused itself keeps no other from its key.
            const refused = context.lastWins ? null : context.check?.(plan.writes[place]!.data, index);
            if (refused) refuse(plan.origins[place] as SourceRecord, undefined, reasonOfRefusal(refused));
            else if (context.lastWins) plan.repeated++;
            else {
              refuse(origin, position?.(index), duplicateKey(keyFields, key));
              continue;
            }
            plan.writes[place] = written(data, key, text);
            plan.origins[place] = origin;
            keys.set(key, text);
            continue;
          }
          plan.writes.push(written(data, key, text));
          plan.origins.push(origin);
        }
      },
    };
  };
}

/** A record to write. Most records of most runs are found unchanged: their hash is computed when somebody asks for it. */
class PlannedWrite implements WriteRecord {
  sourceKey: string;

  constructor(
    readonly data: Record<string, unknown>,
    readonly key: string,
    readonly text: string,
    private known: string | null,
  ) {
    this.sourceKey = key;
  }

  get hash(): string {
    this.known ??= shortDigest(this.text);
    return this.known;
  }

  set hash(found: string) {
    this.known = found;
  }
}

/** Keeps the keys of a batch that comes in pages, each planned by itself. */
export class BatchKeys {
  /** Of what the pages before have written. */
  private readonly known = new VersionByKey();

  constructor(private readonly context: PlanContext) {}

  /** Whether a page has the key of a record before it. */
  meet(plan: BatchPlan): boolean {
    return !this.context.lastWins && plan.writes.some(({ key }) => this.known.has(key));
  }

  /** Takes out of a page that meets them what has the key of a record before it. */
  sift(plan: BatchPlan): void {
    const { writes, origins } = plan;
    plan.writes = [];
    plan.origins = [];
    writes.forEach((write, index) => {
      const origin = origins[index] as SourceRecord;
      const version = this.known.get(write.key);
      if (version === undefined) {
        plan.writes.push(write);
        plan.origins.push(origin);
      } else if (version === versionOf(write)) plan.repeated++;
      else {
        const sourceKey = this.context.sourceKey(origin);
        plan.failures.push({ ...duplicateKey(this.context.keyFields, write.key), payload: origin, sourceKey });
      }
    });
  }

  add(records: readonly WriteRecord[]): void {
    for (const record of records) this.known.set(record.key, versionOf(record));
  }

  /** Of records that were not written after all. */
  remove(records: readonly Pick<WriteRecord, 'key'>[]): void {
    for (const { key } of records) this.known.delete(key);
  }
}

/** A text is there before its hash, which need not be computed here. */
function versionOf(record: WriteRecord): string {
  return record.text ?? record.hash;
}

/** Canonical JSON array of the key's parts. Written without an array, as every record of every run comes by. */
export function canonicalKey(data: Record<string, unknown>, keyFields: readonly string[]): string {
  let text = '[';
  for (let part = 0; part < keyFields.length; part++) {
    if (part > 0) text += ',';
    text += JSON.stringify(data[keyFields[part] as string] ?? '');
  }
  return `${text}]`;
}

function duplicateKey(keyFields: readonly string[], key: string): Reason {
  const error = new IntegrationError(
    'data',
    'PCP_DUPLICATE_KEY',
    phrase`Another record of the same batch has the key ${key} with other values; the first one was kept.`,
    {
      path: keyFields.join(', '),
      hint: 'Find out which record is right, and replay this one to let it win; or add a field to the key.',
    },
  );
  return { stage: 'plan', field: keyFields.join(', '), rule: 'unique', value: key, error };
}
