/** Where a machine is to be reached, and where it keeps what it needs; told by who starts it. */
export interface MachineTask {
  port: number;
  directory: string;
}

/** To be called once by a machine's file. It ends with the process that started it, however that ends. */
export function runMachine(start: (task: MachineTask) => Promise<void>): void {
  process.on('disconnect', () => process.exit());
  // Ctrl+C reaches all processes of a terminal: Node-RED lets go of the machines first.
  process.on('SIGINT', () => undefined);
  const [, , port, directory = ''] = process.argv;
  start({ port: Number(port), directory }).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
}
