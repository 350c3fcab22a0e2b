import type { NodeAPI } from 'node-red';
import { type Locale, localise } from '../../lib/locales/catalogue';
import { type ErrorClass, IntegrationError, inOneLine } from '../../lib/model/errors';
import { phrase } from '../../lib/model/phrase';

/** What `done(err)` gets: Node-RED copies `code` to `msg.error.code` for Catch nodes. */
export interface NodeFailure extends Error {
  code: string;
  class: ErrorClass;
  hint?: string;
  path?: string;
}

/** A text of the catalogues that names the language in which Node-RED's runtime speaks. */
const LOCALE = '@pcp/node-red-integrations/pcp-integrations:pcp.locale';

/** The language in which Node-RED's runtime speaks. */
export function runtimeLocale(RED: NodeAPI): Locale {
  return RED._(LOCALE) === 'pt-BR' ? 'pt-BR' : 'en-US';
}

/** Turns whatever was thrown into an error for `done`: code and class kept, the hint at the end of its message. */
export function nodeFailure(RED: NodeAPI, thrown: unknown): NodeFailure {
  const known = IntegrationError.from(thrown);
  const error = known.outcomeUnknown ? outcomeUnknown(known) : known;
  const failure = new Error(inOneLine(inWords(RED, error))) as NodeFailure;
  // Node-RED shows name and message: the code tells more than a class name would.
  failure.name = error.code;
  failure.code = error.code;
  failure.class = error.class;
  if (error.hint !== undefined) failure.hint = error.hint;
  if (error.path !== undefined) failure.path = error.path;
  return failure;
}

/** Whoever repeats what failed must not repeat this: it may have been done. */
export function outcomeUnknown(cause: IntegrationError): IntegrationError {
  const said = phrase`Whether it was done is not known: ${cause.said}`;
  return new IntegrationError('unknown_outcome', 'PCP_UNKNOWN_OUTCOME', said, {
    hint: 'Look at the other system before it is sent again.',
    cause,
  });
}

/** In the language of the runtime. */
function inWords(RED: NodeAPI, error: IntegrationError): { message: string; hint: string | undefined } {
  if (runtimeLocale(RED) !== 'pt-BR') return error;
  const { message, hint } = localise(error.toJSON(), 'pt-BR');
  return { message, hint };
}

/** A record that failed, as `msg.errors` and the failure output of pcp-map show it. */
export interface RecordFailure {
  index: number;
  code: string;
  class: ErrorClass;
  message: string;
  hint?: string;
  field?: string | null;
  rule?: string;
  value?: unknown;
  record: unknown;
}

export function recordFailure(
  RED: NodeAPI,
  index: number,
  record: unknown,
  thrown: unknown,
  where: { field?: string | null; rule?: string; value?: unknown } = {},
): RecordFailure {
  const error = IntegrationError.from(thrown);
  const { message, hint } = inWords(RED, error);
  return {
    index,
    code: error.code,
    class: error.class,
    message,
    ...(hint !== undefined && { hint }),
    ...(error.path !== undefined && { field: error.path }),
    ...where,
    record,
  };
}

/** The node is not told which connection or mapping to use. */
export function missingReference(what: 'connection' | 'mapping'): IntegrationError {
  return new IntegrationError(
    'config',
    what === 'connection' ? 'PCP_CONNECTION_MISSING' : 'PCP_MAPPING_MISSING',
    `This node has no ${what}, or the one it names is disabled.`,
    { hint: `Open the node and choose a ${what}.` },
  );
}
