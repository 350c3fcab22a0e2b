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
export function localise<T extends { code: string; message?: string; said?: Phrase; hint?: string }>(
  failure: T,
  locale: Locale,
): Omit<T, 'said'> & { title?: string; hint?: string } {
  const words = catalogue(locale)[failure.code];
  const inWords = spoken(failure, locale);
  if (words === undefined) return inWords as typeof inWords & { hint?: string };
  const { title } = words;
  return { ...inWords, title, hint: locale === 'en-US' ? (failure.hint ?? words.hint) : words.hint };
}

/** What is told of a failure, with its message in a language as far as that is made of a phrase. */
export function spoken<T extends { message?: string; said?: Phrase }>(failure: T, locale: Locale): Omit<T, 'said'> {
  const { said, ...told } = failure;
  return said === undefined ? told : { ...told, message: translate(said, locale) };
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
