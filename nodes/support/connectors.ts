import { ConnectorRegistry } from '../../lib/connectors/registry';

/** Descriptors of all connectors: pure data, needed before there is a hub, to declare credentials and convert settings. */
export const { descriptors } = new ConnectorRegistry();
