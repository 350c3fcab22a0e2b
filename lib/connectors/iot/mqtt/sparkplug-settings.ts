import type { OpenConnection } from '../../../model/connection';
import { IntegrationError } from '../../../model/errors';
import { DATA_TYPES, type DataType } from '../../../protocols/sparkplug/codec/data-types';
import type { HostOptions, HostRole } from '../../../protocols/sparkplug/host/host';
import type { Setting } from '../../descriptor';
import { text } from '../setting-values';

/** The entity that has the values of all edge nodes, and that an export publishes as an edge node. */
export const SPARKPLUG = 'sparkplug';

export interface PublishedMetric {
  data_type: DataType;
  unit?: string;
}

export interface SparkplugSettings {
  /** Undefined: no values are listened to. */
  host: HostOptions | undefined;
  edgeNode: { group: string; edgeNode: string; primaryHostId?: string; aliases: boolean } | undefined;
  /** Of the records that are published: false where the device is gone. */
  onlineField: string | undefined;
  metrics: ReadonlyMap<string, PublishedMetric>;
}

const ROLES: HostRole[] = ['passive', 'active', 'primary'];
/** What a field of a record can be; arrays and tables are no fields. */
const FIELD_TYPES = DATA_TYPES.filter((type) => !/Unknown|DataSet|Template|PropertySet|Array/.test(type));

export function readSparkplug({ config }: OpenConnection): SparkplugSettings {
  const role = ROLES.find((known) => known === config.sparkplug_role);
  const [group, edgeNode, hostId] = ['group_id', 'edge_node_id', 'host_id'].map((name) =>
    text(config[`sparkplug_${name}`]),
  );
  const groups = Array.isArray(config.sparkplug_groups) ? config.sparkplug_groups.map(String) : [];
  const timeout = config.sparkplug_reorder_timeout_ms;
  const primary = text(config.sparkplug_primary_host_id);
  return {
    host: role && {
      role,
      flatten: config.sparkplug_flatten === true,
      ...(hostId !== undefined && { hostId }),
      ...(groups.length > 0 && { groups }),
      ...(typeof timeout === 'number' && { reorderTimeoutMs: timeout }),
    },
    edgeNode:
      group === undefined || edgeNode === undefined
        ? undefined
        : {
            group,
            edgeNode,
            aliases: config.sparkplug_aliases !== false,
            ...(primary !== undefined && { primaryHostId: primary }),
          },
    onlineField: text(config.sparkplug_online_field),
    metrics: new Map(Object.entries((config.sparkplug_metrics ?? {}) as Record<string, PublishedMetric>)),
  };
}

/** @throws config PCP_SETTING_MISSING */
export function required<T>(value: T | undefined, setting: string, hint: string): T {
  if (value !== undefined) return value;
  throw new IntegrationError('config', 'PCP_SETTING_MISSING', `The setting "${setting}" is empty.`, {
    path: `/config/${setting}`,
    hint,
  });
}

const HOST_ROLES = { sparkplug_role: [...ROLES] };

