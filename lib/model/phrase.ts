/** Words with values in their places. The English words are their name in the catalogues of other languages. */
export interface Phrase {
  /** "{0} is not an integer" */
  words: string;
  values: readonly PhraseValue[];
}

/** What may be said in another language, or a text that is not ours to translate. */
export type Said = string | Phrase;
export type PhraseValue = Said | number;

/** Template tag. A test reads the templates from the sources, so that none is without its words in another language. */
export function phrase(parts: TemplateStringsArray, ...values: readonly (PhraseValue | undefined)[]): Phrase {
  const words = parts.reduce((text, part, index) => `${text}{${index - 1}}${part}`);
  return { words, values: values.map((value) => value ?? String(value)) };
}

/** Several in one. It has no words of its own, so that it needs none in another language. */
export function listed(parts: readonly PhraseValue[], separator = '; '): Phrase {
  return { words: parts.map((_, index) => `{${index}}`).join(separator), values: parts };
}

/** @param wordsOf the words of a language for the English ones */
export function render(said: PhraseValue, wordsOf: (english: string) => string = (english) => english): string {
  if (typeof said !== 'object') return String(said);
  return wordsOf(said.words).replace(/\{(\d+)\}/g, (_place, index) => render(said.values[index] ?? '', wordsOf));
}
