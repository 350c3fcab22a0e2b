import type { OpenConnection } from '../../../model/connection';
import type { Identity } from '../../../protocols/opcua/client';
import { parseEndpointUrl, SECURITY_POLICIES, type Security } from '../../../protocols/opcua/endpoints';
import { PROFILES, type Profile } from '../../../protocols/opcua/limits';
import type { Deadband } from '../../../protocols/opcua/monitor';
import type { ReverseOptions } from '../../../protocols/opcua/reverse';
import type { WriteRule } from '../../../protocols/opcua/write-rules';
import { checked, choice, invalid, needed, text } from '../setting-values';
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

/** @throws config PCP_SETTING_MISSING, PCP_SETTING_INVALID with the path of the setting */
export function readSettings({ config, credentials }: OpenConnection): OpcUaSettings {
  const endpointUrl = needed(config, 'endpoint_url');
  parseEndpointUrl(endpointUrl);
  const tags = checked<Record<string, TagSetting>>('tags', config.tags ?? {}, TAGS_SCHEMA);
  const rules = checked<WriteRule[]>('writable', config.writable ?? [], WRITABLE_SCHEMA);
  const events = checked<{ source?: string; fields?: Record<string, string> }>(
    'events',
    config.events ?? {},
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
    timeoutMs: positive(config, 'timeout_ms') ?? DEFAULT_TIMEOUT_MS,
    sessionTimeoutMs: positive(config, 'session_timeout_ms') ?? DEFAULT_SESSION_TIMEOUT_MS,
    publishingIntervalMs: positive(config, 'publishing_interval_ms') ?? DEFAULT_PUBLISHING_MS,
    reverse: readReverse(config),
    certificateHost: text(config.certificate_host),
    fillsGaps: config.gap_fill !== false,
    tags: new Map(Object.entries(tags)),
    events: { source: events.source ?? SERVER, fields: new Map(Object.entries(events.fields ?? {})) },
    writesEnabled: config.writes_enabled === true,
    writable: new Map(config.writes_enabled === true ? rules.map((rule) => [rule.tag, rule]) : []),
  };
}

function readReverse(config: Record<string, unknown>): ReverseOptions | undefined {
  const listenUrl = text(config.reverse_listen);
  if (listenUrl === undefined) return undefined;
  parseEndpointUrl(listenUrl, '/config/reverse_listen');
  return { listenUrl, serverUri: text(config.reverse_server_uri) };
}

function readIdentity(config: Record<string, unknown>, credentials: Record<string, string>): Identity {
  // Whether anybody may read and write the machine is for a person to say.
  const type = needed(config, 'authentication');
  switch (type) {
    case 'anonymous':
      return { type };
    case 'username':
      return { type, username: needed(config, 'username'), password: credentials.password ?? '' };
    case 'certificate':
      return {
        type,
        certificate: needed(credentials, 'certificate', 'credentials'),
        privateKey: needed(credentials, 'private_key', 'credentials'),
        passphrase: credentials.passphrase || undefined,
      };
    default:
      throw invalid('authentication', 'anonymous, username or certificate');
  }
}

function positive(config: Record<string, unknown>, name: string): number | undefined {
  const value = config[name] ?? '';
  if (value === '') return undefined;
  if (typeof value !== 'number' || !(value > 0)) throw invalid(name, 'a number above 0');
  return value;
}