export const SPARKPLUG_SETTINGS: Record<string, Setting> = {
  sparkplug_role: {
    kind: 'choice',
    group: 'entities',
    label: { 'en-US': 'Sparkplug B host', 'pt-BR': 'Host Sparkplug B' },
    help: {
      'en-US':
        'Values of edge nodes as the entity "sparkplug". Passive only listens; active asks edge nodes for births; edge nodes wait for the primary one.',
      'pt-BR':
        'Valores dos nós de borda como a entidade "sparkplug". Passive só escuta; active pede nascimentos; pelo primary os nós de borda esperam.',
    },
    options: [
      { value: 'off', label: { 'en-US': 'Off', 'pt-BR': 'Desligado' } },
      { value: 'passive', label: { 'en-US': 'Passive', 'pt-BR': 'Passivo (passive)' } },
      { value: 'active', label: { 'en-US': 'Active', 'pt-BR': 'Ativo (active)' } },
      { value: 'primary', label: { 'en-US': 'Primary', 'pt-BR': 'Primário (primary)' } },
    ],
    default: 'off',
  },
  sparkplug_host_id: {
    kind: 'text',
    group: 'entities',
    maxLength: 200,
    showWhen: { sparkplug_role: ['primary'] },
    label: { 'en-US': 'Sparkplug host ID', 'pt-BR': 'ID do host Sparkplug' },
    help: { 'en-US': 'What edge nodes wait for.', 'pt-BR': 'Pelo que os nós de borda esperam.' },
  },
  sparkplug_groups: {
    kind: 'json',
    group: 'entities',
    showWhen: HOST_ROLES,
    label: { 'en-US': 'Sparkplug groups', 'pt-BR': 'Grupos Sparkplug' },
    help: { 'en-US': 'Empty: all.', 'pt-BR': 'Vazio: todos.' },
    schema: { type: 'array', items: { type: 'string', minLength: 1 } },
    default: [],
    example: ['Plant1'],
  },
  sparkplug_flatten: {
    kind: 'boolean',
    group: 'entities',
    default: false,
    showWhen: HOST_ROLES,
    label: { 'en-US': 'Flatten Sparkplug tables and templates', 'pt-BR': 'Achatar tabelas e templates Sparkplug' },
    help: {
      'en-US': 'Each row of a DataSet and each member of a Template becomes a value of its own.',
      'pt-BR': 'Cada linha de um DataSet e cada membro de um Template se torna um valor próprio.',
    },
  },
  sparkplug_group_id: {
    kind: 'text',
    group: 'advanced',
    maxLength: 200,
    label: { 'en-US': 'Publish in Sparkplug group', 'pt-BR': 'Publicar no grupo Sparkplug' },
    help: {
      'en-US': 'With an edge node: exports to the entity "sparkplug" are published by it.',
      'pt-BR': 'Com um nó de borda: exportações para a entidade "sparkplug" são publicadas por ele.',
    },
  },
  sparkplug_edge_node_id: {
    kind: 'text',
    group: 'advanced',
    maxLength: 200,
    label: { 'en-US': 'Publish as edge node', 'pt-BR': 'Publicar como nó de borda' },
  },
  sparkplug_metrics: {
    kind: 'json',
    group: 'advanced',
    label: { 'en-US': 'Metrics to publish', 'pt-BR': 'Métricas a publicar' },
    help: {
      'en-US': 'Data types of fields. Others are Double, Boolean or String, as their first value is.',
      'pt-BR': 'Tipos de dados dos campos. Os outros são Double, Boolean ou String, conforme o primeiro valor.',
    },
    schema: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        required: ['data_type'],
        properties: { data_type: { enum: FIELD_TYPES }, unit: { type: 'string', minLength: 1 } },
        additionalProperties: false,
      },
    },
    default: {},
    example: { quantity: { data_type: 'Int32', unit: 'pcs' } },
  },
  sparkplug_reorder_timeout_ms: {
    kind: 'integer',
    group: 'advanced',
    default: 2000,
    minimum: 0,
    maximum: 600_000,
    showWhen: HOST_ROLES,
    label: { 'en-US': 'Sparkplug reorder timeout (ms)', 'pt-BR': 'Espera na sequência Sparkplug (ms)' },
    help: {
      'en-US': 'How long to wait for a message that is missing in the sequence.',
      'pt-BR': 'Por quanto tempo esperar por uma mensagem que falta na sequência.',
    },
  },
  sparkplug_primary_host_id: {
    kind: 'text',
    group: 'advanced',
    maxLength: 200,
    label: { 'en-US': 'Sparkplug host to wait for', 'pt-BR': 'Host Sparkplug a esperar' },
    help: {
      'en-US': 'The edge node publishes only while this primary host is online.',
      'pt-BR': 'O nó de borda só publica enquanto este host primário está online.',
    },
  },
  sparkplug_online_field: {
    kind: 'text',
    group: 'advanced',
    maxLength: 200,
    label: {
      'en-US': 'Field that says whether the device is there',
      'pt-BR': 'Campo que diz se o dispositivo está presente',
    },
    help: {
      'en-US':
        'Where it is false the death of the device is published (DDEATH); its next record is its birth. The field itself is not published.',
      'pt-BR':
        'Onde for falso, publica-se a morte do dispositivo (DDEATH); o próximo registro é seu nascimento. O campo em si não é publicado.',
    },
  },
  sparkplug_aliases: {
    kind: 'boolean',
    group: 'advanced',
    default: true,
    label: { 'en-US': 'Publish Sparkplug aliases', 'pt-BR': 'Publicar aliases Sparkplug' },
    help: {
      'en-US': 'Off: each value has its name and type, for hosts that need them.',
      'pt-BR': 'Desligado: cada valor leva nome e tipo, para hosts que precisam deles.',
    },
  },
};
