import type * as address from 'node-opcua-address-space' with { 'resolution-mode': 'import' };
import type * as server from 'node-opcua-server' with { 'resolution-mode': 'import' };
import { opcUaLibrary } from '../../lib/protocols/opcua/library';

export interface PlantTask {
  port: number;
  directory: string;
  tags: number;
}

const { ua, CertificateManager } = opcUaLibrary();

/** A server whose tags have a new value, with the time of that moment, whenever it looks at them. */
async function serve({ port, directory, tags }: PlantTask): Promise<void> {
  const { OPCUAServer } = require('node-opcua-server') as typeof server;
  const { nodesets } = require('node-opcua-nodesets') as { nodesets: { standard: string } };
  const manager = new CertificateManager({ rootFolder: directory, disableFileWatchers: true });
  const opcua = new OPCUAServer({
    port,
    hostname: '127.0.0.1',
    allowAnonymous: true,
    nodeset_filename: [nodesets.standard],
    serverCertificateManager: manager,
    userCertificateManager: manager,
    securityPolicies: [ua.SecurityPolicy.None],
    securityModes: [ua.MessageSecurityMode.None],
    serverCapabilities: { maxMonitoredItems: tags, maxMonitoredItemsPerSubscription: tags },
  } as server.OPCUAServerOptions);
  await opcua.initialize();
  const space = opcua.engine.addressSpace as unknown as address.AddressSpace;
  const namespace = space.getOwnNamespace();
  const folder = namespace.addFolder(space.rootFolder.objects, { browseName: 'Line' });
  let count = 0;
  for (let n = 0; n < tags; n++) {
    namespace.addVariable({
      organizedBy: folder,
      browseName: `T${n}`,
      nodeId: `s=${n}`,
      dataType: 'Double',
      value: {
        timestamped_get: () =>
          new ua.DataValue({
            value: { dataType: ua.DataType.Double, value: count++ },
            sourceTimestamp: new Date(),
          }),
      },
    } as unknown as address.AddVariableOptions);
  }
  await opcua.start();
}

process.on('disconnect', () => process.exit());
process.once('message', (task: PlantTask) => {
  serve(task).then(
    () => process.send?.('ready'),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
});
