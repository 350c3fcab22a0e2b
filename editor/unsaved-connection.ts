/** A connection as the API takes it before it is deployed. */
interface UnsavedConnection {
  name?: string;
  connector_type: string;
  config: SettingValues;
  /** By name: what was typed, `true` for one that stays as it is deployed, empty for none. */
  credentials: Record<string, string | true>;
  timezone?: string | null;
  /** Where secrets that stay are taken from. */
  node_id: string;
}

/** What a config node of the editor holds, deployed or not. */
function unsavedConnection(node: EditorNode): UnsavedConnection {
  const connector = CONNECTORS.find((candidate) => candidate.type === node.connectorType);
  if (!connector) throw new Error(text('form.connector'));
  const config = (node.config ?? {}) as SettingValues;
  const secrets = Object.entries(connector.settings).filter(([, setting]) => setting.kind === 'secret');
  const shown = withDefaults(connector, config);
  return {
    ...(node.name && { name: node.name }),
    connector_type: connector.type,
    config: Object.fromEntries(
      Object.entries(config).map(([name, value]) => [name, wholeNumber(connector.settings[name], value)]),
    ),
    credentials: Object.fromEntries(
      secrets.map(([name, setting]) => [name, settingShown(setting, shown) ? keptSecret(node.credentials, name) : '']),
    ),
    timezone: (node.timezone as string) || null,
    node_id: node.id,
  };
}

/** Until the next deploy the editor has what was typed; afterwards only whether there is something. */
function keptSecret(credentials: SettingValues = {}, name: string): string | true {
  const typed = credentials[name];
  if (typeof typed === 'string' && typed !== '__PWRD__') return typed;
  return credentials[`has_${name}`] === false ? '' : true;
}

/** Settings with their defaults, by which those that are shown are told from the others. */
function withDefaults(connector: FormConnector, config: SettingValues): SettingValues {
  const settings = Object.entries(connector.settings);
  return Object.fromEntries(settings.map(([name, setting]) => [name, config[name] ?? setting.default]));
}

/** Flows that were written by hand may hold "5432" where the API wants 5432. */
function wholeNumber(setting: FormSetting | undefined, value: unknown): unknown {
  return setting?.kind === 'integer' && /^-?\d+$/.test(String(value)) ? Number(value) : value;
}
