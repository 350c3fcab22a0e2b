import type { EntityInfo } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import { failureOf } from '../../../protocols/odata/fault';
import { readJson } from '../../../protocols/odata/feed';
import type { ServiceModel, StructuredType } from '../../../protocols/odata/model';
import { schemaOf } from '../../../protocols/odata/schema';
import { ODataService } from '../../../protocols/odata/service';
import { SharedWork } from '../../../shared-work';
import type { EntityDescription } from '../../contract';
import type { ODataEntity, RecordShape } from '../odata/entity';
import { noSet, presetInfo, setInfo, silentService } from '../odata/info';
import { shapeOf } from '../odata/moments';
import { Application, type Asked, noService } from './application';
import { inWordsOfDynamics } from './explain';
import { BUSINESS_PRESETS, type Preset } from './presets';

/** The standard API; others are those that the connection names. */
const STANDARD = 'api';
const PATH = '/api/v2.0';
/** How it says that there is no day. */
const NO_DAY = '0001-01-01';

interface Company {
  id: string;
  name: string;
}

/** Business Central: the standard API of one company, and the pages and APIs that the customer published. */
export class BusinessCentral extends Application {
  readonly #company = new SharedWork((signal) => this.#findCompany(signal));
  readonly #services = new Map<string, ODataService>();

  /** @throws config PCP_ENTITY_UNKNOWN, PCP_DYNAMICS_COMPANY */
  async resolve(name: string, signal: AbortSignal): Promise<ODataEntity & { preset?: Preset }> {
    signal.throwIfAborted();
    const preset = BUSINESS_PRESETS.find(({ entity }) => entity === name);
    const [serviceName = '', ...setPath] = preset === undefined ? name.split('/') : [STANDARD, preset.set];
    if (setPath.length === 0 || !this.#paths.has(serviceName)) throw this.#unknown(name);
    const service = await this.odata(serviceName, signal);
    const set = await service.entitySet(setPath.join('/'), signal);
    const entity = { name, service, set, model: await service.model(signal), shape: withoutNoDay(set.type) };
    return { ...entity, ...(preset !== undefined && { preset }) };
  }

  async odata(name: string, signal: AbortSignal): Promise<ODataService> {
    const path = this.#paths.get(name || STANDARD);
    if (path === undefined) throw noService(name);
    const known = this.#services.get(path);
    if (known !== undefined) return known;
    const { id, name: company } = await this.#companyOf(signal);
    // Pages that are published as web services are below the name of the company.
    const isPages = path.startsWith('/ODataV4');
    const prefix = isPages ? `Company('${encodeURIComponent(company.replaceAll("'", "''"))}')/` : `companies(${id})/`;
    const { secrets } = this.settings;
    const service = new ODataService(this.client, { path, prefix, batchFormat: 'json-relative', secrets });
    this.#services.set(path, service);
    return service;
  }

  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    const models = new Map<string, ServiceModel | IntegrationError>();
    for (const name of this.#paths.keys()) models.set(name, await this.#modelOf(name, signal));
    const standard = models.get(STANDARD);
    const isSilent = [...models.values()].every((model) => model instanceof IntegrationError);
    if (isSilent && standard instanceof IntegrationError) throw standard;
    const presets = BUSINESS_PRESETS.map((preset) => {
      if (standard instanceof IntegrationError) return presetInfo(preset, standard);
      const missing = noSet(`The API has no "${preset.set}".`, 'The environment may be older than this entity.');
      return presetInfo(preset, standard?.entitySets.get(preset.set) ?? missing);
    });
    const sets = [...models].flatMap(([name, model]) => {
      if (model instanceof IntegrationError) return [silentService(name, model)];
      return [...model.entitySets.values()].map((set) => setInfo(`${name}/${set.name}`, set));
    });
    return [...presets, ...sets];
  }

  async #modelOf(name: string, signal: AbortSignal): Promise<ServiceModel | IntegrationError> {
    try {
      return await (await this.odata(name, signal)).model(signal);
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      return inWordsOfDynamics(thrown, name, 'business_central');
    }
  }

