import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BenchNodeRed } from '../support/node-red';

/** The last version whose dependencies are all in the npm registry. */
const PACKAGE = 'node-red-contrib-modbus';
const VERSION = '5.23.3';

/** A Node-RED with the flow that its users write: one message for each tag into a Modbus-Flex-Getter. */
export class ContribModbus {
  private constructor(
    private readonly directory: string,
    private readonly nodeRed: BenchNodeRed,
  ) {}

  /** Installs the package for the time of the benchmark. @throws when the registry cannot be reached */
  static async start(port: number, addresses: number[]): Promise<ContribModbus> {
    const directory = mkdtempSync(path.join(tmpdir(), 'pcp-bench-contrib-'));
    const options = [
      '--prefix',
      directory,
      '--ignore-scripts',
      '--omit=optional',
      '--no-audit',
      '--no-fund',
      '--silent',
    ];
    execFileSync('npm', ['install', ...options, `${PACKAGE}@${VERSION}`], { stdio: ['ignore', 'ignore', 'inherit'] });
    const nodeRed = await BenchNodeRed.start({
      flows: flowOf(port, addresses),
      withPackage: false,
      packages: { [PACKAGE]: path.join(directory, 'node_modules', PACKAGE) },
    });
    // What is asked before the device is connected is never answered.
    while (!(await answers(`${nodeRed.base}/bench/ready`)));
    return new ContribModbus(directory, nodeRed);
  }

  /** The values of one poll, in the order of their addresses. */
  poll(): Promise<number[]> {
    return this.nodeRed.get<number[]>('/bench/poll');
  }

  async stop(): Promise<void> {
    await this.nodeRed.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => null);
  return response?.ok === true;
}

function flowOf(port: number, addresses: number[]): object[] {
  const asking = `flow.set('poll', { msg, values: [] });
    return [${JSON.stringify(addresses)}.map((address) => ({ payload: { fc: 3, unitid: 1, address, quantity: 1 } }))];`;
  const answered = `const { msg: request, values } = flow.get('poll');
    values.push(msg.payload[0]);
    if (values.length < ${addresses.length}) return null;
    request.payload = values;
    return request;`;
  const looking = 'msg.payload = { fc: 3, unitid: 1, address: 0, quantity: 1 }; return msg;';
  const z = 'bench';
  const at = { z, x: 100, y: 100 };
  return [
    { id: 'bench', type: 'tab', label: 'bench' },
    {
      id: 'device',
      type: 'modbus-client',
      name: '',
      clienttype: 'tcp',
      bufferCommands: true,
      stateLogEnabled: false,
      queueLogEnabled: false,
      failureLogEnabled: false,
      tcpHost: '127.0.0.1',
      tcpPort: port,
      tcpType: 'DEFAULT',
      serialConnectionDelay: '100',
      unit_id: 1,
      commandDelay: 1,
      clientTimeout: 5000,
      reconnectOnTimeout: true,
      reconnectTimeout: 2000,
      parallelUnitIdsAllowed: true,
    },
    { ...at, id: 'ready', type: 'http in', url: '/bench/ready', method: 'get', wires: [['look']] },
    { ...at, id: 'look', type: 'function', func: looking, outputs: 1, libs: [], wires: [['get-one']] },
    {
      ...at,
      id: 'get-one',
      type: 'modbus-flex-getter',
      server: 'device',
      keepMsgProperties: true,
      wires: [['answer'], []],
    },
    { ...at, id: 'in', type: 'http in', url: '/bench/poll', method: 'get', wires: [['ask']] },
    { ...at, id: 'ask', type: 'function', func: asking, outputs: 1, libs: [], wires: [['get']] },
    { ...at, id: 'get', type: 'modbus-flex-getter', server: 'device', emptyMsgOnFail: false, wires: [['count'], []] },
    { ...at, id: 'count', type: 'function', func: answered, outputs: 1, libs: [], wires: [['answer']] },
    { ...at, id: 'answer', type: 'http response', wires: [] },
  ];
}
