import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { isPortFree } from '../node-red';

/** In the order in which they are started: what takes longest first. */
export const MACHINES = ['filling-line', 'energy-meter', 'broker', 'press'] as const;
export type MachineName = (typeof MACHINES)[number];

/** Ports after that of Node-RED. The press has none: it goes to the broker. */
const PORT_OFFSETS = { 'filling-line': 2, 'energy-meter': 3, broker: 4 } as const;
export type MachinePorts = Record<keyof typeof PORT_OFFSETS, number>;

export interface MachineEvents {
  off(name: MachineName, secondsUntilOn: number): void;
  on(name: MachineName, pid: number): void;
}

/**
 * The machines of the shop floor, each a process of its own: one that somebody kills is off for a while, as a machine whose
 * power was cut, and comes back.
 */
export class Machines {
  readonly #processes = new Map<MachineName, ChildProcess>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  #isStopping = false;

  private constructor(
    readonly ports: MachinePorts,
    private readonly directory: string,
    private readonly events: MachineEvents,
    private readonly offSeconds: number,
  ) {}

  /** They come up while Node-RED does. */
  static async start(
    directory: string,
    nodeRedPort: number,
    events: MachineEvents,
    offSeconds = 20,
  ): Promise<Machines> {
    const taken = new Set<number>();
    const ports = {} as MachinePorts;
    for (const [name, offset] of Object.entries(PORT_OFFSETS) as [keyof MachinePorts, number][]) {
      ports[name] = await freePortFrom(nodeRedPort + offset, taken);
    }
    const machines = new Machines(ports, directory, events, offSeconds);
    for (const name of MACHINES) machines.#switchOn(name);
    return machines;
  }

  /** Where it is to be reached, as people write it. */
  address(name: MachineName): string {
    switch (name) {
      case 'filling-line':
        return `opc.tcp://127.0.0.1:${this.ports[name]}`;
      case 'energy-meter':
        return `127.0.0.1:${this.ports[name]} (Modbus TCP)`;
      case 'broker':
        return `mqtt://127.0.0.1:${this.ports[name]}`;
      case 'press':
        return 'Sparkplug B';
    }
  }

  pid(name: MachineName): number | undefined {
    return this.#processes.get(name)?.pid;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const restart of this.#restarts) clearTimeout(restart);
    const running = [...this.#processes.values()].filter(
      ({ exitCode, signalCode }) => exitCode === null && !signalCode,
    );
    await Promise.all(
      running.map((machine) => {
        // One that was frozen does not hear anything else.
        machine.kill('SIGKILL');
        return new Promise((resolve) => machine.once('exit', resolve));
      }),
    );
  }

  #switchOn(name: MachineName): ChildProcess {
    const port = this.ports[name === 'press' ? 'broker' : name];
    const machine = fork(path.join(__dirname, 'processes', `${name}.js`), [String(port), this.directory], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#processes.set(name, machine);
    machine.once('exit', () => {
      if (this.#isStopping) return;
      this.events.off(name, this.offSeconds);
      const restart = setTimeout(() => {
        this.#restarts.delete(restart);
        this.events.on(name, this.#switchOn(name).pid ?? 0);
      }, this.offSeconds * 1000);
      this.#restarts.add(restart);
    });
    return machine;
  }
}

/** The same at each start, unless something else has it. */
async function freePortFrom(first: number, taken: Set<number>): Promise<number> {
  let port = first;
  while (taken.has(port) || !(await isPortFree(port))) port++;
  taken.add(port);
  return port;
}
