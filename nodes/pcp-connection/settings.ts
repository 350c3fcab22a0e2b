import type { ConnectorDescriptor, Setting } from '../../lib/connectors/descriptor';
import { IntegrationError } from '../../lib/model/errors';

type Values = Record<string, unknown>;

/** Environment variables arrive as text, whatever the setting wants: "5432" becomes 5432 where an integer belongs. */
export function coerceSettings(descriptor: ConnectorDescriptor, config: Values): Values {
  const coerced: Values = {};
  for (const [name, value] of Object.entries(config)) {
    const setting = descriptor.settings[name];
    if (value === '' && setting && setting.kind !== 'text') continue;
    coerced[name] = setting ? coerceValue(setting, value) : value;
  }
  return coerced;
}

function coerceValue(setting: Setting, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (setting.kind === 'integer' && /^\s*[+-]?\d+\s*$/.test(value)) return Number(value);
  if (setting.kind === 'boolean' && /^\s*(true|false)\s*$/i.test(value)) return value.trim().toLowerCase() === 'true';
  if (setting.kind === 'json') return parsedJson(value);
  return value;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Left as it is: the connection's schema then refuses it by name.
    return text;
  }
}

/** Does the form show this setting with these values? */
export function isShown(setting: Setting, config: Values): boolean {
  return Object.entries(setting.showWhen ?? {}).every(([name, allowed]) =>
    allowed.some((value) => value === config[name] || String(value) === String(config[name])),
  );
}

/** @throws config PCP_CREDENTIALS_MISSING naming the secret that the deployed node lacks */
export function requireSecrets(descriptor: ConnectorDescriptor, config: Values, credentials: Values): void {
  for (const [name, setting] of Object.entries(descriptor.settings)) {
    if (setting.kind !== 'secret' || !setting.required || !isShown(setting, config) || credentials[name]) continue;
    throw new IntegrationError('config', 'PCP_CREDENTIALS_MISSING', `The connection has no ${name}.`, {
      path: `/credentials/${name}`,
      hint: 'Credentials are not part of exported flows: open the connection and enter it again.',
    });
  }
}

/** Secrets of all connectors: Node-RED wants one fixed set of credentials per node type. */
export function secretNames(descriptors: readonly ConnectorDescriptor[]): string[] {
  const names = new Set<string>();
  for (const descriptor of descriptors) {
    for (const [name, setting] of Object.entries(descriptor.settings)) if (setting.kind === 'secret') names.add(name);
  }
  return [...names].sort();
}
