import type { ConnectorDescriptor, Setting } from '../lib/connectors/descriptor';
import { OPERATION_HELP, type OperationHelp } from './operation-help';

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

/** What is only for connectors with tags stands between `tags:` and `:tags`, in comments. */
export function withTags(template: string, { operations }: ConnectorDescriptor): string {
  const hasTags = operations.some((operation) => ['subscribe', 'read_tags', 'write_tags'].includes(operation));
  const pattern = / *(?:<!--|\/\*) tags: (?:-->|\*\/)\n([\s\S]*?) *(?:<!--|\/\*) :tags (?:-->|\*\/)\n/g;
  return template.replace(pattern, (_, content: string) => (hasTags ? content : ''));
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
    callRows: callParameters(descriptor)
      .map(([name, setting]) => callRow(node, name, setting))
      .join('\n    '),
    callInputs: callInputs(descriptor, locale),
    ...operationHelp(descriptor, locale),
    callOutputs: callOutputs(descriptor, locale),
  };
}

/** Help about operations that only some connectors have. */
function operationHelp({ operations }: ConnectorDescriptor, locale: Locale): Record<string, string> {
  const parts = operations.flatMap((operation) => OPERATION_HELP[operation]?.[locale] ?? []);
  const join = (name: keyof OperationHelp) => parts.map((part) => part[name]).join('');
  return {
    operationInputs: join('inputs'),
    operationOutputs: join('outputs'),
    operationDetails: join('details'),
  };
}

/** Labels of the fields that only this connector's node has, and what there is to choose from. */
export function callLabels(descriptor: ConnectorDescriptor, locale: Locale): Record<string, string> {
  return Object.fromEntries(
    callParameters(descriptor).flatMap(([name, setting]) => [
      [name, setting.label[locale]],
      ...(setting.kind === 'choice' ? setting.options : []).map(({ value, label }) => [
        `${name}_${value}`,
        label[locale],
      ]),
    ]),
  );
}

/** Properties of the node that only this connector's has, as the flow library reads them. */
export function callDefaults(descriptor: ConnectorDescriptor): string {
  const value = (setting: Setting) => ('default' in setting ? String(setting.default) : '');
  const check = ({ kind }: Setting) => (kind === 'json' ? ', validate: (value, _) => PCP.jsonProblem(value)' : '');
  return callParameters(descriptor)
    .map(([name, setting]) => `${name}: { value: '${value(setting)}'${check(setting)} },\n      `)
    .join('');
}

/** The JSON fields of the form, each with an example or null. */
export function callExamples(descriptor: ConnectorDescriptor): Record<string, unknown> {
  return Object.fromEntries(
    callParameters(descriptor).flatMap(([name, setting]) =>
      setting.kind === 'json' ? [[name, setting.example ?? null]] : [],
    ),
  );
}

/** Those with a field in the form; what may be anything, a Buffer as well, comes with the message only. */
function callParameters({ call }: ConnectorDescriptor): [string, Setting][] {
  return Object.entries(call?.parameters ?? {}).filter(
    ([, setting]) => setting.kind !== 'json' || setting.schema.type !== undefined,
  );
}

function callRow(node: string, name: string, setting: Setting): string {
  const id = `${setting.kind === 'json' ? 'pcp' : 'node'}-input-${name}`;
  const placeholder = setting.placeholder === undefined ? '' : ` placeholder="${escaped(setting.placeholder)}"`;
  const options = (setting.kind === 'choice' ? setting.options : []).map(
    ({ value }) => `<option value="${value}" data-i18n="${node}.label.${name}_${value}"></option>`,
  );
  const field =
    setting.kind === 'choice'
      ? `<select id="${id}">${options.join('')}</select>`
      : `<input type="text" id="${id}"${placeholder}>`;
  const conditions = Object.entries({ operation: ['call'], ...setting.showWhen });
  const when = conditions.map(([other, values]) => `${other}=${values.join(',')}`).join(' ');
  return `<div class="form-row" data-when="${when}">
      <label for="${id}" data-i18n="${node}.label.${name}"></label>
      ${field}
    </div>`;
}

const CALL: Record<Locale, { word: string; answer: string }> = {
  'en-US': { word: 'call', answer: 'what was answered' },
  'pt-BR': { word: 'chamar', answer: 'a resposta' },
};

function callInputs({ call }: ConnectorDescriptor, locale: Locale): string {
  return Object.entries(call?.parameters ?? {})
    .map(([name, { kind, help, label }]) => {
      const type = kind === 'json' ? 'object' : 'string';
      return `: ${name} (${type}) : _${CALL[locale].word}_: ${escaped((help ?? label)[locale])}\n`;
    })
    .join('');
}

function callOutputs({ call }: ConnectorDescriptor, locale: Locale): string {
  if (call === undefined) return '';
  const { word, answer } = CALL[locale];
  const others = Object.entries(call.outputs ?? {}).map(([name, { type, help }]) => [
    name,
    type,
    escaped(help[locale]),
  ]);
  return [['payload', 'any', answer], ...others]
    .map(([name, type, help]) => `: ${name} (${type}) : _${word}_: ${help}\n`)
    .join('');
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
