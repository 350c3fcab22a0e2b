import { IntegrationError, type SerializedError } from '../../model/errors';
import type { Unanswered } from '../contract';
import type { LocalizedText } from '../descriptor';

/** What a test asked for: a service, a route, an entity. */
export interface Asked {
  name: string;
  error?: IntegrationError | SerializedError;
}

/** What does not answer, together where whoever administers the system does the same about it. */
export function unansweredOf(asked: readonly Asked[]): Unanswered[] {
  const groups = new Map<string, Unanswered>();
  for (const { name, error } of asked) {
    if (error === undefined) continue;
    const told = error instanceof IntegrationError ? error.toJSON() : error;
    const isForAdministrator = told.class === 'config' || told.class === 'permission';
    const group = isForAdministrator ? `${told.code} ${told.hint}` : name;
    const known = groups.get(group);
    if (known === undefined) groups.set(group, { names: [name], error: told });
    else known.names.push(name);
  }
  return [...groups.values()];
}

/** @param words what does answer */
export function withUnanswered(words: LocalizedText, unanswered: readonly Unanswered[]): LocalizedText {
  const names = unanswered.flatMap((each) => each.names).join(', ');
  if (names === '') return words;
  return {
    'en-US': `${words['en-US']}; without an answer: ${names}`,
    'pt-BR': `${words['pt-BR']}; sem resposta: ${names}`,
  };
}
