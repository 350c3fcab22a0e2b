import { type ErrorClass, IntegrationError } from '../../model/errors';
import { phrase, type Said } from '../../model/phrase';

/** What the exception codes of the specification mean, and what to do about them. */
const EXCEPTIONS: Record<number, { name: Said; class: ErrorClass; hint: string }> = {
  1: {
    name: phrase`illegal function`,
    class: 'config',
    hint: 'The device does not know this function: check the table of the tag.',
  },
  2: {
    name: phrase`illegal data address`,
    class: 'config',
    hint: 'The device has no such register: check address, addressing (zero-based or one-based), table and length.',
  },
  3: {
    name: phrase`illegal data value`,
    class: 'config',
    hint: 'The device refuses the number of registers or the value: lower max_registers, or check the value.',
  },
  4: { name: phrase`device failure`, class: 'transient', hint: 'Look at the device: it could not do what was asked.' },
  5: { name: phrase`acknowledge`, class: 'transient', hint: 'The device needs more time: poll it more slowly.' },
  6: { name: phrase`device busy`, class: 'transient', hint: 'The device is busy: poll it more slowly.' },
  8: { name: phrase`memory parity error`, class: 'transient', hint: 'Look at the device: its memory is damaged.' },
  10: {
    name: phrase`gateway path unavailable`,
    class: 'transient',
    hint: 'Look at the gateway: it has no way to this unit.',
  },
  11: {
    name: phrase`gateway target did not respond`,
    class: 'transient',
    hint: 'Check the unit id, and that the device is powered and wired.',
  },
};

/** Failure while writing, "in progress", and a gateway whose device did not answer: a write may have been done. */
const UNKNOWN_AFTER = new Set([4, 5, 11]);

/** The device answered, and refused. */
export class ModbusException extends IntegrationError {
  constructor(
    readonly exception: number,
    unit: number,
    functionCode: number,
    address: number,
  ) {
    const meaning = EXCEPTIONS[exception] ?? {
      name: phrase`of the manufacturer`,
      class: 'config' as const,
      hint: 'Look the code up in the manual of the device.',
    };
    super(
      meaning.class,
      'PCP_MODBUS_EXCEPTION',
      phrase`Unit ${unit} answered function ${functionCode} at address ${address} with exception ${exception} (${meaning.name}).`,
      { hint: meaning.hint, outcomeUnknown: functionCode > 4 && UNKNOWN_AFTER.has(exception) },
    );
  }

  /** The registers asked for are not all there, or are too many at once: fewer may be had. */
  get isAboutRange(): boolean {
    return this.exception === 2 || this.exception === 3;
  }

  /** The gateway says for the unit that it is silent. */
  get isSilence(): boolean {
    return this.exception === 10 || this.exception === 11;
  }
}

/** The device answered with less than it was asked for, as some do where others send exception 2. */
export class ShortAnswer extends IntegrationError {
  readonly isAboutRange = true;
  readonly isSilence = false;

  constructor(unit: number, functionCode: number, address: number, expected: number, came: number) {
    super(
      'config',
      'PCP_MODBUS_SHORT_ANSWER',
      phrase`Unit ${unit} answered function ${functionCode} at address ${address} with ${came} bytes instead of ${expected}.`,
      {
        hint: 'The device has fewer registers there: check address, addressing (zero-based or one-based), table and length.',
      },
    );
  }
}

/** The device said no, which says nothing against the connection. */
export function isRefusal(error: unknown): error is ModbusException | ShortAnswer {
  return error instanceof ModbusException || error instanceof ShortAnswer;
}

export function noAnswer(unit: number, timeoutMs: number, outcomeUnknown: boolean): IntegrationError {
  return new IntegrationError(
    'transient',
    'PCP_MODBUS_TIMEOUT',
    phrase`Unit ${unit} did not answer within ${timeoutMs} ms.`,
    {
      hint: 'Check the unit id, power and wiring of the device; raise timeout_ms if it is slow.',
      outcomeUnknown,
    },
  );
}

export function unitSilent(unit: number, againInMs: number): IntegrationError {
  const seconds = Math.max(1, Math.round(againInMs / 1000));
  return new IntegrationError(
    'transient',
    'PCP_MODBUS_UNIT_SILENT',
    phrase`Unit ${unit} does not answer; it is asked again in ${seconds} s, so that the others are not kept waiting.`,
    { hint: 'Check the unit id, power and wiring of the device.' },
  );
}

/** Bytes that are no Modbus, or answer nothing that was asked. */
export function protocolError(what: Said): IntegrationError {
  return new IntegrationError('transient', 'PCP_MODBUS_PROTOCOL', phrase`The other side broke the protocol: ${what}.`, {
    hint: 'Check host, port and transport (TCP, or RTU over TCP); on a serial line its speed, parity and wiring.',
  });
}

export function connectionLost(where: string, cause?: unknown): IntegrationError {
  const said =
    cause instanceof Error
      ? phrase`The connection to ${where} was lost: ${cause.message}.`
      : phrase`The connection to ${where} was lost.`;
  return new IntegrationError('transient', 'PCP_CONNECT_LOST', said, {
    hint: 'Look at the device and the network; many devices take one connection only.',
    cause,
  });
}

export function connectionSilent(where: string, requests: number): IntegrationError {
  return new IntegrationError(
    'transient',
    'PCP_MODBUS_SILENT',
    phrase`Nothing came from ${where} for ${requests} requests in a row, so the connection is taken for dead.`,
    { hint: 'Check that the device answers this unit id, and the network on the way.' },
  );
}

export function configError(
  code: 'PCP_MODBUS_ADDRESS' | 'PCP_MODBUS_TAG',
  message: string,
  hint: string,
): IntegrationError {
  return new IntegrationError('config', code, message, { hint });
}
