import type { EntityInfo, JsonSchema } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import type { EntitySet, ServiceModel } from '../../../protocols/odata/model';
import { schemaOf } from '../../../protocols/odata/schema';
import { ODataService, type ServiceClient } from '../../../protocols/odata/service';
import type { EntityDescription } from '../../contract';
import type { ODataEntity } from '../odata/entity';
import { noSet, presetInfo, setInfo, silentService } from '../odata/info';
import { shapeWithPart } from '../odata/key-part';
import { shapeOf } from '../odata/moments';
import { inWordsOfSap } from './explain';
import { PRESETS, type Preset } from './presets';
import { GatewaySession } from './session';
import type { SapSettings } from './settings';

/** A set that is named as it is, "API_PRODUCT_SRV/A_Product", has no preset. */
export type SapEntity = ODataEntity & { preset?: Preset };

/** What the services of a connection have. */
export class Catalogue {
  readonly #services = new Map<string, ODataService>();
  readonly #own: readonly string[];

  constructor(client: ServiceClient, settings: SapSettings) {
    const session = new GatewaySession(client, settings.session);
    const { parameters, secrets } = settings.session;
    this.#own = settings.own;
    for (const [name, path] of settings.services) {
      const options = { path, parameters, secrets, updateMethod: settings.updateMethod };
      this.#services.set(name, new ODataService(session.of(path), options));
    }
  }

  get services(): ReadonlyMap<string, ODataService> {
    return this.#services;
  }

  /** @throws config PCP_ENTITY_UNKNOWN, PCP_SAP_SERVICE_INACTIVE; what asking for the metadata throws */
  async resolve(name: string, signal: AbortSignal): Promise<SapEntity> {
    signal.throwIfAborted();
    const preset = PRESETS.find(({ entity }) => entity === name);
    const [serviceName = '', ...path] = preset === undefined ? name.split('/') : [preset.service, preset.set];
    const setName = path.join('/');
    const service = this.#services.get(serviceName);
    if (service === undefined || setName === '') throw unknownEntity(name, [...this.#services.keys()]);
    const model = await service.model(signal).catch((thrown: unknown) => {
      throw inWordsOfSap(thrown, serviceName, service.options.path);
    });
    const set = await service.entitySet(setName, signal);
    return {
      name,
      service,
      set,
      model,
      shape: shapeWithPart(shapeOf(preset?.moments), preset?.external_key?.part),
      ...(preset !== undefined && { preset }),
    };
  }

  /** @throws config PCP_OPERATION_UNKNOWN */
  service(name: string): ODataService {
    const service = this.#services.get(name);
    if (service !== undefined) return service;
    throw new IntegrationError('config', 'PCP_OPERATION_UNKNOWN', `The connection has no service "${name}".`, {
      path: 'service',
      hint: `There are: ${[...this.#services.keys()].join(', ')}. Add others to "services" of the connection.`,
    });
  }

  /** The entities of the plant first; a service that does not answer is told at those. */
  async list(signal: AbortSignal): Promise<EntityInfo[]> {
    signal.throwIfAborted();
    const models = new Map<string, ServiceModel | IntegrationError>();
    await Promise.all(
      [...this.#services].map(async ([name, service]) => {
        const model = await service.model(signal).catch((thrown: unknown) => thrown);
        models.set(name, isModel(model) ? model : inWordsOfSap(model, name, service.options.path));
      }),
    );
    signal.throwIfAborted();
    const failures = [...models].flatMap(([name, model]) =>
      model instanceof IntegrationError ? [{ name, model }] : [],
    );
    // What the connection names itself tells more than what every system might have.
    const own = failures.filter(({ name }) => this.#own.includes(name));
    if (failures.length === models.size && failures[0] !== undefined) throw (own[0] ?? failures[0]).model;
    const presets = PRESETS.map((preset) => presetInfo(preset, presetSet(preset, models.get(preset.service))));
    const sets = [...models].flatMap(([service, model]) => {
      if (model instanceof IntegrationError) return [];
      return [...model.entitySets.values()].map((set) => setInfo(`${service}/${set.name}`, set));
    });
    return [...presets, ...own.map(({ name, model }) => silentService(name, model)), ...sets];
  }

  /** With the mappings that work as they are, in `x-mappings`. */
  async describe(name: string, signal: AbortSignal): Promise<EntityDescription> {
    const { set, model, shape, preset } = await this.resolve(name, signal);
    if (preset === undefined) return { info: setInfo(name, set), schema: schemaOf(set, model) };
    const schema: JsonSchema = { ...shape.schema(schemaOf(set, model)), 'x-mappings': preset.mappings };
    return { info: presetInfo(preset, set), schema };
  }
}

function presetSet(
  { service, set: name }: Preset,
  model: ServiceModel | IntegrationError | undefined,
): EntitySet | IntegrationError {
  if (model instanceof IntegrationError) return model;
  const hint = 'The system may be older than this service: add the one that it has to "services".';
  return model?.entitySets.get(name) ?? noSet(`${service} has no entity set "${name}".`, hint);
}

function isModel(model: unknown): model is ServiceModel {
  return typeof model === 'object' && model !== null && 'entitySets' in model;
}

function unknownEntity(name: string, services: readonly string[]): IntegrationError {
  const known = PRESETS.map(({ entity }) => entity).join(', ');
  return new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', `"${name}" is not an entity of the connection.`, {
    path: '/source_entity',
    hint: `Take one of ${known}, or SERVICE/EntitySet of the services ${services.join(', ')}.`,
  });
}
