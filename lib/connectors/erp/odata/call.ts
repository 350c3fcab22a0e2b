import type { ODataService } from '../../../protocols/odata/service';

type Data = Record<string, unknown>;

/** Calls a function or action, bound to an entity or a set where one is named; once, whatever comes of it. */
export function callFunction(
  service: ODataService,
  { function: name, entity_set: set, key, ...values }: Data,
  signal: AbortSignal,
): Promise<unknown> {
  const boundKey = objectOf(key);
  const bound = typeof set === 'string' && set !== '' ? { set, ...(boundKey && { key: boundKey }) } : undefined;
  return service.call(String(name ?? ''), parametersOf(values), signal, bound);
}

/** Those that the node or the message names, else the payload. */
export function parametersOf({ parameters, payload }: Data): Data {
  return objectOf(parameters) ?? objectOf(payload) ?? {};
}

function objectOf(value: unknown): Data | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);
  return isObject ? (value as Data) : undefined;
}
