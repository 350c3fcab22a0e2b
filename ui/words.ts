import enUs from './locales/en-US.json';
import ptBr from './locales/pt-BR.json';

export type Locale = 'en-US' | 'pt-BR';
export type Word = keyof typeof enUs;

const CATALOGUES: Record<Locale, Record<Word, string>> = { 'en-US': enUs, 'pt-BR': ptBr };
const KEPT_AS = 'pcp-integrations-language';

let current: Locale = chosenLanguage();

/** What was chosen here, or in the editor, or in the browser. */
function chosenLanguage(): Locale {
  const wanted = localStorage.getItem(KEPT_AS) ?? localStorage.getItem('editor-language') ?? navigator.language;
  return wanted.toLowerCase().startsWith('pt') ? 'pt-BR' : 'en-US';
}

export function locale(): Locale {
  return current;
}

export function chooseLocale(chosen: Locale): void {
  current = chosen;
  localStorage.setItem(KEPT_AS, chosen);
}

/** Words of the page in the chosen language, with `{name}` replaced. */
export function t(word: Word, values: Record<string, string | number> = {}): string {
  return CATALOGUES[current][word].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The word for one of the API's own values; the value itself where there is none. */
export function valueWord(group: string, value: string): string {
  const word = `${group}.${value}`;
  return word in CATALOGUES[current] ? t(word as Word) : value;
}
