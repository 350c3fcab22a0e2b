import type { ConnectorDescriptor, Setting } from '../lib/connectors/descriptor';

/**
 * Replaces `{{name}}` by its value.
 * @throws when the template asks for a value that is not given
 */
export function fillTemplate(template: string, values: Record<string, string>): string {
  return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`The template asks for "${name}", which it is not given.`);
    return value;
  });
}

type Locale = 'en-US' | 'pt-BR';

/** What the form, the code and the help of a connector's palette node are filled with. */
export function connectorValues(descriptor: ConnectorDescriptor, node: string, locale: Locale): Record<string, string> {
  const operations = descriptor.operations.map((operation) => {
    return `<option value="${operation}" data-i18n="${node}.operation.${operation}"></option>`;
  });
  return {
    node,
    type: descriptor.type,
    color: descriptor.color,
    icon: descriptor.icon,
    label: node.replaceAll('-', ' '),
    title: escaped(descriptor.title[locale]),
    description: escaped(descriptor.description[locale]),
    operations: operations.join(''),
    operation: descriptor.operations[0] ?? 'read',
    batch: String(descriptor.batchSize.default),
    settings: settingsTable(descriptor, locale),
  };
}

/** Markdown: every connector with its settings, for the help of pcp-connection. */
export function settingsHelp(descriptors: readonly ConnectorDescriptor[], locale: Locale): string {
  const sections = descriptors.map(
    (descriptor) =>
      `### ${escaped(descriptor.title[locale])}\n\n${escaped(descriptor.description[locale])}\n\n${settingsTable(descriptor, locale)}`,
  );
  return sections.join('\n\n');
}

const WORDS: Record<Locale, { required: string; standard: string; secret: string; example: string }> = {
  'en-US': { required: 'required', standard: 'default', secret: 'credential', example: 'Example' },
  'pt-BR': { required: 'obrigatório', standard: 'padrão', secret: 'credencial', example: 'Exemplo' },
};

function settingsTable(descriptor: ConnectorDescriptor, locale: Locale): string {
  return Object.entries(descriptor.settings)
    .map(([name, setting]) => settingLine(name, setting, locale))
    .join('\n');
}

function settingLine(name: string, setting: Setting, locale: Locale): string {
  const words = WORDS[locale];
  const facts = [
    ...(setting.required ? [words.required] : []),
    ...(setting.kind === 'secret' ? [words.secret] : []),
    ...('default' in setting && setting.default !== undefined && typeof setting.default !== 'object'
      ? [`${words.standard} ${String(setting.default)}`]
      : []),
  ];
  const remark = facts.length > 0 ? ` (${escaped(facts.join(', '))})` : '';
  const help = setting.help ? `: ${escaped(setting.help[locale])}` : '';
  const example =
    setting.kind === 'json' && setting.example !== undefined
      ? `\n\n  ${words.example}: \`${escaped(JSON.stringify(setting.example))}\`\n`
      : '';
  return `- **${escaped(setting.label[locale])}** \`${name}\`${remark}${help}${example}`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
