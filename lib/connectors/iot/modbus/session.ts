import { ModbusClient } from '../../../protocols/modbus/client';
import { RtuFraming, TcpFraming } from '../../../protocols/modbus/framing';
import { openSerial, openTcp } from '../../../protocols/modbus/line';
import { Holes } from '../../../protocols/modbus/poll-plan';
import type { ModbusSettings } from './settings';
import type { WriteGuard } from './write-guard';

/** One open line, and what was learnt of the devices on it. */
export interface Session {
  client: ModbusClient;
  holes: Holes;
  /** For messages. */
  name: string;
}

const CONNECT_LIMIT_MS = 5000;

export async function openSession(settings: ModbusSettings, guard: WriteGuard, signal: AbortSignal): Promise<Session> {
  const { transport, timeoutMs, maxInFlight, pauseMs } = settings;
  const line =
    transport.kind === 'rtu'
      ? await openSerial(transport.serial, CONNECT_LIMIT_MS, signal)
      : await openTcp(transport.host, transport.port, CONNECT_LIMIT_MS, signal);
  const client = new ModbusClient(line, transport.kind === 'tcp' ? new TcpFraming() : new RtuFraming(), {
    timeoutMs,
    maxInFlight,
    pauseMs,
    isReliable: transport.kind !== 'rtu',
    permitWrite: (unitId, request) => guard.permit(unitId, request),
  });
  return { client, holes: new Holes(), name: line.name };
}
