import Ajv2020, { type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import type { JsonSchema } from '../model/entity';
import { IntegrationError } from '../model/errors';
import { phrase } from '../model/phrase';
import type { ConnectorDescriptor, Setting } from './descriptor';

type Settings = Record<string, unknown>;

const validators = new WeakMap<ConnectorDescriptor, ValidateFunction>();

/**
 * Settings and secrets of a connector as one JSON Schema 2020-12: `{config: {...}, credentials: {...}}`. Secrets are
 * `writeOnly`; what a condition shows or hides is told in `x-show-when`.
 */
export function connectorSchema(descriptor: ConnectorDescriptor): JsonSchema {
  const settings = Object.entries(descriptor.settings);
  const config = settings.filter(([, setting]) => setting.kind !== 'secret');
  const secrets = settings.filter(([, setting]) => setting.kind === 'secret');
  const always = ([, setting]: [string, Setting]): boolean =>
    setting.required === true && setting.showWhen === undefined;
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: descriptor.title['en-US'],
    description: descriptor.description['en-US'],
    type: 'object',
    additionalProperties: false,
    required: ['config'],
    properties: {
      config: {
        type: 'object',
        additionalProperties: false,
        required: config.filter(always).map(([name]) => name),
        properties: Object.fromEntries(config.map(([name, setting]) => [name, settingSchema(setting)])),
      },
      credentials: {
        type: 'object',
        additionalProperties: false,
        properties: Object.fromEntries(secrets.map(([name, setting]) => [name, settingSchema(setting)])),
      },
    },
  };
}

/**
 * Refuses settings that the descriptor does not allow, unknown names included: a secret under a wrong name must not end up
 * in the readable part.
 * @throws config PCP_SETTINGS_INVALID with `path`, e.g. "/config/port"
 */
export function validateSettings(descriptor: ConnectorDescriptor, config: Settings, credentials: Settings): void {
  let validate = validators.get(descriptor);
  if (validate === undefined) {
    validate = new Ajv2020({ strict: false, verbose: true }).compile(connectorSchema(descriptor));
    validators.set(descriptor, validate);
  }
  if (!validate({ config, credentials })) throw invalid(descriptor, validate.errors?.[0]);
  for (const [name, setting] of Object.entries(descriptor.settings)) {
    if (setting.required !== true || setting.kind === 'secret' || !isShown(setting, descriptor, config)) continue;
    if (config[name] === undefined || config[name] === '') throw missing(descriptor, name);
  }
}

/** Whether a setting plays a part with these values: a hidden one is neither asked for nor required. */
function isShown(setting: Setting, descriptor: ConnectorDescriptor, config: Settings): boolean {
  return Object.entries(setting.showWhen ?? {}).every(([name, values]) => {
    const other = descriptor.settings[name];
    const value = config[name] ?? (other !== undefined && 'default' in other ? other.default : undefined);
    return values.includes(value as string | boolean);
  });
}

function settingSchema(setting: Setting): JsonSchema {
  const common: JsonSchema = {
    title: setting.label['en-US'],
    ...(setting.help && { description: setting.help['en-US'] }),
    'x-titles': setting.label,
    'x-group': setting.group,
    ...(setting.showWhen && { 'x-show-when': setting.showWhen }),
  };
  switch (setting.kind) {
    case 'text':
      return {
        ...common,
        type: 'string',
        maxLength: setting.maxLength ?? 2000,
        ...(setting.pattern !== undefined && { pattern: setting.pattern }),
        ...(setting.default !== undefined && { default: setting.default }),
      };
    case 'secret':
      return { ...common, type: 'string', writeOnly: true, maxLength: 20_000 };
    case 'integer':
      return {
        ...common,
        type: 'integer',
        ...(setting.minimum !== undefined && { minimum: setting.minimum }),
        ...(setting.maximum !== undefined && { maximum: setting.maximum }),
        ...(setting.default !== undefined && { default: setting.default }),
      };
    case 'boolean':
      return { ...common, type: 'boolean', ...(setting.default !== undefined && { default: setting.default }) };
    case 'choice':
      return {
        ...common,
        type: 'string',
        enum: setting.options.map(({ value }) => value),
        ...(setting.default !== undefined && { default: setting.default }),
      };
    case 'json':
      return {
        ...setting.schema,
        ...common,
        ...(setting.default !== undefined && { default: setting.default }),
        ...(setting.example !== undefined && { examples: [setting.example] }),
      };
  }
}

function invalid(descriptor: ConnectorDescriptor, error: ErrorObject | undefined): IntegrationError {
  const parameters = (error?.params ?? {}) as Record<string, unknown>;
  const unknownName = parameters.additionalProperty;
  const missingName = parameters.missingProperty;
  const base = error?.instancePath ?? '';
  const path = [base, unknownName ?? missingName].filter((part) => part !== undefined && part !== '').join('/');
  const why =
    unknownName !== undefined
      ? `"${unknownName}" is no setting of ${descriptor.type}`
      : missingName !== undefined
        ? `"${missingName}" is missing`
        : `${base.slice(1).replaceAll('/', '.')} ${expected(error) ?? error?.message ?? 'is not allowed'}`;
  return new IntegrationError('config', 'PCP_SETTINGS_INVALID', `The settings of the connection are refused: ${why}.`, {
    path,
    hint: `Settings of ${descriptor.type}: ${Object.keys(descriptor.settings).join(', ')}.`,
  });
}

/** What a pattern means, in words. */
function expected(error: ErrorObject | undefined): string | undefined {
  const words = error?.keyword === 'pattern' ? error.parentSchema?.['x-expected'] : undefined;
  return words === undefined ? undefined : `must be ${words}`;
}

function missing(descriptor: ConnectorDescriptor, name: string): IntegrationError {
  return new IntegrationError(
    'config',
    'PCP_SETTINGS_INVALID',
    phrase`The settings of the connection lack "${name}".`,
    {
      path: `/config/${name}`,
      hint: `${descriptor.type} cannot be reached without it.`,
    },
  );
}
