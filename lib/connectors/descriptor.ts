import type { JsonSchema } from '../model/entity';
import type { Capability, WriteGuarantee } from './contract';

/** Text in every locale of the editor. */
export interface LocalizedText {
  'en-US': string;
  'pt-BR': string;
}

/** What a palette node does: with records of entities, with values of tags, or by the connector's own operation. */
export type Operation = 'read' | 'write' | 'delete' | 'subscribe' | 'read_tags' | 'write_tags' | 'call';

export type SettingGroup = 'connection' | 'authentication' | 'entities' | 'security' | 'advanced';

interface SettingBase {
  label: LocalizedText;
  help?: LocalizedText;
  group: SettingGroup;
  required?: boolean;
  /** Shown only when every named setting has one of these values. */
  showWhen?: Record<string, (string | boolean)[]>;
  placeholder?: string;
}

export type Setting =
  | (SettingBase & { kind: 'text'; multiline?: boolean; default?: string; pattern?: string; maxLength?: number })
  | (SettingBase & { kind: 'secret'; multiline?: boolean })
  | (SettingBase & { kind: 'integer'; default?: number; minimum?: number; maximum?: number })
  | (SettingBase & { kind: 'boolean'; default?: boolean })
  | (SettingBase & { kind: 'choice'; options: { value: string; label: LocalizedText }[]; default?: string })
  /** A JSON value that its own schema describes: the entities of a file connection, the views of a database. */
  | (SettingBase & { kind: 'json'; schema: JsonSchema; default?: unknown; example?: unknown });

/**
 * Pure data about a connector; loading it loads no driver. Forms, help, palette node, JSON Schema, credentials and the
 * README's table are generated from it.
 */
export interface ConnectorDescriptor {
  /** `family.system`. */
  type: string;
  title: LocalizedText;
  description: LocalizedText;
  /** Name of the palette node ("pcp-file"), or null for a connector that has none of its own. */
  node: string | null;
  /** Icon's file name in icons/. */
  icon: string;
  color: string;
  since: string;
  capabilities: Capability[];
  writes?: WriteGuarantee;
  /** Writes of flows to some entities may wait on disk while the other side is away (`Connector.queues`). */
  queuesWrites?: boolean;
  /** Best batch sizes: what one read gives and one write takes. */
  batchSize: { default: number; maximum: number };
  /** Field that grows with each change, where every entity has the same one. */
  defaultCursor?: string;
  /** Incremental reads go by a field that the mapping names; without one they would read everything. */
  needsCursorField?: boolean;
  /** npm packages that the connector loads on first use and an install may lack. */
  drivers: string[];
  settings: Record<string, Setting>;
  /** The operation that the palette node calls, and its parameters: a message may set each; the form has those that are described. */
  call?: {
    operation: string;
    parameters: Record<string, Setting>;
    /** What the answer has besides its payload. */
    outputs?: Record<string, { type: 'number' | 'object'; help: LocalizedText }>;
    /** Operations that move a machine or decide whom it trusts, with the parameters that go on record: the first says to what. */
    audited?: Record<string, readonly string[]>;
  };
  /** The operation `import_tags` turns files of these kinds into the setting `tags`; a JSON file needs more of its parameters. */
  tagImport?: { accept: string; jsonFormat?: string; jsonParameters?: readonly string[] };
  /** Property of a tag in the setting `tags` that holds the address which browsing finds. */
  tagAddress?: string;
  /** Operations that the palette node offers, of the capabilities. */
  operations: Operation[];
}
