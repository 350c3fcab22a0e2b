const CATALOGUE = '@pcp/node-red-integrations/pcp-integrations:pcp.';

/** A string of the editor's catalogue. */
function text(key: string, values?: Record<string, unknown>): string {
  return RED._(CATALOGUE + key, values);
}

/** The editor's language, of the two that descriptors and the API's answers are written in. */
function locale(): Locale {
  const chosen = localStorage.getItem('editor-language') ?? navigator.language;
  return chosen.toLowerCase().startsWith('pt') ? 'pt-BR' : 'en-US';
}

function localized(label: LocalizedText): string {
  return label[locale()];
}

/** `${NAME}`: Node-RED puts the environment variable's value in when the flow starts. */
function isEnvironmentReference(value: unknown): boolean {
  return typeof value === 'string' && /^\$\{[^{}]+\}$/.test(value.trim());
}

/** An element with text and attributes. Data only ever becomes text nodes, never markup. */
function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const created = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) created.setAttribute(attribute, value);
  created.append(...children);
  return created;
}
