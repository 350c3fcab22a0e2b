import type { Node, NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';
import type { Mapped } from '../../lib/mapping/contract';
import { saidOfAll } from '../../lib/mapping/record-failure';
import { IntegrationError } from '../../lib/model/errors';
import type { Direction } from '../../lib/model/mapping';
import { hub } from '../hub-access';
import { mappingNode } from '../pcp-mapping/mapping-node';
import { answerMessages } from '../support/answer-messages';
import { recordFailure } from '../support/failure';
import { NodeStatusLine } from '../support/status';
import { type PlainRecord, payloadRecords } from '../support/values';

interface MapNodeDef extends NodeDef {
  mapping: string;
  /** Which way the mapping is applied; '' = the mapping's own direction, import for a bidirectional one. */
  direction: Direction | '';
}

type Outputs = [NodeMessageInFlow | null, NodeMessageInFlow | null];

/** Applies a mapping to the records of a message: output 1 what was mapped, output 2 what failed and why. */
export = (RED: NodeAPI): void => {
  function PcpMap(this: Node, def: MapNodeDef): void {
    RED.nodes.createNode(this, def);
    const status = new NodeStatusLine(RED, this);
    status.clear();

    answerMessages(RED, this, status, async (msg, signal) => {
      const { records, single } = payloadRecords(msg.payload);
      const mapping = await mappingNode(RED, def.mapping).registered();
      const own = mapping.direction === 'bidirectional' ? 'import' : mapping.direction;
      const direction = requestedDirection(msg.direction) ?? (def.direction || own);
      const mapped = await (await hub(RED)).runner.map(mapping, direction, records, signal);
      const outputs = sorted(RED, msg, records, single, mapped);
      const failed = mapped.filter((one) => one.outcome === 'failed').length;
      if (failed > 0) status.attention('failures', { count: failed });
      else status.finished('mapped', { count: records.length });
      return outputs;
    });
  }

  RED.nodes.registerType('pcp-map', PcpMap);
};

function requestedDirection(value: unknown): Direction | null {
  if (value === undefined || value === null || value === '') return null;
  if (value === 'import' || value === 'export') return value;
  throw new IntegrationError('config', 'PCP_DIRECTION_INVALID', 'msg.direction is neither "import" nor "export".', {
    path: 'direction',
  });
}

function sorted(
  RED: NodeAPI,
  msg: NodeMessageInFlow,
  records: PlainRecord[],
  single: boolean,
  mapped: Mapped[],
): Outputs {
  const good: PlainRecord[] = [];
  const failures = [];
  let filtered = 0;
  for (const one of mapped) {
    if (one.outcome === 'mapped') good.push(one.data);
    else if (one.outcome === 'filtered') filtered += 1;
    else {
      const { index, field, rule, value, error } = one;
      const whole = new IntegrationError(error.class, error.code, saidOfAll(one), { ...error.toJSON() });
      failures.push(recordFailure(RED, index, records[index], whole, { field, rule, value }));
    }
  }
  const failureMessage = failures.length > 0 ? RED.util.cloneMessage(msg) : null;
  if (failureMessage) failureMessage.payload = failures;
  const emptied = good.length === 0 && (single || failures.length > 0);
  if (emptied) return [null, failureMessage];
  msg.payload = single && good.length === 1 ? good[0] : good;
  msg.result = { mapped: good.length, filtered, failed: failures.length };
  return [msg, failureMessage];
}
