import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ErrorClass, IntegrationError } from '../../model/errors';
import { loadPackage } from '../load-package';

/** What bytes go through: a TCP connection or a serial line. */
export interface Line {
  stream: Duplex;
  /** For messages: "10.0.0.5:502", "/dev/ttyUSB0". */
  name: string;
  close(): Promise<void>;
  /** Closes it at once, and takes back what has been written and not sent yet. Absent where there is no such thing. */
  reset?(): void;
}

export interface SerialOptions {
  path: string;
  baudRate: number;
  dataBits: 7 | 8;
  parity: 'none' | 'even' | 'odd';
  stopBits: 1 | 2;
}

/** @throws transient PCP_CONNECT_HOST_UNKNOWN, PCP_CONNECT_REFUSED, PCP_CONNECT_UNREACHABLE, PCP_CONNECT_TIMEOUT */
export async function openTcp(host: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<Line> {
  signal.throwIfAborted();
  const name = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const late = setTimeout(() => reject(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })), timeoutMs);
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  socket.once('connect', resolve);
  socket.on('error', reject);
  try {
    await promise;
    return {
      stream: socket,
      name,
      close: async () => void socket.destroy(),
      reset: () => void socket.resetAndDestroy(),
    };
  } catch (thrown) {
    socket.destroy();
    throw tcpError(thrown, host, name);
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', abort);
  }
}

function tcpError(thrown: unknown, host: string, name: string): IntegrationError {
  const fails = (code: string, message: string, hint: string, errorClass: ErrorClass = 'transient') =>
    new IntegrationError(errorClass, code, message, { hint, path: '/config/host', cause: thrown });
  switch ((thrown as NodeJS.ErrnoException).code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return fails(
        'PCP_CONNECT_HOST_UNKNOWN',
        `The host name "${host}" cannot be resolved.`,
        'Check its spelling and the DNS of this machine.',
      );
    case 'ECONNREFUSED':
      return fails(
        'PCP_CONNECT_REFUSED',
        `Nothing answers at ${name}.`,
        'Check host and port, and that Modbus TCP is switched on in the device.',
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return fails('PCP_CONNECT_UNREACHABLE', `There is no way to ${name}.`, 'Check the network, routes and VPN.');
    case 'ETIMEDOUT':
      return fails(
        'PCP_CONNECT_TIMEOUT',
        `${name} cannot be connected to in time.`,
        'Check host and port, and whether a firewall swallows the connection.',
      );
    case 'ECONNRESET':
      return fails(
        'PCP_CONNECT_LOST',
        `${name} hung up at once.`,
        'Many devices take one connection only: close the other one.',
      );
  }
  return IntegrationError.from(thrown);
}

interface SerialPort extends Duplex {
  open(done: (error: Error | null) => void): void;
  close(done: (error: Error | null) => void): void;
}

interface SerialPackage {
  SerialPort: new (options: SerialOptions & { autoOpen: boolean; lock: boolean }) => SerialPort;
}

const CLOSE_LIMIT_MS = 2000;

/**
 * @throws transient PCP_MODBUS_SERIAL_PORT when the line cannot be opened
 * @throws config PCP_DRIVER_MISSING without the package that speaks to serial ports
 */
export async function openSerial(options: SerialOptions, timeoutMs: number, signal: AbortSignal): Promise<Line> {
  signal.throwIfAborted();
  const { SerialPort } = loadPackage<SerialPackage>('serialport');
  const port = new SerialPort({ ...options, autoOpen: false, lock: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const late = setTimeout(() => reject(new Error('it does not open in time')), timeoutMs);
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  port.on('error', reject);
  port.open((error) => (error ? reject(error) : resolve()));
  try {
    await promise;
    return { stream: port, name: options.path, close: () => closeSerial(port) };
  } catch (thrown) {
    // It may open after all.
    port.once('open', () => closeSerial(port));
    if (signal.aborted) throw IntegrationError.from(thrown);
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new IntegrationError(
      // An adapter that was pulled out comes back.
      'transient',
      'PCP_MODBUS_SERIAL_PORT',
      `The serial port ${options.path} cannot be opened: ${why}.`,
      {
        path: '/config/serial_port',
        hint: 'Check the name of the port, that Node-RED may use it (group dialout), and that no other program has it open.',
        cause: thrown,
      },
    );
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', abort);
  }
}

/** A port may never say that it is closed. */
async function closeSerial(port: SerialPort): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const late = setTimeout(resolve, CLOSE_LIMIT_MS);
  port.close(() => resolve());
  await promise;
  clearTimeout(late);
  port.destroy();
}
