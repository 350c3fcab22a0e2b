import type { Setting } from '../../descriptor';

/** What `callFunction` takes beside the name. */
export const ODATA_CALL_PARAMETERS = {
  parameters: {
    kind: 'json',
    group: 'connection',
    schema: { type: 'object' },
    label: { 'en-US': 'Parameters', 'pt-BR': 'Parâmetros' },
    help: {
      'en-US': 'by name; without them the payload, if it is an object',
      'pt-BR': 'por nome; sem eles, o payload, se for um objeto',
    },
  },
  entity_set: {
    kind: 'text',
    group: 'connection',
    label: { 'en-US': 'Entity set', 'pt-BR': 'Conjunto de entidades' },
    help: {
      'en-US': 'that an action of OData 4 is bound to',
      'pt-BR': 'ao qual uma action do OData 4 está vinculada',
    },
  },
  key: {
    kind: 'json',
    group: 'connection',
    schema: { type: 'object' },
    label: { 'en-US': 'Key', 'pt-BR': 'Chave' },
    help: { 'en-US': 'of the entity that it is bound to', 'pt-BR': 'da entidade à qual está vinculada' },
  },
} satisfies Record<string, Setting>;
