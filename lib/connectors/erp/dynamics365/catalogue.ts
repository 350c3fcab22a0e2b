import type { EntityInfo, JsonSchema } from '../../../model/entity';
import type { IntegrationError } from '../../../model/errors';
import type { HttpClient } from '../../../protocols/http/client';
import { failureOf } from '../../../protocols/odata/fault';
import { readJson } from '../../../protocols/odata/feed';
import type { EntitySet, ServiceModel } from '../../../protocols/odata/model';
import { parameterText } from '../../../protocols/odata/query';
import { schemaOf } from '../../../protocols/odata/schema';
import { ODataService } from '../../../protocols/odata/service';
import { isOrdered } from '../../../protocols/odata/values';
import type { EntityDescription } from '../../contract';
import type { ODataEntity } from '../odata/entity';
import { noSet, presetInfo, setInfo } from '../odata/info';
import { COMPANY } from './company';
import { inWordsOfDynamics } from './explain';
import { type Beside, PRESETS, type Preset } from './presets';
import type { DynamicsSettings } from './settings';
import { operationsShape } from './shape';

/** A set that is named as it is, "CustomersV3", has no preset. */
export type DynamicsEntity = ODataEntity & { preset?: Preset };

/** Without it the service gives the records of one company only, whatever is asked for. */
const ALL_COMPANIES = { 'cross-company': 'true' };

/** What an environment of Finance & Operations has. */
export class Catalogue {
  readonly service: ODataService;

  constructor(
    readonly client: HttpClient,
    readonly settings: DynamicsSettings,
  ) {
    const { secrets } = settings;
    // Of the notations of batches only this one is documented.
    const options = { path: '/data', parameters: ALL_COMPANIES, batchFormat: 'multipart' as const, secrets };
    this.service = new ODataService(client, options);
  }

  /** @throws config PCP_ENTITY_UNKNOWN; what asking for the metadata throws */
  async resolve(name: string, signal: AbortSignal): Promise<DynamicsEntity> {
    signal.throwIfAborted();
    const preset = PRESETS.find(({ entity }) => entity === name);
    const model = await this.#model(signal);
    const set = await this.service.entitySet(preset?.set ?? name, signal);
    return { ...this.#entity(name, set, model, preset), ...(preset !== undefined && { preset }) };
  }

  /** The set that is read beside an entity. */
  async beside({ set: name, days }: Beside, signal: AbortSignal): Promise<DynamicsEntity> {
    return this.#entity(name, await this.service.entitySet(name, signal), await this.#model(signal), { days });
  }

  /** The entities of the plant, and all sets. */
  async list(signal: AbortSignal): Promise<[presets: EntityInfo[], sets: EntityInfo[]]> {
    const model = await this.#model(signal);
    const presets = PRESETS.map((preset) => presetInfo(preset, presetSet(preset, model)));
    return [presets, [...model.entitySets.values()].map((set) => setInfo(set.name, set))];
  }

  /** With the mappings that work as they are, in `x-mappings`. */
  async describe(name: string, signal: AbortSignal): Promise<EntityDescription> {
    const { set, model, shape, preset } = await this.resolve(name, signal);
    const own = shape.schema(schemaOf(set, model));
    if (preset === undefined) return { info: setInfo(name, set), schema: own };
    const beside = preset.beside && (await this.beside(preset.beside, signal));
    const properties: Record<string, JsonSchema> = { ...own.properties };
    if (beside !== undefined && preset.beside !== undefined) {
      const items = beside.shape.schema(schemaOf(beside.set, beside.model));
      properties[preset.beside.name] = { type: 'array', items };
    }
    return { info: presetInfo(preset, set), schema: { ...own, properties, 'x-mappings': preset.mappings } };
  }

  /** Asks for one record of a set, without reading the metadata, which are large. @param isShared of no company. @returns how many came */
  async ask(set: string, isShared: boolean, signal: AbortSignal): Promise<number> {
    const { company, secrets } = this.settings;
    const parameters: [string, string][] = [...Object.entries(ALL_COMPANIES), ['$top', '1']];
    if (company !== '' && !isShared) parameters.push(['$filter', `${COMPANY} eq '${company.replaceAll("'", "''")}'`]);
    try {
      const target = `/data/${encodeURIComponent(set)}${parameterText(parameters)}`;
      const response = await this.client.request({ target, headers: { accept: 'application/json' }, signal });
      if (!response.ok) throw await failureOf(response, secrets, 'GET');
      const { value } = (await readJson(response)) as { value?: unknown };
      return Array.isArray(value) ? value.length : 0;
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      throw inWordsOfDynamics(thrown, set);
    }
  }

  #model(signal: AbortSignal): Promise<ServiceModel> {
    return this.service.model(signal).catch((thrown: unknown) => {
      throw signal.aborted ? thrown : inWordsOfDynamics(thrown, 'OData service at /data');
    });
  }

  #entity(name: string, set: EntitySet, model: ServiceModel, preset: Partial<Preset> = {}): DynamicsEntity {
    const { company } = this.settings;
    const { type } = set;
    // The company comes first in most keys, and hardly tells records apart.
    const pageBy = type.key.find((field) => {
      const property = type.properties.get(field);
      return field !== COMPANY && property?.filterable && property.sortable && isOrdered(property.type);
    });
    return {
      ...{ name, service: this.service, set, model, shape: operationsShape(type, preset) },
      ...(pageBy !== undefined && type.key.includes(COMPANY) && { pageBy }),
      ...(company !== '' && type.properties.has(COMPANY) && { fixed: { [COMPANY]: company } }),
    };
  }
}

function presetSet({ set: name }: Preset, model: ServiceModel): EntitySet | IntegrationError {
  const hint = 'The release may have another version of the entity: take that one by its name.';
  return model.entitySets.get(name) ?? noSet(`The environment has no "${name}".`, hint);
}
