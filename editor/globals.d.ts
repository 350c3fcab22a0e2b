/** What this code uses of Node-RED's editor. It is compiled without modules: all files of this folder share one function scope. */
declare const RED: {
  _(key: string, values?: Record<string, unknown>): string;
  i18n: { lang(): string };
  settings: { httpNodeRoot: string };
  actions: { add(name: string, act: () => void, options: { label: string }): void };
  menu: { addItem(menu: string, item: { id: string; label: string; onselect: string }): void };
  utils: { getNodeLabel(node: EditorNode): string };
  nodes: { node(id: string): EditorNode | null; eachConfig(visit: (node: EditorNode) => void): void };
};

interface EditorNode {
  id: string;
  type: string;
  name: string;
  changed?: boolean;
  credentials?: Record<string, unknown>;
  [property: string]: unknown;
}

interface JQuery {
  autoComplete(options: {
    search(value: string, done: (options: PickOption[]) => void): void;
    minLength?: number;
  }): JQuery;
  autoComplete(access: 'instance'): { completionMenuShown: boolean; menu?: { hide(): void } };
  typedInput(options: { types?: unknown[]; default?: string } | string, value?: unknown): string & JQuery & boolean;
  treeList(options: { data: unknown[] }): JQuery;
  treeList(replace: 'data', items: unknown[]): JQuery;
  editableList(options: Record<string, unknown> | string, value?: unknown): JQuery;
}

interface PickOption {
  value: string;
  label: string;
}

type Locale = 'en-US' | 'pt-BR';
type LocalizedText = Record<Locale, string>;

interface FormSetting {
  kind: 'text' | 'secret' | 'integer' | 'boolean' | 'choice' | 'json';
  label: LocalizedText;
  help?: LocalizedText;
  group: string;
  required?: boolean;
  showWhen?: Record<string, (string | boolean)[]>;
  placeholder?: string;
  default?: unknown;
  pattern?: string;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  multiline?: boolean;
  example?: unknown;
  options?: { value: string; label: LocalizedText }[];
}

interface FormConnector {
  type: string;
  title: LocalizedText;
  description: LocalizedText;
  settings: Record<string, FormSetting>;
  /** Its machine can be looked through. */
  browses: boolean;
  /** The JSON fields of its operation in the form of its node, each with an example or null. */
  callExamples: Record<string, unknown>;
  /** Property of a tag of its setting `tags` that holds what browsing finds. */
  tagAddress?: string;
  /** Its tags can be read from files of these kinds; one in JSON needs the parameters. */
  tagImport?: { accept: string; jsonFormat?: string; jsonParameters: Record<string, FormSetting> };
}

/** All connectors, printed in front of this code by the build. */
declare const CONNECTORS: FormConnector[];
