import type { Locale } from '../locales/catalogue';

/** The language of an answer's words: what Accept-Language likes best of the two that there are, else English. */
export function languageOf(acceptLanguage: string | undefined): Locale {
  const ranges = (acceptLanguage ?? '').split(',').map((range) => {
    const [tag = '', ...parameters] = range.trim().toLowerCase().split(';');
    const quality = /^\s*q=([\d.]+)\s*$/.exec(parameters.join(';'))?.[1];
    return { language: tag.split('-')[0], quality: quality === undefined ? 1 : Number(quality) };
  });
  const known = ranges.filter(({ language, quality }) => (language === 'pt' || language === 'en') && quality > 0);
  const [best] = known.sort((a, b) => b.quality - a.quality);
  return best?.language === 'pt' ? 'pt-BR' : 'en-US';
}
