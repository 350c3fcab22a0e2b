import type { EntityInfo } from '../../../model/entity';
import type { IntegrationError } from '../../../model/errors';
import type { HttpClient } from '../../../protocols/http/client';
import type { ODataService } from '../../../protocols/odata/service';
import type {
  Batch,
  DescribedWrite,
  EntityDescription,
  ReadQuery,
  Recognition,
  SourceRecord,
  WriteGuarantee,
  WriteRecord,
  Writer,
  WriteTarget,
} from '../../contract';
import { readBatches } from '../odata/read';
import { Application, type Asked } from './application';
import { withBeside } from './beside';
import { Catalogue, type DynamicsEntity } from './catalogue';
import { DataManagement, type OpenElsewhere } from './data-management';
import { isMessage, Messages } from './messages';
import { isPackage, Packages } from './packages';
import { PRESETS } from './presets';
import type { DynamicsSettings } from './settings';

/** Finance & Operations: data entities, packages of them, and the messages of the MES integration. */
export class FinanceOperations extends Application {
  readonly #catalogue: Catalogue;
  readonly #messages: Messages;
  readonly #packages: Packages;

  constructor(client: HttpClient, settings: DynamicsSettings, open: OpenElsewhere) {
    super(client, settings);
    this.#packages = new Packages(settings, new DataManagement(client, settings, open));
    this.#catalogue = new Catalogue(client, settings);
    this.#messages = new Messages(this.#catalogue);
  }

  async odata(): Promise<ODataService> {
    return this.#catalogue.service;
  }

  resolve(name: string, signal: AbortSignal): Promise<DynamicsEntity> {
    return this.#catalogue.resolve(name, signal);
  }

  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    const [presets, sets] = await this.#catalogue.list(signal);
    return [...presets, ...this.#messages.list(), ...this.#packages.list(), ...sets];
  }

  async describe(name: string, signal: AbortSignal): Promise<EntityDescription> {
    if (isPackage(name)) return this.#packages.describe(name);
    return isMessage(name) ? this.#messages.describe(name) : this.#catalogue.describe(name, signal);
  }

  async ask(signal: AbortSignal): Promise<Asked[]> {
    const ask = async (name: string, isShared = false): Promise<Asked> => {
      try {
        const found = await this.#catalogue.ask(name, isShared, signal);
        return { name, found, ...(isShared && { isShared }) };
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        return { name, found: 0, error: thrown as IntegrationError };
      }
    };
    const [first, ...others] = PRESETS;
    const asked = await ask(first?.set ?? '');
    // Whatever keeps the first from answering would only be told once for each of them.
    if (asked.error?.class === 'auth' || asked.error?.class === 'transient') return [asked];
    const own = this.settings.messageLog?.entity_set;
    const log = own === undefined ? [] : [ask(own).then((each) => ({ ...each, isOwn: true }))];
    return [asked, ...(await Promise.all([...others.map(({ set, is_shared }) => ask(set, is_shared)), ...log]))];
  }

  override async *read(query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
    if (isPackage(query.entity)) return yield* this.#packages.read(query, signal);
    const entity = await this.resolve(query.entity, signal);
    const batches = readBatches(entity, query, signal);
    const { beside } = entity.preset ?? {};
    yield* beside === undefined
      ? batches
      : withBeside(batches, await this.#catalogue.beside(beside, signal), beside, signal);
  }

  override guarantee(entity: string): WriteGuarantee {
    if (isPackage(entity)) return this.#packages.guarantee();
    return isMessage(entity) ? this.#messages.guarantee() : super.guarantee(entity);
  }

  override looksUp(entity: string): boolean {
    return this.guarantee(entity).lookup === 'strong';
  }

  /** What messages and packages make there has nothing of ours. */
  override async recognise(
    entity: string,
    written: Pick<WriteTarget, 'entity' | 'keyFields'>,
    signal: AbortSignal,
  ): Promise<Recognition | null> {
    const isRecord = [entity, written.entity].every((name) => !isMessage(name) && !isPackage(name));
    return isRecord ? super.recognise(entity, written, signal) : null;
  }

  override async writer(target: WriteTarget, signal: AbortSignal): Promise<Writer> {
    if (isPackage(target.entity)) return this.#packages.writer(target);
    return isMessage(target.entity) ? this.#messages.writer(target) : super.writer(target, signal);
  }

  override async describeWrite(
    target: Pick<WriteTarget, 'entity' | 'keyFields'>,
    record: WriteRecord,
    signal: AbortSignal,
  ): Promise<DescribedWrite> {
    if (isPackage(target.entity)) return { current: undefined, request: null };
    if (!isMessage(target.entity)) return super.describeWrite(target, record, signal);
    const [current] = await this.#messages.find([record], signal);
    return { current, request: current ? null : this.#messages.request(target.entity, record) };
  }

  override async lookup(
    target: Pick<WriteTarget, 'entity' | 'keyFields'>,
    keys: Record<string, unknown>[],
    signal: AbortSignal,
  ): Promise<(SourceRecord | null | undefined)[]> {
    if (isPackage(target.entity)) return keys.map(() => undefined);
    if (!isMessage(target.entity)) return super.lookup(target, keys, signal);
    return this.#messages.find(
      keys.map((data) => ({ data, key: '' })),
      signal,
    );
  }
}
