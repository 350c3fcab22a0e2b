import type { NodeAPI } from 'node-red';

import { IntegrationError } from '../../lib/model/errors';
import type { ConnectionView } from '../../lib/model/services';
import { Outage } from '../../lib/outage';
import { hub, hubClosing, openedHub } from '../hub-access';
import { descriptors } from '../support/connectors';
import { nodeFailure } from '../support/failure';
import { withUniqueName } from '../support/unique-name';
import { jsonProperty } from '../support/values';
import { settleWithin } from '../support/work-queue';
import type { ConnectionNode, ConnectionNodeDef } from './connection-node';
import { coerceSettings, requireSecrets, secretNames } from './settings';

/** A config node: its settings become a row of the hub that this flow owns, its secrets stay Node-RED credentials. */
export = (RED: NodeAPI): void => {
  async function register(node: ConnectionNode, def: ConnectionNodeDef): Promise<ConnectionView> {
    const open = await hub(RED);
    const descriptor = open.descriptors.find((candidate) => candidate.type === def.connectorType);
    if (!descriptor) {
      throw new IntegrationError('config', 'PCP_CONNECTOR_UNKNOWN', `There is no connector "${def.connectorType}".`, {
        path: '/connector_type',
        hint: 'Open the connection and choose a connector.',
      });
    }
    const config = coerceSettings(descriptor, def.config ?? {});
    const secrets = Object.entries(node.credentials ?? {}).filter(
      (entry): entry is [string, string] => descriptor.settings[entry[0]]?.kind === 'secret' && Boolean(entry[1]),
    );
    const credentials = Object.fromEntries(secrets);
    requireSecrets(descriptor, config, credentials);
    const name = def.name || `${descriptor.title['en-US']} ${node.id}`;
    return withUniqueName(name, node.id, (unique) =>
      open.connections.registerFlow(node.id, {
        name: unique,
        connector_type: def.connectorType,
        description: def.description || null,
        timezone: def.timezone || null,
        schedule: def.schedule || null,
        schedule_options: jsonProperty(def.scheduleOptions, 'schedule options', {}),
        config,
        is_active: true,
        credentials,
      }),
    );
  }

  function PcpConnection(this: ConnectionNode, def: ConnectionNodeDef): void {
    RED.nodes.createNode(this, def);
    let registration: Promise<ConnectionView> | null = null;
    this.connectorType = def.connectorType;
    this.outage = new Outage('The connection', (level, message) => this[level === 'info' ? 'log' : level](message));
    this.registered = () => {
      if (!registration) {
        registration = register(this, def).catch(async (thrown: unknown) => {
          registration = null;
          // Nothing runs with earlier settings while those that are deployed are wrong.
          if (IntegrationError.from(thrown).class === 'config') await release(this.id, true);
          throw thrown;
        });
      }
      return registration;
    };
    this.open = async () => {
      const view = await this.registered();
      return (await hub(RED)).connections.open(view.id);
    };
    this.registered().catch((error) => this.error(nodeFailure(RED, error), {}));

    this.on('close', (removed: boolean, done: () => void) => {
      settleWithin(release(this.id, removed), 4_000).then(done);
    });
  }

  async function release(nodeId: string, removed: boolean): Promise<void> {
    const closing = hubClosing();
    if (closing) return closing;
    const opened = removed ? openedHub() : null;
    if (opened) await (await opened).connections.releaseFlow(nodeId);
  }

  RED.nodes.registerType('pcp-connection', PcpConnection, {
    credentials: Object.fromEntries(secretNames(descriptors).map((name) => [name, { type: 'password' as const }])),
  });
};
