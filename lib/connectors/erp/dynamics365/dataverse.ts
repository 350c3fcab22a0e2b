import type { EntityInfo } from '../../../model/entity';
import { failureOf } from '../../../protocols/odata/fault';
import type { ServiceModel } from '../../../protocols/odata/model';
import { schemaOf } from '../../../protocols/odata/schema';
import { ODataService } from '../../../protocols/odata/service';
import type { Batch, EntityDescription, ReadQuery, WriteGuarantee } from '../../contract';
import type { ODataEntity } from '../odata/entity';
import { setInfo } from '../odata/info';
import { shapeOf } from '../odata/moments';
import { Application, type Asked, noService } from './application';
import { CHANGES, readPages } from './dataverse-read';
import { inWordsOfDynamics } from './explain';
import type { DynamicsSettings } from './settings';

const PATH = '/api/data/v9.2';

/** Dataverse: tables by the Web API. What identifies a record may be any alternate key of its table. */
export class Dataverse extends Application {
  readonly #service: ODataService;

  constructor(client: Application['client'], settings: DynamicsSettings) {
    super(client, settings);
    const { secrets } = settings;
    this.#service = new ODataService(client, { path: PATH, batchFormat: 'multipart', secrets });
  }

  async odata(name: string): Promise<ODataService> {
    if (name === '') return this.#service;
    throw noService(name);
  }

  async resolve(name: string, signal: AbortSignal): Promise<ODataEntity> {
    signal.throwIfAborted();
    const model = await this.#model(signal);
    const set = await this.#service.entitySet(name, signal);
    // It knows no $skip: what is not read by its links is not read twice.
    return { name, service: this.#service, set: { ...set, pageable: false }, model, shape: shapeOf(), upserts: true };
  }

  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    return [...(await this.#model(signal)).entitySets.values()].map((set) => setInfo(set.name, set, 'table'));
  }

  /** The cursor that stands for change tracking is described as a field, so that a mapping can choose it. */
  async describe(name: string, signal: AbortSignal): Promise<EntityDescription> {
    const { set, model } = await this.resolve(name, signal);
    const schema = schemaOf(set, model);
    const properties = { ...schema.properties, [CHANGES]: { type: 'null' } };
    return { info: setInfo(name, set, 'table'), schema: { ...schema, properties } };
  }

  async ask(signal: AbortSignal): Promise<Asked[]> {
    const name = 'WhoAmI';
    try {
      const headers = { accept: 'application/json' };
      const response = await this.client.request({ target: `${PATH}/${name}`, headers, signal });
      if (!response.ok) throw await failureOf(response, this.settings.secrets);
      response.discard();
      return [{ name, found: 1 }];
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      return [{ name, found: 0, error: inWordsOfDynamics(thrown, `Web API at ${PATH}`, 'dataverse') }];
    }
  }

  override async *read(query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
    const isByField = query.cursorField !== undefined && query.cursorField !== CHANGES;
    yield* isByField ? super.read(query, signal) : readPages(await this.resolve(query.entity, signal), query, signal);
  }

  override guarantee(entity: string): WriteGuarantee {
    return { ...super.guarantee(entity), upsertByKey: true };
  }

  #model(signal: AbortSignal): Promise<ServiceModel> {
    return this.#service.model(signal).catch((thrown: unknown) => {
      throw signal.aborted ? thrown : inWordsOfDynamics(thrown, `Web API at ${PATH}`, 'dataverse');
    });
  }
}
