import { setTimeout as pause } from 'node:timers/promises';
import { IntegrationError } from '../../../model/errors';
import { phrase, type Said } from '../../../model/phrase';
import type {
  DescribedWrite,
  Resolution,
  SourceRecord,
  WriteRecord,
  WriteResult,
  Writer,
  WriteTarget,
} from '../../contract';
import { WriteRun } from '../../write-run';
import { inTermsOf } from '../same-record';
import { readAuthor } from './author';
import type { Catalogue } from './catalogue';
import type { Opened } from './connector';
import { Derived } from './derive';
import { type Found, findPostings, type Wanted } from './posted';
import { fieldsOf, KEY, keyOf, type Posting, type Row, rowOf, SERVER, SOURCE, serialsOf, withElement } from './posting';
import type { Preset } from './presets';
import { externalKeyOf } from './recognise';
import { type Author, byDatabase, byGateway, type Outgoing } from './sender';
import { stepFor } from './step';

/** How often the interface is looked at for what became of rows. */
const POLL_MS = 1000;

/**
 * Puts records into an open interface table, where the concurrent managers of E-Business Suite take them up. Each is looked
 * for by its key before: in the interface and among what was posted.
 */
export class EbsWriter implements Writer {
  readonly #catalogue: Catalogue;
  readonly #preset: Preset & { posting: Posting };

  /** @throws config PCP_NOT_WRITABLE */
  constructor(
    private readonly opened: Opened,
    catalogue: Catalogue,
    private readonly target: Pick<WriteTarget, 'entity' | 'assertSafeToWrite'>,
  ) {
    const { entity } = target;
    const preset = catalogue.preset(entity);
    if (preset?.posting === undefined) {
      throw new IntegrationError('config', 'PCP_NOT_WRITABLE', phrase`"${entity}" cannot be written.`, {
        path: '/source_entity',
        hint: 'Postings go through open interface tables; everything else is read only.',
      });
    }
    this.#catalogue = catalogue;
    this.#preset = { ...preset, posting: preset.posting };
  }

  async write(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]> {
    signal.throwIfAborted();
    const concurrency = this.opened.settings.gateway?.http.maxConcurrency ?? 1;
    const run = new WriteRun(records.length, concurrency, signal, this.target);
    try {
      const author = await this.#author();
      const rows = await this.#planned(records, author, run);
      await this.#settle(await this.#send(rows, author, run, signal), run, signal);
    } catch (thrown) {
      run.fail(
        records.map((_, index) => index).filter((index) => run.results[index] === undefined),
        thrown,
      );
    }
    return run.end();
  }

