import { IntegrationError } from '../model/errors';

export interface AccessSettings {
  allowedHosts: string[];
  allowedOrigins: string[];
}

/**
 * Reads `integrations.api.allowedHosts` and `.allowedOrigins` of Node-RED's settings.js; INTEGRATIONS_API_ALLOWED_HOSTS
 * and INTEGRATIONS_API_ALLOWED_ORIGINS (separated by commas) come first.
 * @throws config PCP_SETTING_INVALID naming the setting
 */
export function readAccessSettings(
  redSettings: Record<string, unknown>,
  environment: NodeJS.ProcessEnv,
): AccessSettings {
  const integrations = section(redSettings.integrations, 'integrations');
  const api = section(integrations.api, 'integrations.api');
  const list = (variable: string, name: keyof AccessSettings): string[] => {
    const text = environment[variable];
    const value = text === undefined || text === '' ? (api[name] ?? []) : text.split(',').map((part) => part.trim());
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    throw invalid(`integrations.api.${name}`, 'a list of texts');
  };
  return {
    allowedHosts: list('INTEGRATIONS_API_ALLOWED_HOSTS', 'allowedHosts'),
    allowedOrigins: list('INTEGRATIONS_API_ALLOWED_ORIGINS', 'allowedOrigins'),
  };
}

function section(value: unknown, name: string): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalid(name, 'an object');
}

function invalid(name: string, wanted: string): IntegrationError {
  return new IntegrationError('config', 'PCP_SETTING_INVALID', `The setting ${name} must be ${wanted}.`, {
    path: name,
  });
}
