import { createServer } from 'node:net';
import { REGISTERS, readMeter, writeRegisters } from '../meter';
import { type MachineTask, runMachine } from './machine-process';

const TICK_MS = 500;

/** The energy meter of the plant, by Modbus TCP. */
async function start({ port }: MachineTask): Promise<void> {
  const { server: servers } = await import('jsmodbus');
  // Who asked may be gone when the answer is ready.
  const socket = createServer((connection) => connection.on('error', () => connection.destroy()));
  const input = Buffer.alloc(REGISTERS * 2);
  const measure = () => writeRegisters(input, readMeter(Date.now()));
  measure();
  setInterval(measure, TICK_MS);
  new servers.TCP(socket, { input });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
}

runMachine(start);
