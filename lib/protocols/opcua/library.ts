import { createRequire } from 'node:module';
import type { OPCUACertificateManager } from 'node-opcua-certificate-manager' with { 'resolution-mode': 'import' };
import type * as client from 'node-opcua-client' with { 'resolution-mode': 'import' };
import { IntegrationError } from '../../model/errors';
import { loadPackage } from '../load-package';

export type {
  ClientMonitoredItem,
  ClientMonitoredItemGroup,
  ClientReverseConnect,
  ClientSession,
  ClientSubscription,
  DataValue,
  EndpointDescription,
  ExtensionObject,
  HistoryReadDetails,
  NodeId,
  OPCUAClient,
  StatusCode,
  UserIdentityInfo,
  Variant,
  VariantOptions,
  WriteResponse,
} from 'node-opcua-client' with { 'resolution-mode': 'import' };
export type { OPCUACertificateManager };

export interface OpcUaLibrary {
  ua: typeof client;
  CertificateManager: typeof OPCUACertificateManager;
}

const SHORTEST_TIMEOUT_MS = 100;
const NEEDED_NODE = [22, 13] as const;

let library: OpcUaLibrary | undefined;

/**
 * The OPC UA library, loaded when it is first needed: it takes most of a second and over 100 MB. Its own log lines are
 * silenced first, since what they say reaches users as errors of ours.
 * @throws config PCP_DRIVER_MISSING, PCP_OPCUA_NODE_VERSION
 */
export function opcUaLibrary(): OpcUaLibrary {
  library ??= load();
  return library;
}

function load(): OpcUaLibrary {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < NEEDED_NODE[0] || (major === NEEDED_NODE[0] && minor < NEEDED_NODE[1])) {
    throw new IntegrationError(
      'config',
      'PCP_OPCUA_NODE_VERSION',
      `OPC UA needs Node.js 22.13, this is ${process.version}.`,
      {
        hint: 'Update Node.js; everything else goes on working without.',
      },
    );
  }
  const debug = loadSibling<{ setLogLevel(level: number): void }>('node-opcua-debug');
  debug.setLogLevel(0);
  const ua = loadPackage<typeof client>('node-opcua-client');
  // Otherwise no limit of a connection below 5 s would count.
  ua.ClientSecureChannelLayer.minTransactionTimeout = SHORTEST_TIMEOUT_MS;
  return {
    ua,
    CertificateManager: loadSibling<{ OPCUACertificateManager: typeof OPCUACertificateManager }>(
      'node-opcua-certificate-manager',
    ).OPCUACertificateManager,
  };
}

/** A package that node-opcua-client brings along, wherever the installer put it. */
function loadSibling<T>(name: string): T {
  try {
    return createRequire(require.resolve('node-opcua-client'))(name) as T;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause;
    loadPackage('node-opcua-client');
    throw cause;
  }
}
