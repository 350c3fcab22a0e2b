import { IntegrationError } from '../../../model/errors';
import type { ODataService } from '../../../protocols/odata/service';

type Data = Record<string, unknown>;

/** Calls a function or action, bound to an entity or a set where one is named; once, whatever comes of it. */
export async function callFunction(
  service: ODataService,
  { function: name, entity_set: set, key, ...values }: Data,
  signal: AbortSignal,
): Promise<unknown> {
  const boundKey = objectOf(key);
  const bound = typeof set === 'string' && set !== '' ? { set, ...(boundKey && { key: boundKey }) } : undefined;
  const parameters = parametersOf(values);
  return service.call(String(name ?? ''), parameters, signal, bound).catch((thrown: unknown) => {
    const error = IntegrationError.from(thrown);
    // The service told its metadata before, so its address is right, and no record is spoken of.
    if (!['PCP_HTTP_NOT_FOUND', 'PCP_ODATA_REFUSED'].includes(error.code)) throw thrown;
    throw new IntegrationError(error.class === 'config' ? 'data' : error.class, 'PCP_ODATA_CALL_REFUSED', error.said, {
      ...(error.path !== undefined && { path: error.path }),
      hint: 'Look whether what its parameters name is there; without parameters, name them, or let the payload be an object of them.',
      cause: error,
    });
  });
}

/** Those that the node or the message names, else the payload. */
export function parametersOf({ parameters, payload }: Data): Data {
  return objectOf(parameters) ?? objectOf(payload) ?? {};
}

function objectOf(value: unknown): Data | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);
  return isObject ? (value as Data) : undefined;
}