  ownKey({ data }: WriteRecord): string {
    return keyOf(data, this.#preset.posting, this.#sender);
  }

  async resolve(records: WriteRecord[], signal: AbortSignal): Promise<Resolution[]> {
    signal.throwIfAborted();
    const keys = records.map(({ data }) => keyOrError(data, this.#preset.posting, this.#sender));
    const found = await this.#find(wantedOf(records, keys));
    return records.map(({ data }, index): Resolution => {
      const key = keys[index]!;
      if (typeof key !== 'string') return { state: 'unknown', error: key };
      const there = found.get(key);
      // A row that was refused posts nothing; sent again it is told why, or takes its place.
      const held = there?.state === 'refused' ? there.posted : there?.data;
      if (held === undefined) return { state: 'absent' };
      return { state: 'found', externalKey: this.#nameOf(key), data: inTermsOf(data, { ...data, [KEY]: key }, held) };
    });
  }

  /** What `write` would do with a record now. */
  async describeWrite({ data }: WriteRecord, signal: AbortSignal): Promise<DescribedWrite> {
    signal.throwIfAborted();
    const { posting } = this.#preset;
    const key = keyOf(data, posting, this.#sender);
    const there = (await this.#find([{ key, data }])).get(key);
    const derived = new Derived(this.#catalogue.database);
    const given = await this.#given(data, derived);
    const step = stepFor(posting, this.#nameOf(key), given, there);
    if (step === 'nothing') return { current: there?.data, request: null };
    const row = await this.#rowOf(given, key, step.changed, await this.#author(), derived, await this.#now());
    const alias = this.opened.settings.interfaces.get(posting.table);
    const url =
      alias === undefined ? posting.table : `${String(this.opened.gateway?.client.baseUrl)}/${alias}/${posting.table}/`;
    const method = alias === undefined ? 'INSERT' : 'POST';
    return {
      current: there?.posted ?? there?.data ?? null,
      request: { method, url, headers: {}, body: JSON.stringify(row) },
    };
  }

  async finish(): Promise<void> {
    // Every record is in the interface when it is written.
  }

  async abandon(): Promise<void> {
    // As for finish: there is nothing to take back.
  }

  /** The rows that are to be sent; what needs none, and what cannot be sent, has its result. */
  async #planned(records: readonly WriteRecord[], author: Author, run: WriteRun): Promise<Outgoing[]> {
    const { posting } = this.#preset;
    const keys = records.map(({ data }) => keyOrError(data, posting, this.#sender));
    const found = await this.#find(wantedOf(records, keys));
    const derived = new Derived(this.#catalogue.database);
    const now = await this.#now();
    const rows: Outgoing[] = [];
    const seen = new Set<string>();
    for (const [index, { data }] of records.entries()) {
      try {
        const key = keys[index]!;
        if (typeof key !== 'string') throw key;
        const given = await this.#given(data, derived);
        const step = stepFor(posting, this.#nameOf(key), given, found.get(key));
        if (step === 'nothing') run.results[index] = { outcome: 'unchanged', externalKey: this.#nameOf(key) };
        else if (seen.has(key)) throw twice(this.#nameOf(key));
        else {
          const row = await this.#rowOf(given, key, step.changed, author, derived, now);
          const lot = given[posting.parts?.lot.field ?? ''];
          const parts = { serials: serialsOf(given, posting), ...(lot !== undefined && { lot }) };
          rows.push({ index, key, data, row, ...step, ...parts });
        }
        seen.add(key);
      } catch (thrown) {
        const error = IntegrationError.from(thrown);
        if (error.class !== 'data') throw error;
        run.fail([index], error);
      }
    }
    return rows;
  }

  /** In the names that what was posted has, as far as the record says. */
  async #given(data: Record<string, unknown>, derived: Derived): Promise<Row> {
    const { posting } = this.#preset;
    const given = fieldsOf(data, posting);
    return posting.element === undefined ? given : withElement(await derived.complete(given, posting), posting);
  }

  async #rowOf(
    given: Row,
    key: string,
    changed: SourceRecord | undefined,
    author: Author,
    derived: Derived,
    now: string,
  ): Promise<Row> {
    const { posting } = this.#preset;
    const { userId, name: userName } = author;
    return {
      ...rowOf(await derived.complete(given, posting), posting, changed),
      [SOURCE]: this.#source,
      ...Object.fromEntries(posting.keys.map((name) => [name, key])),
      ...Object.fromEntries((posting.authors ?? []).map((name) => [name, userName])),
      ...{ CREATED_BY: userId, LAST_UPDATED_BY: userId, CREATION_DATE: now, LAST_UPDATE_DATE: now },
    };
  }

  async #send(rows: readonly Outgoing[], author: Author, run: WriteRun, signal: AbortSignal): Promise<Outgoing[]> {
    if (rows.length === 0) return [];
    const { posting } = this.#preset;
    const alias = this.opened.settings.interfaces.get(posting.table);
    if (alias === undefined)
      return byDatabase(this.#catalogue.database, posting, author, this.target)(rows, run, signal);
    if (this.opened.gateway === undefined) {
      throw new IntegrationError(
        'config',
        'PCP_SETTING_MISSING',
        phrase`The interfaces are services, and there is no gateway.`,
        {
          path: '/config/base_url',
          hint: 'Fill in "base_url" in the connection, or empty "interfaces".',
        },
      );
    }
    const arrived = async (outgoing: Outgoing) => (await this.#find([outgoing])).has(outgoing.key);
    return byGateway(this.opened.gateway.session, alias, posting, arrived)(rows, run, signal);
  }

  /** Waits for the managers to take up what arrived, as long as the connection allows, and tells what they refused. */
  async #settle(arrived: readonly Outgoing[], run: WriteRun, signal: AbortSignal): Promise<void> {
    let open = [...arrived];
    try {
      for (let left = this.opened.settings.waitSeconds; open.length > 0 && left > 0; left -= POLL_MS / 1000) {
        const found = await this.#find(open);
        for (const outgoing of open) {
          const { index, key } = outgoing;
          const there = found.get(key);
          if (there?.state === 'refused') run.fail([index], refusedBy(this.#nameOf(key), there));
          if (there?.state === 'posted') run.results[index] = this.#sent(outgoing);
        }
        open = open.filter(({ index }) => run.results[index] === undefined);
        if (open.length > 0) await pause(POLL_MS, undefined, { signal });
      }
    } finally {
      // What waits in the interface is sent, whatever ended the waiting.
      for (const outgoing of open) run.results[outgoing.index] ??= this.#sent(outgoing);
    }
  }

  #sent({ key, changed }: Outgoing): WriteResult {
    return { outcome: changed === undefined ? 'created' : 'updated', externalKey: this.#nameOf(key) };
  }

  #find(wanted: readonly Wanted[]): Promise<Map<string, Found>> {
    return findPostings(this.#catalogue, this.#preset.entity, this.#preset.posting, this.opened.settings, wanted);
  }

  /** @throws config PCP_EBS_USER, PCP_EBS_RESPONSIBILITY, PCP_SETTING_MISSING */
  async #author(): Promise<Author> {
    const { settings } = this.opened;
    const { request, table } = this.#preset.posting;
    if (request !== undefined && settings.interfaces.has(table)) {
      throw new IntegrationError('config', 'PCP_SETTING_INVALID', phrase`${table} is written by SQL only.`, {
        path: '/config/interfaces',
        hint: `Take ${table} out of "interfaces": its rows come with a concurrent request that loads them.`,
      });
    }
    if (request !== undefined && settings.responsibility === undefined) {
      throw new IntegrationError(
        'config',
        'PCP_SETTING_MISSING',
        phrase`Jobs are loaded by a concurrent request, which needs a responsibility.`,
        {
          path: '/config/responsibility',
          hint: 'Fill in the responsibility in whose name it is submitted, and its application.',
        },
      );
    }
    return readAuthor(this.#catalogue.database, settings);
  }

  async #now(): Promise<string> {
    const { database } = this.#catalogue;
    const { now, fromNothing } = SERVER[database.dialect]!;
    const [row] = await database.query(`SELECT TO_CHAR(${now}, 'YYYY-MM-DD"T"HH24:MI:SS') AS "NOW"${fromNothing}`);
    return String(row?.NOW);
  }

  get #source(): string {
    return this.opened.settings.sourceCode;
  }

  get #sender(): string {
    return this.opened.settings.sender;
  }

  #nameOf(key: string): string {
    return externalKeyOf(this.#source, key);
  }
}

function keyOrError(data: Record<string, unknown>, posting: Posting, sender: string): string | IntegrationError {
  try {
    return keyOf(data, posting, sender);
  } catch (thrown) {
    return IntegrationError.from(thrown);
  }
}

function wantedOf(records: readonly WriteRecord[], keys: readonly (string | IntegrationError)[]): Wanted[] {
  return records.flatMap(({ data }, index) => {
    const key = keys[index]!;
    return typeof key === 'string' ? [{ key, data }] : [];
  });
}

function twice(name: string): IntegrationError {
  return new IntegrationError('data', 'PCP_EBS_VALUE', phrase`Two records of the batch have the key ${name}.`, {
    path: KEY,
    hint: 'Let each record have an id of its own; nothing was sent.',
  });
}

function refusedBy(name: string, { why = phrase`without a reason` }: { why?: Said }): IntegrationError {
  return new IntegrationError('data', 'PCP_EBS_REFUSED', phrase`E-Business Suite refused ${name}: ${why}`, {
    hint: 'Correct the record and send it again: it takes the place of the row that was refused.',
  });
}
