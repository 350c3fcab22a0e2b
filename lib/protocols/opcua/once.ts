import { IntegrationError } from '../../model/errors';
import { phrase, type Said } from '../../model/phrase';
import type { OpcUaClient } from './client';
import { type ClientSession, opcUaLibrary, type Variant } from './library';

/** The part of a session below the one that keeps requests. */
interface DirectSession {
  readonly lastResponseReceivedTime: Date;
  _performMessageTransaction(request: object, callback: (error: Error | null, response?: unknown) => void): void;
}

/**
 * Sends a request now or not at all. The library's own calls keep what is asked for while the connection is away, and send it
 * when it is back: a machine would then move when nobody expects it any more.
 * @param validUntil in epoch milliseconds; the server is told, and leaves what it comes to later undone if it honours that
 * @throws transient PCP_CONNECT_LOST, PCP_WRITE_EXPIRED when it was not sent; with `outcomeUnknown` what came to nothing after it
 * may have been
 */
export async function sendOnce<R>(
  client: OpcUaClient,
  session: ClientSession,
  request: { requestHeader: { timeoutHint: number } },
  what: Said,
  signal: AbortSignal,
  validUntil = Number.POSITIVE_INFINITY,
): Promise<R> {
  signal.throwIfAborted();
  const sentAt = Date.now();
  if (validUntil <= sentAt) throw expired(what);
  if (!client.isConnected) throw notSent(what);
  const direct = session as unknown as DirectSession;
  request.requestHeader.timeoutHint = Math.ceil(Math.min(client.options.timeoutMs, validUntil - sentAt));
  let isRefused = false;
  const work = new Promise<R>((resolve, reject) => {
    direct._performMessageTransaction(request, (error, response) => {
      // An answer that is a fault says that nothing was done.
      isRefused = error !== null && 'response' in error && error.response !== undefined;
      if (error) reject(error);
      else resolve(response as R);
    });
  });
  try {
    return await client.request(work, what, signal);
  } catch (thrown) {
    const cause = IntegrationError.from(thrown);
    if (isRefused) throw cause;
    // What still waits in the machine's own buffers would arrive whenever the line is back.
    if (direct.lastResponseReceivedTime.getTime() <= sentAt) client.breakOff();
    const details = { ...(cause.hint !== undefined && { hint: cause.hint }), outcomeUnknown: true, cause };
    throw new IntegrationError(cause.class, cause.code, cause.said, details);
  }
}

export interface MethodAnswer {
  status: string;
  isGood: boolean;
  outputs: Variant[];
  /** Status of each argument that the server found wrong. */
  argumentStatuses: (string | undefined)[];
}

/** Calls a method once. */
export async function callOnce(
  client: OpcUaClient,
  session: ClientSession,
  call: { objectId: unknown; methodId: unknown; inputArguments: Variant[] },
  what: Said,
  signal: AbortSignal,
  validUntil?: number,
): Promise<MethodAnswer> {
  const { ua } = opcUaLibrary();
  const request = new ua.CallRequest({ methodsToCall: [call as object] });
  const response = await sendOnce<InstanceType<typeof ua.CallResponse>>(
    client,
    session,
    request,
    what,
    signal,
    validUntil,
  );
  const result = response.results?.[0];
  const outputs = result?.outputArguments ?? [];
  const learnt = ua.promoteOpaqueStructure(
    session,
    outputs.map((value) => ({ value })),
  );
  await client.request(learnt, phrase`reading the types of what was answered`);
  return {
    status: result?.statusCode.name ?? 'BadNoData',
    isGood: result?.statusCode.isGoodish() ?? false,
    outputs,
    argumentStatuses: (result?.inputArgumentResults ?? []).map((status) => (status.isBad() ? status.name : undefined)),
  };
}

function expired(what: Said): IntegrationError {
  return new IntegrationError('transient', 'PCP_WRITE_EXPIRED', phrase`It was too late to send it (${what}).`, {
    hint: 'It was not sent, and is not sent later.',
  });
}

function notSent(what: Said): IntegrationError {
  return new IntegrationError(
    'transient',
    'PCP_CONNECT_LOST',
    phrase`The connection is interrupted, so nothing was sent (${what}).`,
    {
      hint: 'It comes back by itself; what was asked for is not done later.',
    },
  );
}
