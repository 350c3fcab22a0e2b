import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import type { OpenConnection } from '../../../model/connection';
import type { JsonSchema } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import type { Identity } from '../../../protocols/opcua/client';
import { parseEndpointUrl, SECURITY_POLICIES, type Security } from '../../../protocols/opcua/endpoints';
import { PROFILES, type Profile } from '../../../protocols/opcua/limits';
import type { Deadband } from '../../../protocols/opcua/monitor';
import type { ReverseOptions } from '../../../protocols/opcua/reverse';
import type { WriteRule } from '../../../protocols/opcua/write-rules';
import { EVENTS_SCHEMA, TAGS_SCHEMA, WRITABLE_SCHEMA } from './tag-schema';

export interface TagSetting {
  node_id: string;
  unit?: string;
  scale?: number;
  offset?: number;
  sampling_interval_ms?: number;
  deadband?: number | Deadband;
}

export interface OpcUaSettings {
  endpointUrl: string;
  security: Security;
  identity: Identity;
  profile: Profile;
  timeoutMs: number;
  sessionTimeoutMs: number;
  publishingIntervalMs: number;
  reverse: ReverseOptions | undefined;
  certificateHost: string | undefined;
  fillsGaps: boolean;
  tags: Map<string, TagSetting>;
  events: { source: string; fields: Map<string, string> };
  writesEnabled: boolean;
  /** Empty where the connection does not allow writes. */
  writable: Map<string, WriteRule>;
}

const DEFAULT_TIMEOUT_MS = 5000;
const DEFAULT_SESSION_TIMEOUT_MS = 60_000;
const DEFAULT_PUBLISHING_MS = 1000;
/** Where all events of a server come together. */
const SERVER = 'i=2253';

const ajv = new Ajv2020({ strict: false });
const validators = new Map<JsonSchema, ValidateFunction>();

/** @throws config PCP_SETTING_MISSING, PCP_SETTING_INVALID with the path of the setting */
export function readSettings({ config, credentials }: OpenConnection): OpcUaSettings {
  const endpointUrl = required(config, 'endpoint_url');
  parseEndpointUrl(endpointUrl);
  const tags = checked<Record<string, TagSetting>>(config.tags ?? {}, 'tags', TAGS_SCHEMA);
  const rules = checked<WriteRule[]>(config.writable ?? [], 'writable', WRITABLE_SCHEMA);
  const events = checked<{ source?: string; fields?: Record<string, string> }>(
    config.events ?? {},
    'events',
    EVENTS_SCHEMA,
  );
  return {
    endpointUrl,
    security: {
      policy: choice(config, 'security_policy', SECURITY_POLICIES),
      mode: choice(config, 'security_mode', ['SignAndEncrypt', 'Sign'] as const),
    },
    identity: readIdentity(config, credentials),
    profile: choice(config, 'profile', PROFILES),
    timeoutMs: number(config, 'timeout_ms') ?? DEFAULT_TIMEOUT_MS,
    sessionTimeoutMs: number(config, 'session_timeout_ms') ?? DEFAULT_SESSION_TIMEOUT_MS,
    publishingIntervalMs: number(config, 'publishing_interval_ms') ?? DEFAULT_PUBLISHING_MS,
    reverse: readReverse(config),
    certificateHost: optional(config, 'certificate_host'),
    fillsGaps: config.gap_fill !== false,
    tags: new Map(Object.entries(tags)),
    events: { source: events.source ?? SERVER, fields: new Map(Object.entries(events.fields ?? {})) },
    writesEnabled: config.writes_enabled === true,
    writable: new Map(config.writes_enabled === true ? rules.map((rule) => [rule.tag, rule]) : []),
  };
}

function readReverse(config: Record<string, unknown>): ReverseOptions | undefined {
  const listenUrl = optional(config, 'reverse_listen');
  if (listenUrl === undefined) return undefined;
  parseEndpointUrl(listenUrl, '/config/reverse_listen');
  return { listenUrl, serverUri: optional(config, 'reverse_server_uri') };
}

function readIdentity(config: Record<string, unknown>, credentials: Record<string, string>): Identity {
  // Whether anybody may read and write the machine is for a person to say.
  const type = required(config, 'authentication');
  switch (type) {
    case 'anonymous':
      return { type };
    case 'username':
      return { type, username: required(config, 'username'), password: credentials.password ?? '' };
    case 'certificate':
      return {
        type,
        certificate: required(credentials, 'certificate', 'credentials'),
        privateKey: required(credentials, 'private_key', 'credentials'),
        passphrase: credentials.passphrase || undefined,
      };
    default:
      throw invalid('authentication', 'must be anonymous, username or certificate');
  }
}

function required(from: Record<string, unknown>, name: string, part = 'config'): string {
  const value = from[name];
  if (typeof value === 'string' && value.trim() !== '') return value.trim();
  throw new IntegrationError('config', 'PCP_SETTING_MISSING', `"${name}" is empty.`, {
    path: `/${part}/${name}`,
    hint: `Fill in "${name}" in the connection.`,
  });
}

function optional(config: Record<string, unknown>, name: string): string | undefined {
  const value = config[name];
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** The first choice is the default. */
function choice<T extends string>(config: Record<string, unknown>, name: string, choices: readonly T[]): T {
  const value = config[name] ?? '';
  const found = value === '' ? choices[0] : choices.find((each) => each === value);
  if (found === undefined) throw invalid(name, `must be one of ${choices.join(', ')}`);
  return found;
}

function number(config: Record<string, unknown>, name: string): number | undefined {
  const value = config[name] ?? '';
  if (value === '') return undefined;
  if (typeof value !== 'number' || !(value > 0)) throw invalid(name, 'must be a number above 0');
  return value;
}

function checked<T>(value: unknown, name: string, schema: JsonSchema): T {
  let validate = validators.get(schema);
  if (validate === undefined) {
    validate = ajv.compile(schema);
    validators.set(schema, validate);
  }
  if (validate(value)) return value as T;
  const [problem] = validate.errors ?? [];
  throw invalid(`${name}${problem?.instancePath ?? ''}`, problem?.message ?? 'is not valid');
}

function invalid(place: string, problem: string): IntegrationError {
  return new IntegrationError('config', 'PCP_SETTING_INVALID', `"${place}" ${problem}.`, {
    path: `/config/${place}`,
    hint: 'Correct it in the connection.',
  });
}
