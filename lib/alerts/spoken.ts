import { inWords, type Locale } from '../locales/catalogue';
import type { Alert } from '../model/alert';
import type { Said } from '../model/phrase';
import { alertWords } from './words';

/** An alert with its words in a language, and the failure that it tells of. */
export function spokenAlert<T extends Pick<Alert, 'kind' | 'value' | 'threshold' | 'details'>>(
  alert: T,
  locale: Locale,
): T & ReturnType<typeof alertWords> {
  const { error_said: said, ...details } = alert.details;
  const what = (said ?? details.error_message) as Said | null | undefined;
  const told = what ? { error_message: inWords(String(details.error_code), what, locale) } : {};
  const spoken = { ...alert, details: { ...details, ...told } };
  return { ...spoken, ...alertWords(spoken, locale) };
}
