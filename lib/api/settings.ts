import { isDeepStrictEqual } from 'node:util';
import type { ConnectorDescriptor, Setting } from '../connectors/descriptor';
import type { OpenConnection } from '../model/connection';
import type { JsonSchema } from '../model/entity';
import { phrase } from '../model/phrase';
import type { Hub } from '../model/services';
import { Problem, type ProblemDetail } from './problem';
import { connectionSchemas } from './schemas/connection';
import { Validator } from './validation';

export interface Settings {
  connector_type: string;
  config?: Record<string, unknown>;
  credentials?: Record<string, string>;
}

/** Settings that say what is asked for at a place, not where it is or how the way there is secured. */
const HARMLESS = new Set(['database', 'schema', 'username']);

const validator = new Validator({});
const schemas = new WeakMap<ConnectorDescriptor, JsonSchema>();

/** The secrets of a form: `true` stands for one that stays as it is. */
export function givenSecrets(credentials: Record<string, string | true> | undefined): Record<string, string> {
  const entries = Object.entries(credentials ?? {}).filter((entry): entry is [string, string] => entry[1] !== true);
  return Object.fromEntries(entries);
}

/**
 * Checks settings against their connector's schema.
 * @param stored names of secrets that are set already and need not be given
 * @throws Problem 422 naming every setting that is wrong, config PCP_SETTINGS_INVALID for one that others make necessary
 */
export function checkSettings(hub: Hub, settings: Settings, stored: readonly string[]): void {
  const { connector_type, config = {}, credentials = {} } = settings;
  const descriptor = descriptorOf(hub, connector_type);
  if (descriptor === undefined)
    throw invalid([{ pointer: '/connector_type', detail: 'is not the type of a connector' }]);
  let schema = schemas.get(descriptor);
  if (schema === undefined) {
    schema = besides(hub.connectorSchema(connector_type));
    schemas.set(descriptor, schema);
  }
  const errors = validator.check(schema, { config, credentials }).filter(({ pointer }) => {
    const secret = /^\/credentials\/(.+)$/.exec(pointer)?.[1];
    return secret === undefined || Object.hasOwn(credentials, secret) || !stored.includes(secret);
  });
  if (errors.length > 0) throw invalid(errors);
  // Loaded late, as the validator above: Ajv has no place in a Node-RED that never uses the API.
  const { validateSettings } = require('../connectors/schema') as typeof import('../connectors/schema');
  validateSettings(descriptor, config, credentials);
}

/** Knows what stands beside the settings as well, so that who put it among them is told where it belongs. */
function besides(schema: JsonSchema): JsonSchema {
  const names = Object.keys(connectionSchemas.ConnectionCreate?.properties ?? {});
  return { ...schema, properties: { ...Object.fromEntries(names.map((name) => [name, {}])), ...schema.properties } };
}

/**
 * Saved secrets stay with the settings they were typed for.
 * @returns names of the saved secrets that were not typed again and that the wanted settings may go on using
 * @throws Problem 422 when the wanted settings would send them somewhere else
 */
export function keptSecrets(
  hub: Hub,
  saved: Pick<OpenConnection, 'connector_type' | 'config'> & { credentials: Record<string, unknown> },
  wanted: Settings,
): string[] {
  const known = descriptorOf(hub, wanted.connector_type)?.settings ?? {};
  const kept = Object.keys(saved.credentials).filter(
    (name) => Object.hasOwn(known, name) && !Object.hasOwn(wanted.credentials ?? {}, name),
  );
  const moved = kept.length === 0 ? undefined : movesSecrets(hub, saved, wanted);
  if (moved === undefined) return kept;
  throw new Problem(
    422,
    'PCP_SECRET_NEEDED',
    phrase`The saved secrets belong to the saved settings, and "${moved}" differs: type the secrets again.`,
    {
      errors: kept.map((name) => ({
        pointer: `/credentials/${name}`,
        detail: phrase`is needed, since "${moved}" differs`,
      })),
    },
  );
}

/**
 * Which setting would send the saved secrets somewhere else than where they belong: a host, an address, a weaker way to
 * get there. Undefined when none does.
 */
function movesSecrets(
  hub: Hub,
  saved: Pick<OpenConnection, 'connector_type' | 'config'>,
  wanted: Settings,
): string | undefined {
  if (saved.connector_type !== wanted.connector_type) return 'connector_type';
  const settings = descriptorOf(hub, saved.connector_type)?.settings ?? {};
  const config = wanted.config ?? {};
  const names = new Set([...Object.keys(saved.config), ...Object.keys(config)]);
  return [...names].find(
    (name) =>
      !isHarmless(name, settings) &&
      !isDeepStrictEqual(settingOf(saved.config, name, settings), settingOf(config, name, settings)),
  );
}

/** What the other side is asked for differs, which may be statements that somebody wrote. */
export function asksOtherwise(hub: Hub, saved: Pick<OpenConnection, 'config'>, wanted: Settings): boolean {
  const settings = descriptorOf(hub, wanted.connector_type)?.settings ?? {};
  return Object.keys(settings).some(
    (name) =>
      settings[name]?.group === 'entities' &&
      !isDeepStrictEqual(settingOf(saved.config, name, settings), settingOf(wanted.config ?? {}, name, settings)),
  );
}

function isHarmless(name: string, settings: Record<string, Setting>): boolean {
  const setting = Object.hasOwn(settings, name) ? settings[name] : undefined;
  if (setting === undefined) return false;
  if (setting.group === 'entities' || HARMLESS.has(name)) return true;
  return setting.group === 'advanced' && (setting.kind === 'integer' || setting.kind === 'boolean');
}

/** A setting that is not given has its default. */
function settingOf(config: Record<string, unknown>, name: string, settings: Record<string, Setting>): unknown {
  if (Object.hasOwn(config, name)) return config[name];
  const setting = Object.hasOwn(settings, name) ? settings[name] : undefined;
  return setting !== undefined && 'default' in setting ? setting.default : undefined;
}

function descriptorOf(hub: Hub, type: string): ConnectorDescriptor | undefined {
  return hub.descriptors.find((descriptor) => descriptor.type === type);
}

function invalid(errors: ProblemDetail[]): Problem {
  return new Problem(422, 'PCP_SETTINGS_INVALID', phrase`The settings do not fit the connector.`, { errors });
}
