import { join } from 'node:path';
import { connectorFolders } from '../connector-folders';
import { IntegrationError } from '../model/errors';
import { phrase } from '../model/phrase';
import type { ConnectorFactory } from './contract';
import type { ConnectorDescriptor } from './descriptor';

export interface LoadedConnector {
  descriptor: ConnectorDescriptor;
  create: ConnectorFactory;
}

/**
 * Every connector has a folder here, at `family/system` or `platform`, with a `descriptor` and a `connector` module: a new
 * folder is all that a new connector needs. Descriptors load at once, connectors when first used.
 */
export class ConnectorRegistry {
  readonly descriptors: readonly ConnectorDescriptor[];
  private readonly folders = new Map<string, string>();

  constructor(root: string = __dirname) {
    const descriptors: ConnectorDescriptor[] = [];
    for (const folder of connectorFolders(root)) {
      const { descriptor } = require(join(folder, 'descriptor')) as { descriptor: ConnectorDescriptor };
      descriptors.push(descriptor);
      this.folders.set(descriptor.type, folder);
    }
    this.descriptors = descriptors.sort((a, b) => a.type.localeCompare(b.type, 'en'));
  }

  /** @throws config PCP_CONNECTOR_UNKNOWN */
  descriptor(type: string): ConnectorDescriptor {
    const descriptor = this.descriptors.find((candidate) => candidate.type === type);
    if (descriptor === undefined) throw this.unknown(type);
    return descriptor;
  }

  /** @throws config PCP_CONNECTOR_UNKNOWN */
  async load(type: string): Promise<LoadedConnector> {
    const folder = this.folders.get(type);
    if (folder === undefined) throw this.unknown(type);
    const { create } = require(join(folder, 'connector')) as { create: ConnectorFactory };
    return { descriptor: this.descriptor(type), create };
  }

  private unknown(type: string): IntegrationError {
    return new IntegrationError('config', 'PCP_CONNECTOR_UNKNOWN', phrase`There is no connector of type "${type}".`, {
      path: '/connector_type',
      hint: `Known types: ${this.descriptors.map((descriptor) => descriptor.type).join(', ')}.`,
    });
  }
}
