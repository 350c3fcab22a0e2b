import { type Locale, translate } from '../locales/catalogue';
import type { Alert } from '../model/alert';
import type { Phrase } from '../model/phrase';
import { alertWords } from './words';

/** An alert with its words in a language, and the failure that it tells of in it as far as that is made of phrases. */
export function spokenAlert<T extends Pick<Alert, 'kind' | 'value' | 'threshold' | 'details'>>(
  alert: T,
  locale: Locale,
): T & ReturnType<typeof alertWords> {
  const { error_said: said, ...details } = alert.details;
  const told = said === undefined ? {} : { error_message: translate(said as Phrase, locale) };
  const spoken = { ...alert, details: { ...details, ...told } };
  return { ...spoken, ...alertWords(spoken, locale) };
}
