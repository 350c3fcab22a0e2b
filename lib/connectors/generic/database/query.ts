/** A pattern of JSON Schema has no flag for upper and lower case. */
const anyCase = (word: string) => word.replace(/[A-Z]/g, (letter) => `[${letter}${letter.toLowerCase()}]`);

/** Blanks, comments and parentheses, then the word with which a query begins. Whether it is one, the database tells. */
export const QUERY_PATTERN = [
  '^(?:\\s|\\(|--[^\\n]*(?:\\n|$)|/\\*(?:[^*]|\\*(?!/))*\\*/)*',
  `(?:${['SELECT', 'WITH', 'VALUES', 'TABLE'].map(anyCase).join('|')})\\b`,
].join('');

export const QUERY_EXPECTED = 'a query, which begins with SELECT, WITH, VALUES or TABLE';
