import type { Setting } from '../../descriptor';

/** How `ODataWriter` sends changes. */
export const ODATA_WRITE_SETTINGS = {
  changes_per_request: {
    kind: 'integer',
    group: 'advanced',
    default: 50,
    minimum: 1,
    maximum: 1000,
    label: { 'en-US': 'Changes per request ($batch)', 'pt-BR': 'Alterações por requisição ($batch)' },
    help: {
      'en-US': 'Each succeeds or fails by itself. 1 sends each in a request of its own.',
      'pt-BR': 'Cada uma tem sucesso ou falha por si. Com 1, cada uma vai em requisição própria.',
    },
  },
  parallel_writes: {
    kind: 'integer',
    group: 'advanced',
    default: 2,
    minimum: 1,
    maximum: 16,
    label: { 'en-US': 'Writes at the same time', 'pt-BR': 'Gravações simultâneas' },
  },
} satisfies Record<string, Setting>;
