import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalizedText } from '../connectors/descriptor';
import { connectorFolders } from '../connectors/registry';

export type Locale = keyof LocalizedText;

export interface Words {
  /** What kind of failure the code stands for. */
  title: string;
  /** What to do about it. */
  hint: string;
}

const loaded = new Map<Locale, Record<string, Words>>();

/**
 * A failure in a language: its kind in words, and what to do. Messages and hints for the very case are written in English, so
 * in another language the hint for the kind takes the place of the one for the case.
 */
export function localise<T extends { code: string; hint?: string }>(
  failure: T,
  locale: Locale,
): T & { title?: string; hint?: string } {
  const words = catalogue(locale)[failure.code];
  if (words === undefined) return failure;
  const { title } = words;
  return { ...failure, title, hint: locale === 'en-US' ? (failure.hint ?? words.hint) : words.hint };
}

/** Words of the hub, and of each connector from its own folder, by code. Read when the first failure is told. */
export function catalogue(locale: Locale): Record<string, Words> {
  let words = loaded.get(locale);
  if (words === undefined) {
    const folders = [__dirname, ...connectorFolders().map((folder) => join(folder, 'locales'))];
    const files = folders.map((folder) => join(folder, `${locale}.json`)).filter((file) => existsSync(file));
    words = Object.assign({}, ...files.map((file) => require(file) as Record<string, Words>)) as Record<string, Words>;
    loaded.set(locale, words);
  }
  return words;
}
