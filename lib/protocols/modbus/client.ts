import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { connectionLost, connectionSilent, isRefusal, noAnswer, protocolError, unitSilent } from './errors';
import type { Frame, Framing } from './framing';
import type { Line } from './line';
import { decodeAnswer, encodeRequest, isWrite, type ModbusRequest, type WriteRequest } from './pdu';
import { UnitHealth } from './unit-health';
import { UnitQueues } from './unit-queues';

export interface ClientOptions {
  /** For one answer. */
  timeoutMs: number;
  /** Requests that may be under way together; one where the framing has no transactions. */
  maxInFlight: number;
  /** Silence between an answer and the next request. */
  pauseMs: number;
  /** A line that delivers bytes as they were sent: then a wrong one ends the connection. On a serial line it is noise. */
  isReliable: boolean;
  /** Asked for each write just before it leaves. @throws what forbids it */
  permitWrite(unit: number, request: WriteRequest): void;
}

interface Job {
  unit: number;
  request: ModbusRequest;
  resolve(data: Buffer): void;
  reject(error: IntegrationError): void;
  /** Both are set when it was sent. */
  timer?: NodeJS.Timeout;
  sentAt: number;
  /** Noise had spoilt it once. */
  isRepeated?: boolean;
}

/** Timeouts, one after the other and of whatever units, after which a line that brought nothing at all is dead. */
const DEAD_AFTER = 3;
/** Answers may come after their time: so many are remembered. */
const LATE_TRANSACTIONS = 256;

/**
 * The one master of a line: it asks one request after the other, or as many at once as the server takes. Every request
 * ends, at the latest with its timeout. A line that breaks, or brings what is no Modbus, ends all of them and is not
 * opened again.
 */
