import type { Capability } from '../../lib/connectors/contract';
import { connectorFolder, descriptors, type Quality, quality } from './project';

export type Language = 'en-US' | 'pt-BR';

const WORDS = {
  'en-US': {
    header: ['connector', 'type', 'can', 'state', 'tested against', 'not tested'],
    none: '–',
    page: 'README.md',
  },
  'pt-BR': {
    header: ['conector', 'tipo', 'sabe', 'estado', 'testado com', 'não testado'],
    none: '–',
    page: 'README.pt-BR.md',
  },
} as const;

const CAN: Record<Capability, string> = {
  test: 'testar',
  read: 'ler',
  write: 'gravar',
  call: 'chamar',
  subscribe: 'assinar',
  discover: 'descobrir',
  describe: 'descrever',
  browse: 'navegar',
  incremental: 'ler o que mudou',
  arrival: 'avisar chegada',
  delete: 'excluir',
};

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

/** The README's table of connectors, as descriptors and quality files say. */
export function connectorTable(language: Language): string {
  const { header, none } = WORDS[language];
  const list = (names: Quality['tested_against']) =>
    names.map((name) => (typeof name === 'string' ? name : name[language])).join(', ');
  const rows = descriptors().map((descriptor) => {
    const { state, tested_against, not_tested } = quality(descriptor.type);
    return row([
      `[${descriptor.title[language]}](${connectorFolder(descriptor.type)}/${WORDS[language].page})`,
      `\`${descriptor.type}\``,
      descriptor.capabilities.map((can) => (language === 'pt-BR' ? CAN[can] : can)).join(', '),
      state,
      list(tested_against) || none,
      list(not_tested) || none,
    ]);
  });
  return [row(header), `|${'---|'.repeat(header.length)}`, ...rows].join('\n');
}

/** Text between the markers `<!-- name:start -->` and `<!-- name:end -->`. */
export function section(markdown: string, name: string): string {
  const match = new RegExp(`<!-- ${name}:start -->\\n([\\s\\S]*?)<!-- ${name}:end -->`).exec(markdown);
  if (!match) throw new Error(`There is no section "${name}".`);
  return (match[1] as string).trim();
}

export function replaceSection(markdown: string, name: string, content: string): string {
  const pattern = new RegExp(`(<!-- ${name}:start -->\\n)[\\s\\S]*?(<!-- ${name}:end -->)`);
  return markdown.replace(pattern, (_, start: string, end: string) => `${start}${content}\n${end}`);
}
