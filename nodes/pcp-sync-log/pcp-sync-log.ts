import type { Node, NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';
import { type Locale, spoken } from '../../lib/locales/catalogue';
import { spokenLog } from '../../lib/locales/runs';
import type { DeadLetterFilter, Hub, PageRequest, Sync } from '../../lib/model/services';
import { hub } from '../hub-access';
import { connectionNode } from '../pcp-connection/connection-node';
import { mappingNode } from '../pcp-mapping/mapping-node';
import { answerMessages } from '../support/answer-messages';
import { runtimeLocale } from '../support/failure';
import { NodeStatusLine } from '../support/status';
import { isPlainRecord, numberProperty } from '../support/values';

type What = 'logs' | 'dead_letters' | 'groups';

interface SyncLogNodeDef extends NodeDef {
  what: What;
  connection: string;
  mapping: string;
  /** Logs: in_progress, success, error; dead letters: open, replaying, resolved, discarded, superseded; '' = all. */
  state: string;
  limit: string | number;
}

type Filter = Parameters<Sync['logs']>[0] & DeadLetterFilter & PageRequest;

/** Puts sync logs, dead letters or their groups into `msg.payload`; `msg.filter` narrows further. */
export = (RED: NodeAPI): void => {
  function PcpSyncLog(this: Node, def: SyncLogNodeDef): void {
    RED.nodes.createNode(this, def);
    const status = new NodeStatusLine(RED, this);
    status.clear();

    const filterOf = async (msg: NodeMessageInFlow): Promise<Filter> => {
      const filter: Filter = { limit: numberProperty(def.limit, { fallback: 100, minimum: 1, maximum: 1_000 }) };
      if (def.mapping) filter.mapping_id = (await mappingNode(RED, def.mapping).registered()).id;
      else if (def.connection) filter.connection_id = (await connectionNode(RED, def.connection).registered()).id;
      if (def.state && def.what === 'logs') filter.status = def.state;
      else if (def.state) filter.state = def.state as NonNullable<DeadLetterFilter['state']>;
      return isPlainRecord(msg.filter) ? { ...filter, ...msg.filter } : filter;
    };

    answerMessages(RED, this, status, async (msg) => {
      const { items, total } = await query(await hub(RED), def.what, await filterOf(msg), runtimeLocale(RED));
      msg.payload = items;
      msg.total = total;
      status.finished('found', { count: total });
      return msg;
    });
  }

  RED.nodes.registerType('pcp-sync-log', PcpSyncLog);
};

async function query(
  open: Hub,
  what: What,
  filter: Filter,
  locale: Locale,
): Promise<{ items: unknown[]; total: number }> {
  if (what === 'logs') {
    const { items, total } = await open.sync.logs(filter);
    return { items: items.map((log) => spokenLog(log, locale)), total };
  }
  if (what === 'dead_letters') {
    const { items, total } = await open.sync.deadLetters(filter);
    return { items: items.map((letter) => spoken(letter, locale)), total };
  }
  const { limit, cursor, ...selection } = filter;
  const groups = await open.sync.deadLetterGroups(selection);
  return { items: groups.map((group) => spoken(group, locale)), total: groups.length };
}
