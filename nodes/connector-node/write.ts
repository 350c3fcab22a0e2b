import type { NodeMessageInFlow } from 'node-red';
import { IntegrationError } from '../../lib/model/errors';
import { hub } from '../hub-access';
import { outcomeUnknown, type RecordFailure, recordFailure } from '../support/failure';
import { nameList, payloadRecords } from '../support/values';
import type { ConnectorNodeContext } from './connector-node';

/** Writes the records of one message, or deletes them; `msg.payload` stays, `msg.result` counts, `msg.errors` names what failed and why. */
export async function writeMessage(
  context: ConnectorNodeContext,
  msg: NodeMessageInFlow,
  send: (msg: NodeMessageInFlow) => void,
  signal: AbortSignal,
): Promise<void> {
  const { RED, def, status } = context;
  const entity = typeof msg.entity === 'string' && msg.entity ? msg.entity : def.entity;
  if (!entity) {
    throw new IntegrationError('config', 'PCP_ENTITY_MISSING', 'Neither the node nor msg.entity says where to write.', {
      path: 'entity',
      hint: 'Choose an entity in the node, or set msg.entity.',
    });
  }
  const keyFields = nameList(msg.keyFields ?? def.keyFields);
  const { records } = payloadRecords(msg.payload);
  const deletes = def.operation === 'delete';
  status.working(deletes ? 'deleting' : 'writing', { count: records.length });
  const connection = await context.connection.open();
  const { idempotencyKey } = msg;
  const message = { id: msg._msgid, ...(typeof idempotencyKey === 'string' && idempotencyKey && { idempotencyKey }) };
  const target = { entity, keyFields, message, ...(deletes && { deletes }) };
  const results = await (await hub(RED)).runner.write(connection, target, records, signal);

  const counts = { created: 0, updated: 0, unchanged: 0, deleted: 0, failed: 0 };
  const errors: RecordFailure[] = [];
  let first: IntegrationError | undefined;
  results.forEach((result, index) => {
    if (!('error' in result)) {
      counts[result.outcome] += 1;
      return;
    }
    counts.failed += 1;
    const error = result.outcome === 'unknown' ? outcomeUnknown(result.error) : result.error;
    first ??= error;
    errors.push(recordFailure(RED, index, records[index], error));
  });
  if (errors.length > 0) status.attention('failures', { count: errors.length });
  else status.finished(deletes ? 'deleted' : 'written', { count: records.length });

  msg.result = counts;
  if (errors.length > 0) msg.errors = errors;
  else delete msg.errors;
  if (first !== undefined && def.onError === 'error') throw first;
  send(msg);
}
