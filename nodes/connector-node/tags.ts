import type { NodeAPI, NodeMessageInFlow } from 'node-red';
import type { TagWrite, TagWritePlan, TagWriteResult } from '../../lib/connectors/live';
import { IntegrationError } from '../../lib/model/errors';
import { hub } from '../hub-access';
import { actorOf } from '../support/actor';
import { outcomeUnknown, recordFailure } from '../support/failure';
import { isPlainRecord, tagList } from '../support/values';
import type { ConnectorNodeContext } from './connector-node';
import { timeLeft } from './valid-for';

type Send = (msg: NodeMessageInFlow) => void;

/** Values now, of the tags of the message or of the node. */
export async function readTagsMessage(
  { RED, def, status, connection }: ConnectorNodeContext,
  msg: NodeMessageInFlow,
  send: Send,
  signal: AbortSignal,
): Promise<void> {
  const tags = tagList((msg as { tags?: unknown }).tags ?? def.tags);
  if (tags.length === 0) throw tagsMissing('what to read');
  status.working('opening');
  const opened = await connection.open();
  const values = await (await hub(RED)).live.readTags(opened, tags, signal);
  const bad = values.filter(({ quality }) => quality === 'bad').length;
  if (bad > 0) status.attention('failures', { count: bad });
  else status.finished('read', { count: values.length });
  send(Object.assign(msg, { payload: values }));
}

/**
 * Sets values of a machine, each at most once. A message that waited in front of the node for longer than it is valid is not
 * written any more.
 * @param receivedAt when the message came
 */
export async function writeTagsMessage(
  { RED, node, def, status, connection }: ConnectorNodeContext,
  msg: NodeMessageInFlow,
  send: Send,
  signal: AbortSignal,
  receivedAt: number,
): Promise<void> {
  const writes = writesOf(msg, tagList((msg as { tags?: unknown }).tags ?? def.tags));
  const dryRun = (msg as { dryRun?: unknown }).dryRun ?? false;
  if (dryRun !== false) {
    const plans = await (await hub(RED)).live.planTags(await connection.open(), writes, signal);
    const refused = plans.filter(({ outcome }) => outcome === 'failed').length;
    if (refused > 0) status.attention('failures', { count: refused });
    else status.finished('planned', { count: plans.length });
    tell(RED, msg, { planned: plans.length - refused, failed: refused }, writes, plans);
    send(msg);
    return;
  }
  const validForMs = timeLeft(msg, def, receivedAt);
  status.working('writing', { count: writes.length });
  const opened = await connection.open();
  const { live } = await hub(RED);
  const results = await live
    .writeTags(opened, writes, { by: actorOf(node), validForMs }, signal)
    .catch((thrown) => refusedAll(writes, thrown));
  const failed = results.filter((result) => result.outcome !== 'written');
  const unverified = results.filter((result) => result.outcome === 'written' && !result.verified).length;
  if (failed.length > 0) status.attention('failures', { count: failed.length });
  else if (unverified > 0) status.attention('unverified', { count: unverified });
  else status.finished('written', { count: results.length });
  const count = (outcome: TagWriteResult['outcome']) => results.filter((result) => result.outcome === outcome).length;
  const result = { written: count('written'), failed: count('failed'), unknown: count('unknown'), unverified };
  tell(RED, msg, result, writes, results);
  const [first] = failed;
  if (first !== undefined && def.onError === 'error') throw errorOf(first);
  send(msg);
}

/** One write that is not allowed refuses those that came with it: each of them failed for it. */
function refusedAll(writes: TagWrite[], thrown: unknown): TagWriteResult[] {
  const error = IntegrationError.from(thrown);
  if (error.code !== 'PCP_WRITE_REFUSED') throw thrown;
  return writes.map(({ tag }) => ({ tag, outcome: 'failed', error }));
}

function errorOf({
  outcome,
  error,
}: Exclude<TagWriteResult | TagWritePlan, { outcome: 'written' | 'planned' }>): IntegrationError {
  return outcome === 'unknown' ? outcomeUnknown(error) : error;
}

/** Errors of results travel in `msg.errors`. */
function tell(
  RED: NodeAPI,
  msg: NodeMessageInFlow,
  result: Record<string, number>,
  writes: readonly TagWrite[],
  results: readonly (TagWriteResult | TagWritePlan)[],
): void {
  const plain = results.map((each) => ('error' in each ? { tag: each.tag, outcome: each.outcome } : { ...each }));
  const errors = results.flatMap((each, index) =>
    'error' in each ? [recordFailure(RED, index, { ...writes[index] }, errorOf(each))] : [],
  );
  Object.assign(msg, { result, results: plain });
  if (errors.length > 0) Object.assign(msg, { errors });
  else delete (msg as { errors?: unknown }).errors;
}

/** `{tag: value}`, a list of `{tag, value}`, or the plain value of the one tag that is named. */
function writesOf({ payload }: NodeMessageInFlow, tags: string[]): TagWrite[] {
  const [tag, ...others] = tags;
  if (tag !== undefined && others.length === 0) return [{ tag, value: payload }];
  if (Array.isArray(payload) && payload.length > 0 && payload.every(isTagWrite)) {
    return payload.map(({ tag: name, value }) => ({ tag: name, value }));
  }
  if (isPlainRecord(payload) && Object.keys(payload).length > 0) {
    return Object.entries(payload).map(([name, value]) => ({ tag: name, value }));
  }
  throw tagsMissing('where to write');
}

function isTagWrite(item: unknown): item is TagWrite {
  return isPlainRecord(item) && typeof item.tag === 'string' && 'value' in item;
}

function tagsMissing(what: string): IntegrationError {
  return new IntegrationError('config', 'PCP_TAGS_MISSING', `Neither the node nor the message says ${what}.`, {
    path: 'tags',
    hint: 'Name tags in the node or in msg.tags; to write, payload is {tag: value}, a list of {tag, value}, or the value of the one tag.',
  });
}
