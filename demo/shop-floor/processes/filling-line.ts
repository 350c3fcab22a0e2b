import path from 'node:path';
import type * as address from 'node-opcua-address-space' with { 'resolution-mode': 'import' };
import type * as server from 'node-opcua-server' with { 'resolution-mode': 'import' };
import { opcUaLibrary } from '../../../lib/protocols/opcua/library';
import { SeededRandom } from '../../random';
import { DESIGN_SPEED, FILLING_URI, FillingLine, STATES } from '../filling-line';
import { type MachineTask, runMachine } from './machine-process';

const TICK_MS = 250;

/** The OPC UA server of the filling line. Anybody on this machine may come in, as nobody else can. */
async function start({ port, directory }: MachineTask): Promise<void> {
  const { ua, CertificateManager } = opcUaLibrary();
  const { OPCUAServer } = require('node-opcua-server') as typeof server;
  const { nodesets } = require('node-opcua-nodesets') as { nodesets: { standard: string } };
  const certificates = new CertificateManager({
    rootFolder: path.join(directory, 'filling-line'),
    automaticallyAcceptUnknownCertificate: true,
    disableFileWatchers: true,
  });
  const opcua = new OPCUAServer({
    port,
    host: '127.0.0.1',
    hostname: '127.0.0.1',
    allowAnonymous: true,
    securityPolicies: [ua.SecurityPolicy.None],
    securityModes: [ua.MessageSecurityMode.None],
    nodeset_filename: [nodesets.standard],
    serverInfo: { applicationUri: 'urn:plant.example:filling', productUri: 'urn:plant.example' },
    serverCertificateManager: certificates,
    userCertificateManager: certificates,
  } as server.OPCUAServerOptions);
  await opcua.initialize();
  const line = new FillingLine(new SeededRandom(Date.now()));
  const publish = addNodes(opcua.engine.addressSpace as unknown as address.AddressSpace, line);
  setInterval(() => {
    line.advance(TICK_MS / 1000);
    publish();
  }, TICK_MS);
  await opcua.start();
}

/** The line as PackTags: command, status and admin. @returns what tells the values of now */
function addNodes(space: address.AddressSpace, line: FillingLine): () => void {
  const { ua } = opcUaLibrary();
  const { DataType, StatusCodes } = ua;
  const namespace = space.registerNamespace(FILLING_URI);
  const unit = namespace.addObject({
    organizedBy: space.rootFolder.objects,
    browseName: 'FillingLine',
    nodeId: 's=FillingLine',
  });
  const tags: [group: string, name: string, type: 'Int32' | 'UInt32' | 'Double' | 'String', value: () => unknown][] = [
    ['Status', 'StateCurrent', 'Int32', () => STATES[line.state]],
    ['Status', 'StateName', 'String', () => line.state],
    ['Status', 'CurMachSpeed', 'Double', () => Math.round(line.speed * 10) / 10],
    ['Status', 'TankLevel', 'Double', () => Math.round(line.tankLevel * 10) / 10],
    ['Status', 'Temperature', 'Double', () => Math.round(line.temperature * 100) / 100],
    ['Admin', 'ProdConsumedCount', 'UInt32', () => line.consumed],
    ['Admin', 'ProdProcessedCount', 'UInt32', () => line.processed],
    ['Admin', 'ProdDefectiveCount', 'UInt32', () => line.defective],
    ['Admin', 'MachDesignSpeed', 'Double', () => DESIGN_SPEED],
  ];
  const groups = new Map(
    ['Command', 'Status', 'Admin'].map((name) => [
      name,
      namespace.addObject({ componentOf: unit, browseName: name, nodeId: `s=${name}` }),
    ]),
  );
  const updates = tags.map(([group, name, type, value]) => {
    const variable = namespace.addVariable({
      componentOf: groups.get(group),
      browseName: name,
      nodeId: `s=${group}.${name}`,
      dataType: type,
      accessLevel: 'CurrentRead',
      userAccessLevel: 'CurrentRead',
      value: { dataType: DataType[type], value: value() },
    } as address.AddVariableOptions);
    let told: unknown;
    return () => {
      const now = value();
      if (now === told) return;
      told = now;
      variable.setValueFromSource({ dataType: DataType[type], value: now }, StatusCodes.Good, new Date());
    };
  });
  namespace.addVariable({
    componentOf: groups.get('Command'),
    browseName: 'MachSpeed',
    nodeId: 's=Command.MachSpeed',
    dataType: 'Double',
    value: {
      get: () => new ua.Variant({ dataType: DataType.Double, value: line.speedSetpoint }),
      set: (variant: { value: number }) => {
        if (!(variant.value >= 0 && variant.value <= DESIGN_SPEED)) return StatusCodes.BadOutOfRange;
        line.speedSetpoint = variant.value;
        return StatusCodes.Good;
      },
    },
  } as unknown as address.AddVariableOptions);
  return () => {
    for (const update of updates) update();
  };
}

runMachine(start);
