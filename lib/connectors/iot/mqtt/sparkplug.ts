import type { EntityInfo } from '../../../model/entity';
import type { MqttOptions } from '../../../protocols/mqtt/options';
import { SparkplugEdgeNode } from '../../../protocols/sparkplug/edge-node/edge-node';
import { SparkplugHost } from '../../../protocols/sparkplug/host/host';
import type { ConnectorEnvironment, EntityDescription, WriteGuarantee, WriteTarget } from '../../contract';
import type { BrowseNode, LiveEvent, Subscription, TagValue, TagWrite, TagWriteResult } from '../../live';
import { writeRefused } from '../../write-refused';
import { descriptor } from './descriptor';
import type { KnownEdgeNodes } from './known-edge-nodes';
import type { MqttSettings, Role } from './settings';
import { Shared } from './shared';
import { EdgeNodeConnections } from './sparkplug-edge-node-connections';
import { HostConnection } from './sparkplug-host';
import { required, SPARKPLUG } from './sparkplug-settings';
import { subscribeToSparkplug } from './sparkplug-subscribe';
import { browseSparkplug, readSparkplugTags, writeSparkplugTags } from './sparkplug-tags';
import { SparkplugWriter } from './sparkplug-writer';

/** How long the first birth may take when somebody browses. */
const FIRST_BIRTH_MS = 2000;
const HOST_HINT = 'Choose passive, active or primary: then the hub listens to edge nodes.';

const VALUE_FIELDS: EntityDescription['schema'] = {
  type: 'object',
  properties: {
    tag: { type: 'string' },
    value: {},
    quality: { enum: ['good', 'uncertain', 'bad'] },
    status: { type: 'string' },
    source_timestamp: { type: ['string', 'null'], format: 'date-time' },
    received_at: { type: 'string', format: 'date-time' },
    unit: { type: 'string' },
    backfilled: { type: 'boolean' },
    transient: { type: 'boolean' },
    row: { type: 'integer' },
    data_type: { type: 'string' },
    group_id: { type: 'string' },
    edge_node_id: { type: 'string' },
    device_id: { type: 'string' },
    metric: { type: 'string' },
  },
};

/** Both ends of Sparkplug at one broker: a host that listens to edge nodes, and an edge node that publishes records. */
export class Sparkplug {
  readonly #settings: MqttSettings;
  readonly #log: ConnectorEnvironment['log'];
  readonly #known: KnownEdgeNodes;
  readonly #host: SparkplugHost | undefined;
  readonly #hostConnection: Shared<HostConnection>;
  readonly #nodeConnections: EdgeNodeConnections;

  /** @throws config PCP_SPARKPLUG_ID */
  constructor(
    settings: MqttSettings,
    options: (role: Role) => MqttOptions,
    known: KnownEdgeNodes,
    log: ConnectorEnvironment['log'],
    closing: AbortSignal,
  ) {
    const { host, edgeNode } = settings.sparkplug;
    // After a restart no number should be that of the last connection, whose death may come late.
    const bdSeq = Math.floor(Date.now() / 1000) % 256;
    const node = edgeNode && new SparkplugEdgeNode({ ...edgeNode, bdSeq, walks: settings.servers > 1 });
    this.#settings = settings;
    this.#log = log;
    this.#known = known;
    this.#host = host && new SparkplugHost(host);
    known.track(() => this.#host?.lastValues() ?? []);
    this.#hostConnection = new Shared(
      async () => HostConnection.open(this.#required(), known, options('sparkplug'), log, closing),
      (connection) => connection.ended,
    );
    this.#nodeConnections = new EdgeNodeConnections(
      () => requiredNode(node),
      () => options('sparkplug-edge'),
      log,
      closing,
    );
  }

  get isHost(): boolean {
    return this.#host !== undefined;
  }

  /** Topics that it listens to. */
  get filters(): string[] {
    return this.#host?.subscriptions().map(({ filter }) => filter) ?? [];
  }

  entities(): EntityInfo[] {
    const { edgeNode } = this.#settings.sparkplug;
    if (!this.isHost && edgeNode === undefined) return [];
    const writable = edgeNode !== undefined && this.#settings.writesEnabled;
    return [{ name: SPARKPLUG, kind: 'topic', key: ['tag', 'source_timestamp'], readable: this.isHost, writable }];
  }

  describe(): EntityDescription {
    const [info] = this.entities();
    return { info: required(info, 'sparkplug_role', HOST_HINT), schema: VALUE_FIELDS };
  }

  subscribe(subscription: Subscription, signal: AbortSignal): AsyncIterable<LiveEvent> {
    return subscribeToSparkplug(subscription, this.#required(), this.#connect, this.#log, signal);
  }

  async readTags(tags: readonly string[], signal: AbortSignal): Promise<TagValue[]> {
    return readSparkplugTags(tags, this.#required(), await this.#connect(signal), signal);
  }

  async writeTags(writes: readonly TagWrite[], signal: AbortSignal): Promise<TagWriteResult[]> {
    return writeSparkplugTags(writes, this.#settings, this.#required(), this.#connect, signal);
  }

  async browse(parent: string | null, signal: AbortSignal): Promise<BrowseNode[]> {
    const host = this.#required();
    const connection = await this.#connect(signal);
    const isKnown = () => !host.metrics().next().done;
    await connection.until(isKnown, AbortSignal.any([signal, AbortSignal.timeout(FIRST_BIRTH_MS)]));
    signal.throwIfAborted();
    return browseSparkplug(parent, host);
  }

  /** @throws permission PCP_WRITE_REFUSED, config PCP_SETTING_MISSING */
  writer(target: Pick<WriteTarget, 'keyFields'>): SparkplugWriter {
    const { edgeNode, metrics, onlineField } = this.#settings.sparkplug;
    const node = requiredNode(edgeNode);
    if (!this.#settings.writesEnabled) {
      throw writeRefused(`"${SPARKPLUG}"`, '/config/writes_enabled', 'Turn "writes_enabled" on in the connection.');
    }
    return new SparkplugWriter((signal) => this.#nodeConnections.get(signal), target, node, { metrics, onlineField });
  }

  /** The last value of a metric counts, however often it came. */
  guarantee(): WriteGuarantee {
    return { ...descriptor.writes!, upsertByKey: true };
  }

  async close(): Promise<void> {
    // As they were last told: nobody hears any more that they are stale without a connection.
    this.#known.close();
    await Promise.all([this.#hostConnection.close(), this.#nodeConnections.close()]);
  }

  readonly #connect = (signal: AbortSignal): Promise<HostConnection> => this.#hostConnection.get(signal);

  #required(): SparkplugHost {
    return required(this.#host, 'sparkplug_role', HOST_HINT);
  }
}

function requiredNode<T>(node: T | undefined): T {
  return required(node, 'sparkplug_edge_node_id', 'Give the group and the edge node to publish as.');
}