export class ModbusClient {
  readonly #queues = new UnitQueues<Job>(({ request }) => isWrite(request));
  readonly #health = new UnitHealth();
  readonly #inFlight = new Map<number, Job>();
  readonly #late = new Set<number>();
  readonly #maxInFlight: number;
  #transaction = 0;
  #timeouts = 0;
  #lastTimeoutAt = 0;
  #isPausing = false;
  /** Unit whose late answer may still come, where nothing would tell it from the next one. */
  #awaited: number | undefined;
  #awaiting: NodeJS.Timeout | undefined;
  /** Units that owe an answer, which may come at any time. */
  readonly #owing = new Set<number>();
  #hasAnswered = false;
  #failure: IntegrationError | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly line: Line,
    private readonly framing: Framing,
    private readonly options: ClientOptions,
  ) {
    this.#maxInFlight = framing.hasTransactions ? options.maxInFlight : 1;
    line.stream.on('data', (bytes: Buffer) => this.#receive(bytes));
    line.stream.on('error', (error) => this.#fail(connectionLost(line.name, error)));
    line.stream.on('close', () => this.#fail(connectionLost(line.name)));
    line.stream.on('end', () => this.#fail(connectionLost(line.name)));
  }

  /** Some unit has answered since the line was opened. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Why the line is of no use any more. */
  get failure(): IntegrationError | undefined {
    return this.#failure;
  }

  /**
   * Asks, and gives the data of the answer. A write comes before what else waits for its unit, and is sent at most once.
   * @throws ModbusException, ShortAnswer when the unit refuses, or has less
   * @throws transient PCP_MODBUS_TIMEOUT, PCP_MODBUS_UNIT_SILENT, PCP_MODBUS_PROTOCOL, PCP_MODBUS_SILENT, PCP_CONNECT_LOST
   */
  request(unit: number, request: ModbusRequest, signal: AbortSignal): Promise<Buffer> {
    if (signal.aborted) return Promise.reject(aborted(signal));
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const pause = isWrite(request) ? 0 : this.#health.pause(unit);
    if (pause > 0) return Promise.reject(unitSilent(unit, pause));
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const job: Job = { unit, request, resolve, reject, sentAt: 0 };
    const abandon = () => {
      this.#queues.remove(unit, job);
      const isSent = job.timer !== undefined;
      reject(aborted(signal, isWrite(request) && isSent));
      if (isSent) this.#forgetWrite(job);
    };
    signal.addEventListener('abort', abandon, { once: true });
    this.#queues.add(unit, job);
    this.#pump();
    return promise.finally(() => signal.removeEventListener('abort', abandon));
  }

  async close(): Promise<void> {
    this.#fail(new IntegrationError('cancelled', 'PCP_CANCELLED', 'The connection is closed.'));
    await this.#closing;
  }

  #pump(): void {
    const mayAsk = () => !this.#isPausing && this.#awaited === undefined && this.#failure === undefined;
    while (mayAsk() && this.#inFlight.size < this.#maxInFlight) {
      const job = this.#queues.take((unit) => !this.#health.isDoubtful(unit) || !this.#isAsked(unit));
      if (job === undefined) return;
      this.#send(job);
    }
  }

  #isAsked(unit: number): boolean {
    return [...this.#inFlight.values()].some((job) => job.unit === unit);
  }

  #send(job: Job): void {
    const { unit, request } = job;
    try {
      if (isWrite(request)) this.options.permitWrite(unit, request);
    } catch (error) {
      job.reject(IntegrationError.from(error));
      return;
    }
    const transaction = this.#nextTransaction();
    job.sentAt = performance.now();
    job.timer = setTimeout(() => this.#expire(transaction, job), this.options.timeoutMs);
    this.#inFlight.set(transaction, job);
    // What came before cannot answer this.
    if (!this.framing.hasTransactions) this.framing.reset();
    this.#write(this.framing.encode(transaction, unit, encodeRequest(request)));
  }

  /** Requests of one moment leave in one piece. */
  #write(bytes: Buffer): void {
    const { stream } = this.line;
    if (stream.writableCorked === 0) {
      stream.cork();
      process.nextTick(() => stream.uncork());
    }
    stream.write(bytes);
  }

  #nextTransaction(): number {
    do this.#transaction = (this.#transaction + 1) & 0xffff;
    while (this.#inFlight.has(this.#transaction) || this.#late.has(this.#transaction));
    return this.#transaction;
  }

  #receive(bytes: Buffer): void {
    if (this.#failure !== undefined) return;
    this.#timeouts = 0;
    // Without transactions, what comes when nothing was asked is late or noise.
    if (!this.framing.hasTransactions && this.#inFlight.size === 0) {
      this.#takeLate(bytes);
      return;
    }
    try {
      for (const frame of this.framing.decode(bytes)) this.#accept(frame);
    } catch (error) {
      this.#broken(IntegrationError.from(error));
    }
    this.#pump();
  }

  #accept({ transaction, unit, pdu }: Frame): void {
    const id = transaction ?? this.#inFlight.keys().next().value;
    const job = id === undefined ? undefined : this.#inFlight.get(id);
    if (id === undefined || job === undefined) {
      if (transaction !== undefined && !this.#late.delete(transaction)) {
        throw protocolError(phrase`an answer to transaction ${transaction}, which nobody waits for`);
      }
      return;
    }
    if (unit !== job.unit) {
      // On a bus it may be the late answer of another unit.
      if (transaction === undefined && this.#health.isDoubtful(unit)) {
        this.#owing.delete(unit);
        return;
      }
      throw protocolError(phrase`unit ${unit} answered what unit ${job.unit} was asked`);
    }
    if (this.#owing.has(unit)) this.#holdBack(id, job, pdu);
    else this.#answered(id, job, pdu);
  }

  /**
   * A unit owed an answer when this was asked, so that what came may be that one: it counts when no other follows it. Were
   * it taken at once, each answer from then on would be taken for the next one.
   */
  #holdBack(id: number, job: Job, pdu: Buffer): void {
    clearTimeout(job.timer);
    const last = Buffer.from(pdu);
    job.timer = setTimeout(() => {
      this.#owing.delete(job.unit);
      try {
        this.#answered(id, job, last);
      } catch (error) {
        this.#broken(IntegrationError.from(error));
      }
      this.#pump();
    }, this.options.timeoutMs);
  }

  #answered(id: number, job: Job, pdu: Buffer): void {
    const { unit } = job;
    try {
      const data = decodeAnswer(unit, job.request, pdu);
      this.#hasAnswered = true;
      this.#health.answered(unit);
      this.#finish(id, job, () => job.resolve(Buffer.from(data)));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#hasAnswered = true;
      if (error.isSilence) this.#health.failed(unit, job.sentAt);
      else this.#health.answered(unit);
      this.#finish(id, job, () => job.reject(error));
      if (error.isSilence) this.#refuseWaiting(unit);
    }
  }

  #expire(transaction: number, job: Job): void {
    const { unit } = job;
    if (this.framing.hasTransactions) {
      this.#late.add(transaction);
      if (this.#late.size > LATE_TRANSACTIONS) this.#late.delete(this.#late.values().next().value as number);
    } else {
      this.#awaitLate(unit);
    }
    this.#health.failed(unit, job.sentAt);
    this.#finish(transaction, job, () => job.reject(noAnswer(unit, this.options.timeoutMs, isWrite(job.request))));
    this.#refuseWaiting(unit);
    this.#forgetWrite(job);
    // Requests that were under way together are one sign of silence.
    if (job.sentAt >= this.#lastTimeoutAt) this.#timeouts++;
    this.#lastTimeoutAt = performance.now();
    if (this.#timeouts >= DEAD_AFTER) this.#fail(connectionSilent(this.line.name, this.#timeouts));
    this.#pump();
  }

  /** The line stays silent until the answer has come after all, or for as long again as it had time. */
  #awaitLate(unit: number): void {
    this.#owing.add(unit);
    this.#awaited = unit;
    this.framing.reset();
    this.#awaiting = setTimeout(() => this.#goOn(), this.options.timeoutMs);
  }

  #takeLate(bytes: Buffer): void {
    const { framing } = this;
    try {
      const hasCome = framing.decode(bytes).some(({ unit }) => unit === this.#awaited);
      if (!hasCome || this.#awaited === undefined) return;
      this.#owing.delete(this.#awaited);
      this.#goOn();
    } catch {
      // Noise.
      framing.reset();
    }
  }

  #goOn(): void {
    clearTimeout(this.#awaiting);
    this.#awaited = undefined;
    this.#pump();
  }

  /**
   * A write that nobody waits for any more must not arrive later: after a mere close the system would go on sending it, for
   * minutes when a cable was pulled.
   */
  #forgetWrite({ request }: Job): void {
    if (!isWrite(request) || this.line.reset === undefined) return;
    this.line.reset();
    this.#fail(connectionLost(this.line.name));
  }

  /** What waits for a silent unit would only wait for its own timeout; a write is tried. */
  #refuseWaiting(unit: number): void {
    const pause = this.#health.pause(unit);
    for (const job of this.#queues.drain(unit)) {
      if (isWrite(job.request)) this.#queues.add(unit, job);
      else job.reject(unitSilent(unit, pause));
    }
  }

  #finish(transaction: number, job: Job, settle: () => void): void {
    clearTimeout(job.timer);
    this.#inFlight.delete(transaction);
    settle();
    if (this.options.pauseMs === 0) return;
    this.#isPausing = true;
    setTimeout(() => {
      this.#isPausing = false;
      this.#pump();
    }, this.options.pauseMs);
  }

  /** Bytes that make no sense: on a serial line a read is asked once more, elsewhere they cost the connection. */
  #broken(error: IntegrationError): void {
    this.framing.reset();
    if (this.options.isReliable) {
      this.#fail(error);
      return;
    }
    for (const [transaction, job] of this.#inFlight) {
      this.#finish(transaction, job, () => {
        if (isWrite(job.request) || job.isRepeated) {
          job.reject(withOutcome(error, job));
          return;
        }
        job.isRepeated = true;
        this.#queues.addAgain(job.unit, job);
      });
    }
  }

  #fail(error: IntegrationError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    clearTimeout(this.#awaiting);
    for (const [transaction, job] of this.#inFlight) {
      if (isWrite(job.request)) this.line.reset?.();
      clearTimeout(job.timer);
      this.#inFlight.delete(transaction);
      job.reject(withOutcome(error, job));
    }
    for (const job of this.#queues.drain()) job.reject(error);
    this.#closing = this.line.close();
  }
}

/** A write that was sent may have been done. */
function withOutcome(error: IntegrationError, { request }: Job): IntegrationError {
  return isWrite(request) ? IntegrationError.fromJSON({ ...error.toJSON(), outcomeUnknown: true }) : error;
}

function aborted(signal: AbortSignal, outcomeUnknown = false): IntegrationError {
  const { reason } = signal;
  if (reason instanceof IntegrationError && !outcomeUnknown) return reason;
  return new IntegrationError('cancelled', 'PCP_CANCELLED', 'The request was cancelled.', {
    cause: reason,
    outcomeUnknown,
  });
}
