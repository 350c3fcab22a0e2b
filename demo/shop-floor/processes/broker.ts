import { createServer } from 'node:net';
import { type MachineTask, runMachine } from './machine-process';

/** The MQTT broker of the plant (3.1.1). What it keeps, it keeps in memory: a restart forgets sessions. */
async function start({ port }: MachineTask): Promise<void> {
  const { Aedes } = await import('aedes');
  const broker = await Aedes.createBroker();
  const socket = createServer(broker.handle);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
}

runMachine(start);
