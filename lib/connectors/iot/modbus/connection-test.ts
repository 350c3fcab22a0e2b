import { ModbusException } from '../../../protocols/modbus/errors';
import { READ_FUNCTIONS } from '../../../protocols/modbus/pdu';
import type { TestDetail, TestReport } from '../../contract';
import { type FailureRules, type Steps, stepByStep } from '../../step-by-step';
import type { Session } from './session';
import type { ModbusSettings } from './settings';

const RULES: FailureRules = {
  timeout: {
    code: 'PCP_MODBUS_TIMEOUT',
    hint: 'Look whether others keep the line busy, and try the device with a tool such as mbpoll.',
  },
  hint: 'Try the device with a tool such as mbpoll.',
  failedStep({ class: errorClass, code }, current) {
    if (current === 'read' || errorClass === 'cancelled' || code === 'PCP_CONNECT_HOST_UNKNOWN') return current;
    return code.startsWith('PCP_CONNECT_') || code === 'PCP_MODBUS_SERIAL_PORT' ? 'connect' : current;
  },
};

/**
 * Opens the line and asks the first tag, or the first holding register where there is no tag: then a refusal is an answer too.
 * @param open reads the settings and opens the line; may throw
 */
export function testConnection(
  open: (signal: AbortSignal) => Promise<{ session: Session; settings: ModbusSettings }>,
  signal: AbortSignal,
): Promise<TestReport> {
  const askDevice = async (steps: Steps, limit: AbortSignal): Promise<void> => {
    const { session, settings } = await open(limit);
    steps.pass('resolve', session.name);
    steps.pass('connect', session.name);
    steps.begin('read');
    steps.pass('read', await readOne(session, settings, limit));
  };
  return stepByStep(askDevice, RULES, signal);
}

async function readOne({ client }: Session, settings: ModbusSettings, signal: AbortSignal): Promise<TestDetail> {
  const [tag] = settings.tags.values();
  if (tag !== undefined) {
    const { unitId, table, address, count } = tag;
    await client.request(unitId, { function: READ_FUNCTIONS[table], address, count }, signal);
    return tag.name;
  }
  const { unitId } = settings.defaults;
  try {
    await client.request(unitId, { function: READ_FUNCTIONS.holding, address: 0, count: 1 }, signal);
  } catch (error) {
    if (!(error instanceof ModbusException) || error.isSilence) throw error;
  }
  return { 'en-US': `unit ${unitId} answers`, 'pt-BR': `a unidade ${unitId} responde` };
}
