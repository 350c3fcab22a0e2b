import { setTimeout as pause } from 'node:timers/promises';
import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { DescribedWrite, Resolution, WriteRecord, WriteResult, Writer, WriteTarget } from '../../contract';
import { WriteRun } from '../../write-run';
import { inTermsOf, isSame } from '../same-record';
import { readAuthor } from './author';
import type { Catalogue } from './catalogue';
import type { Opened } from './connector';
import { Derived } from './derive';
import { type Found, findPostings } from './posted';
import { fieldsOf, KEY, keyOf, type Posting, type Row, rowOf, SERVER, SOURCE } from './posting';
import type { Preset } from './presets';
import { type Author, byDatabase, byGateway, type Outgoing } from './sender';

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
      const author = await readAuthor(this.#catalogue.database, this.opened.settings);
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

  async resolve(records: WriteRecord[], signal: AbortSignal): Promise<Resolution[]> {
    signal.throwIfAborted();
    const keys = records.map(({ data }) => keyOrError(data, this.#preset.posting, this.#sender));
    const found = await this.#find(keys.filter((key) => typeof key === 'string'));
    return records.map(({ data }, index): Resolution => {
      const key = keys[index]!;
      if (typeof key !== 'string') return { state: 'unknown', error: key };
      const there = found.get(key);
      // A row that was refused posts nothing; sent again it is told why, or takes its place.
      if (there === undefined || there.state === 'refused') return { state: 'absent' };
      const given = { ...data, [KEY]: key };
      return { state: 'found', externalKey: this.#nameOf(key), data: inTermsOf(data, given, there.data) };
    });
  }

  /** What `write` would do with a record now. */
  async describeWrite({ data }: WriteRecord, signal: AbortSignal): Promise<DescribedWrite> {
    signal.throwIfAborted();
    const { posting } = this.#preset;
    const key = keyOf(data, posting, this.#sender);
    const there = (await this.#find([key])).get(key);
    if (there !== undefined && there.state !== 'refused') return { current: there.data, request: null };
    const author = await readAuthor(this.#catalogue.database, this.opened.settings);
    const row = await this.#rowOf(data, key, author, new Derived(this.#catalogue.database), await this.#now());
    const alias = this.opened.settings.interfaces.get(posting.table);
    const url =
      alias === undefined ? posting.table : `${String(this.opened.gateway?.client.baseUrl)}/${alias}/${posting.table}/`;
    const method = alias === undefined ? 'INSERT' : 'POST';
    return { current: there?.data ?? null, request: { method, url, headers: {}, body: JSON.stringify(row) } };
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
    const found = await this.#find(keys.filter((key) => typeof key === 'string'));
    const derived = new Derived(this.#catalogue.database);
    const now = await this.#now();
    const rows: Outgoing[] = [];
    const seen = new Set<string>();
    for (const [index, { data }] of records.entries()) {
      try {
        const key = keys[index]!;
        if (typeof key !== 'string') throw key;
        const there = found.get(key);
        if (there !== undefined && there.state !== 'refused') run.results[index] = this.#known(data, key, there);
        else if (seen.has(key)) throw twice(this.#nameOf(key));
        else {
          const row = await this.#rowOf(data, key, author, derived, now);
          const lot = posting.lot === undefined ? '' : String(data[posting.lot.field] ?? '');
          rows.push({ index, row, replaces: there !== undefined, ...(lot !== '' && { lot }) });
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

  #known(data: Row | Record<string, unknown>, key: string, there: Found): WriteResult {
    const { [KEY]: _, ...fields } = fieldsOf(data, this.#preset.posting);
    if (isSame(fields, there.data)) return { outcome: 'unchanged', externalKey: this.#nameOf(key) };
    throw new IntegrationError(
      'data',
      'PCP_EBS_POSTED_BEFORE',
      phrase`It was sent before as ${this.#nameOf(key)}, with other values; a transaction cannot be changed.`,
      { hint: 'Reverse it in E-Business Suite by a return, and send the corrected record under a key of its own.' },
    );
  }

  async #rowOf(
    data: Record<string, unknown>,
    key: string,
    author: Author,
    derived: Derived,
    now: string,
  ): Promise<Row> {
    const { posting } = this.#preset;
    const given = await derived.complete(fieldsOf(data, posting), posting);
    const { userId } = author;
    return {
      ...rowOf(given, posting),
      [SOURCE]: this.#source,
      ...Object.fromEntries(posting.keys.map((name) => [name, key])),
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
        'The interfaces are services, and there is no gateway.',
        {
          path: '/config/base_url',
          hint: 'Fill in "base_url" in the connection, or empty "interfaces".',
        },
      );
    }
    const arrived = async (row: Row) => (await this.#find([row[KEY]!])).has(row[KEY]!);
    return byGateway(this.opened.gateway.session, alias, posting, arrived)(rows, run, signal);
  }

  /** Waits for the managers to take up what arrived, as long as the connection allows, and tells what they refused. */
  async #settle(arrived: readonly Outgoing[], run: WriteRun, signal: AbortSignal): Promise<void> {
    let open = [...arrived];
    try {
      for (let left = this.opened.settings.waitSeconds; open.length > 0 && left > 0; left -= POLL_MS / 1000) {
        const found = await this.#find(open.map(({ row }) => row[KEY]!));
        for (const { index, row } of open) {
          const there = found.get(row[KEY]!);
          if (there?.state === 'refused') run.fail([index], refusedBy(this.#nameOf(row[KEY]!), there));
          if (there?.state === 'posted') run.results[index] = this.#created(row);
        }
        open = open.filter(({ index }) => run.results[index] === undefined);
        if (open.length > 0) await pause(POLL_MS, undefined, { signal });
      }
    } finally {
      // What waits in the interface is sent, whatever ended the waiting.
      for (const { index, row } of open) run.results[index] ??= this.#created(row);
    }
  }

  #created(row: Row): WriteResult {
    return { outcome: 'created', externalKey: this.#nameOf(row[KEY]!) };
  }

  #find(keys: string[]): Promise<Map<string, Found>> {
    return findPostings(this.#catalogue, this.#preset.entity, this.#preset.posting, this.#source, keys);
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
    return `${this.#source}/${key}`;
  }
}

function keyOrError(data: Record<string, unknown>, posting: Posting, sender: string): string | IntegrationError {
  try {
    return keyOf(data, posting, sender);
  } catch (thrown) {
    return IntegrationError.from(thrown);
  }
}

function twice(name: string): IntegrationError {
  return new IntegrationError('data', 'PCP_EBS_VALUE', phrase`Two records of the batch have the key ${name}.`, {
    path: KEY,
    hint: 'Let each record have an id of its own; nothing was sent.',
  });
}

function refusedBy(name: string, { why = 'without a reason' }: Found): IntegrationError {
  return new IntegrationError('data', 'PCP_EBS_REFUSED', phrase`E-Business Suite refused ${name}: ${why}`, {
    hint: 'Correct the record and send it again: it takes the place of the row that was refused.',
  });
}
