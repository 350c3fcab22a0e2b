import { randomUUID } from 'node:crypto';
import { abortable } from '../../../abortable';
import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { WriteRecord, WriteResult, Writer, WriteTarget } from '../../contract';
import { LostAnswer, WriteRun } from '../../write-run';
import { externalKey } from '../external-key';
import type { DataManagement } from './data-management';
import { packed, rowOf } from './package-file';
import type { PackageEntity } from './packages';
import type { DynamicsSettings } from './settings';

/** Imports each batch of records as one package, which inserts what is new and changes what is there by its key. */
export class PackageWriter implements Writer {
  readonly #job: string;

  constructor(
    private readonly entity: PackageEntity,
    private readonly target: Pick<WriteTarget, 'runId' | 'mappingId' | 'assertSafeToWrite'>,
    private readonly settings: Pick<DynamicsSettings, 'sender' | 'http'>,
    private readonly management: DataManagement,
  ) {
    // What a flow writes is a job of its own each time.
    this.#job = `${target.mappingId === 0 ? randomUUID() : target.runId}|${entity.definitionGroup}`;
  }

  async write(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]> {
    signal.throwIfAborted();
    const run = new WriteRun(records.length, 1, signal, this.target);
    const fitting = [...records.entries()].flatMap(([index, { data, key, hash }]): Item[] => {
      try {
        return [{ index, row: rowOf(data, this.entity), change: `${key}=${hash}` }];
      } catch (thrown) {
        run.fail([index], thrown);
        return [];
      }
    });
    await run.each(fitting.length === 0 ? [] : [fitting.map(({ index }) => index)], () =>
      this.#import(fitting, run, signal),
    );
    return run.end();
  }

  async finish(): Promise<void> {
    // Every record is with the system when it is written.
  }

  async abandon(): Promise<void> {
    // As for finish: there is nothing to take back.
  }

  /** Of a job that took some records only, which ones tells the import of each half: it changes nothing twice. */
  async #import(items: readonly Item[], run: WriteRun, signal: AbortSignal): Promise<void> {
    const rows = items.map(({ row }) => row);
    // The same records of the same run are the same job: a repeated import finds the one that is under way.
    const changes = items.map(({ change }) => change).join();
    const execution = externalKey(`${this.#job}|${changes}`, { form: 'guid' }, this.settings.sender);
    const work = async () => {
      // Its turn may have come late.
      this.target.assertSafeToWrite?.();
      return this.management.import(this.entity, execution, packed(this.entity, rows), signal);
    };
    const outcome = await inTurn(this.settings.http.baseUrl, work, signal).catch((thrown: unknown) => {
      const error = IntegrationError.from(thrown);
      throw error.outcomeUnknown ? new LostAnswer(error, true) : error;
    });
    const indexes = items.map(({ index }) => index);
    if (outcome === 'Succeeded') {
      for (const index of indexes) run.results[index] = { outcome: 'updated' };
    } else if (outcome === 'PartiallySucceeded' && items.length > 1) {
      const middle = Math.ceil(items.length / 2);
      for (const half of [items.slice(0, middle), items.slice(middle)]) await this.#import(half, run, signal);
    } else {
      run.fail(indexes, notImported(this.entity, outcome, await this.management.errors(execution, signal)));
    }
  }
}

/** A record of a batch, as its file has it. */
interface Item {
  index: number;
  row: Record<string, unknown>;
  /** Tells this very change from others. */
  change: string;
}

/** Imports of one environment, one after the other: data management does not bear several that begin at the same time. */
const turns = new Map<string, Promise<unknown>>();

function inTurn<T>(environment: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const before = turns.get(environment) ?? Promise.resolve();
  const turn = abortable(before, signal).then(work);
  // Whoever gives up waiting lets nobody pass the one in front.
  turns.set(environment, Promise.allSettled([before, turn]));
  return turn;
}

function notImported({ definitionGroup }: PackageEntity, outcome: string, words: string): IntegrationError {
  const message =
    words === ''
      ? phrase`The import by "${definitionGroup}" ended as ${outcome}.`
      : phrase`The import by "${definitionGroup}" ended as ${outcome}: ${words}`;
  return new IntegrationError('data', 'PCP_DYNAMICS_PACKAGE', message, {
    hint: 'Correct the record, or what Data management > Job history names.',
  });
}
