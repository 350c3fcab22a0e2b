import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { connectorFolders } from '../connector-folders';
import type { LocalizedText } from '../connectors/descriptor';
import { type Phrase, render, type Said } from '../model/phrase';

export type Locale = keyof LocalizedText;

export interface Words {
  /** What kind of failure the code stands for. */
  title: string;
  /** What to do about it. */
  hint: string;
}

const loaded = new Map<string, Record<string, unknown>>();

/**
 * A failure in a language: its kind in words, what was wrong in this very case, and what to do. Hints for the very case are
 * written in English, so in another language the hint for the kind takes their place.
 */
export function localise<T extends Told & { hint?: string }>(
  failure: T,
  locale: Locale,
): Omit<T, 'said'> & { title?: string; hint?: string } {
  const words = catalogue(locale)[failure.code];
  const inWords = spoken(failure, locale);
  if (words === undefined) return inWords as typeof inWords & { hint?: string };
  const { title } = words;
  return { ...inWords, title, hint: locale === 'en-US' ? (failure.hint ?? words.hint) : words.hint };
}

interface Told {
  code: string;
  message?: string;
  said?: Phrase;
}

/** What is told of a failure, with its message in a language. */
export function spoken<T extends Told>(failure: T, locale: Locale): Omit<T, 'said'> {
  const { said, ...told } = failure;
  const what = said ?? failure.message;
  return what === undefined ? told : { ...told, message: inWords(failure.code, what, locale) };
}

/** The same of a row that keeps its failure in columns. */
export function spokenRow<T extends { error_code: string | null; error_message: string | null; said?: Phrase }>(
  row: T,
  locale: Locale,
): T {
  const { said, ...told } = row;
  const what = said ?? row.error_message;
  return what === null ? row : ({ ...told, error_message: inWords(row.error_code ?? '', what, locale) } as T);
}

/** What was wrong, complete in itself. What is there in English only stands behind the words for its kind. */
export function inWords(code: string, what: Said, locale: Locale): string {
  const title = locale === 'en-US' || typeof what === 'object' ? undefined : catalogue(locale)[code]?.title;
  return title === undefined ? translate(what, locale) : `${title} (${render(what).replace(/\.$/, '')}).`;
}

export function translate(said: Said, locale: Locale): string {
  const phrases = files<string>(`${locale}.phrases.json`);
  return render(said, (english) => phrases[english] ?? english);
}

/** A text that the hub left in English, or that somebody wrote, which stays as it is. */
export function translateText(text: string, locale: Locale): string {
  const phrases = files<string>(`${locale}.phrases.json`);
  return Object.hasOwn(phrases, text) ? (phrases[text] as string) : text;
}

/** For what is told in whatever language its reader turns out to have. */
export function inEachLanguage(said: Said): LocalizedText {
  return { 'en-US': translate(said, 'en-US'), 'pt-BR': translate(said, 'pt-BR') };
}

/** Words by code. */
export function catalogue(locale: Locale): Record<string, Words> {
  return files<Words>(`${locale}.json`);
}

/** Words of the hub, and of each connector from its own folder. Read when the first failure is told. */
function files<T>(name: string): Record<string, T> {
  let words = loaded.get(name) as Record<string, T> | undefined;
  if (words === undefined) {
    const folders = [__dirname, ...connectorFolders().map((folder) => join(folder, 'locales'))];
    const found = folders.map((folder) => join(folder, name)).filter((file) => existsSync(file));
    words = Object.assign({}, ...found.map((file) => require(file) as Record<string, T>)) as Record<string, T>;
    loaded.set(name, words);
  }
  return words;
}