  async describe(name: string, signal: AbortSignal): Promise<EntityDescription> {
    const { set, model, preset } = await this.resolve(name, signal);
    const schema = schemaOf(set, model);
    return {
      info: preset === undefined ? setInfo(name, set) : presetInfo(preset, set),
      schema: preset === undefined ? schema : { ...schema, 'x-mappings': preset.mappings },
    };
  }

  async ask(signal: AbortSignal): Promise<Asked[]> {
    const ask = async (name: string, isOwn: boolean, work: () => Promise<number>): Promise<Asked> => {
      try {
        return { name, isOwn, found: await work() };
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        return { name, isOwn, found: 0, error: inWordsOfDynamics(thrown, name, 'business_central') };
      }
    };
    const companies = await ask('companies', true, async () => Number((await this.#companyOf(signal)) !== undefined));
    if (companies.error !== undefined) return [companies];
    const entities = BUSINESS_PRESETS.filter(({ set }, at, all) => all.findIndex((each) => each.set === set) === at);
    const asked = entities.map(({ entity, set: name }) =>
      ask(name, false, async () => {
        const { service, set } = await this.resolve(entity, signal);
        return (await service.page(set, { top: 1 }, signal)).entities.length;
      }),
    );
    const own = [...this.settings.services.keys()].map((name) =>
      ask(name, true, async () => (await (await this.odata(name, signal)).model(signal)).entitySets.size),
    );
    return [companies, ...(await Promise.all([...asked, ...own]))];
  }

  get #paths(): ReadonlyMap<string, string> {
    return new Map([[STANDARD, PATH], ...this.settings.services]);
  }

  #companyOf(signal: AbortSignal): Promise<Company> {
    return this.#company.get(signal).catch((thrown: unknown) => {
      throw signal.aborted ? thrown : inWordsOfDynamics(thrown, 'list of companies', 'business_central');
    });
  }

  async #findCompany(signal: AbortSignal): Promise<Company> {
    const headers = { accept: 'application/json' };
    const response = await this.client.request({ target: `${PATH}/companies`, headers, signal });
    if (!response.ok) throw await failureOf(response, this.settings.secrets);
    const { value = [] } = (await readJson(response)) as { value?: Company[] };
    const wanted = this.settings.company.toLowerCase();
    const found = value.filter(({ id, name }) => [id, name.toLowerCase()].includes(wanted) || wanted === '');
    const [only, ...others] = found;
    if (only !== undefined && others.length === 0) return only;
    const names = value.map(({ name }) => name).join(', ');
    const message =
      wanted === '' ? phrase`There is no single company.` : phrase`There is no company "${this.settings.company}".`;
    throw new IntegrationError('config', 'PCP_DYNAMICS_COMPANY', message, {
      path: '/config/company',
      hint: `Name one in the connection: ${names || 'the application sees none'}.`,
    });
  }

  #unknown(name: string): IntegrationError {
    return new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', phrase`"${name}" is not an entity of the connection.`, {
      path: '/source_entity',
      hint: `Take one of ${BUSINESS_PRESETS.map(({ entity }) => entity).join(', ')}, or service/set of ${[...this.#paths.keys()].join(', ')}.`,
    });
  }
}

/** No day is null here. */
function withoutNoDay({ properties }: StructuredType): RecordShape {
  const days = [...properties.values()].filter(({ type }) => type === 'Edm.Date');
  const swapped = (data: Record<string, unknown>, from: unknown, to: unknown) => {
    const found = days.filter(({ name }) => data[name] === from && name in data);
    return found.length === 0 ? data : { ...data, ...Object.fromEntries(found.map(({ name }) => [name, to])) };
  };
  return {
    ...shapeOf(),
    fromService: (data) => swapped(data, NO_DAY, null),
    toService: (data) => swapped(data, null, NO_DAY),
  };
}
