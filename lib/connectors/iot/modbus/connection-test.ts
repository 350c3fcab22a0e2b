import { IntegrationError } from '../../../model/errors';
import { ModbusException } from '../../../protocols/modbus/errors';
import { READ_FUNCTIONS } from '../../../protocols/modbus/pdu';
import type { TestDetail, TestReport, TestStep, TestStepName } from '../../contract';
import type { Session } from './session';
import type { ModbusSettings } from './settings';

/** All steps together; the contract allows 10 s. */
const LIMIT_MS = 9000;

/**
 * Opens the line and asks the first tag, or the first holding register where there is no tag: then a refusal is an answer too.
 * @param open reads the settings and opens the line; may throw
 */
export async function testConnection(
  open: (signal: AbortSignal) => Promise<{ session: Session; settings: ModbusSettings }>,
  signal: AbortSignal,
): Promise<TestReport> {
  const started = performance.now();
  const steps: TestStep[] = [];
  const pass = (name: TestStepName, detail: TestDetail) => steps.push({ name, ok: true, detail });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  let step: TestStepName = 'resolve';
  try {
    const { session, settings } = await open(limit);
    pass('resolve', session.name);
    pass('connect', session.name);
    step = 'read';
    pass('read', await readOne(session, settings, limit));
  } catch (thrown) {
    const error = explained(thrown);
    steps.push({ name: failedStep(error, step), ok: false, error: error.toJSON() });
  }
  return { ok: steps.every(({ ok }) => ok), steps, duration_ms: Math.round(performance.now() - started) };
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

function explained(thrown: unknown): IntegrationError {
  const error = IntegrationError.from(thrown);
  if (error.hint !== undefined) return error;
  return new IntegrationError(error.class, error.code, error.message, {
    hint: 'Try the device with a tool such as mbpoll.',
    cause: error,
  });
}

function failedStep({ class: errorClass, code }: IntegrationError, step: TestStepName): TestStepName {
  if (step === 'read' || errorClass === 'cancelled' || code === 'PCP_CONNECT_HOST_UNKNOWN') return step;
  return code.startsWith('PCP_CONNECT_') || code === 'PCP_MODBUS_SERIAL_PORT' ? 'connect' : step;
}
