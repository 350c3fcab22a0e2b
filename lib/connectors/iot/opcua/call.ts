import { IntegrationError } from '../../../model/errors';
import { browseBelow, type Descendant } from '../../../protocols/opcua/browse';
import type { OpcUaClient } from '../../../protocols/opcua/client';
import { acknowledge } from '../../../protocols/opcua/events';
import { readAggregate, readHistory } from '../../../protocols/opcua/history';
import type { NodeId } from '../../../protocols/opcua/library';
import { callMethod } from '../../../protocols/opcua/methods';
import type { Pki } from '../../../protocols/opcua/pki';
import { readTagList } from '../../../protocols/opcua/tag-lists';
import { checkWrite } from '../../../protocols/opcua/write-rules';
import type { CallAnswer } from '../../contract';
import type { TagValue } from '../../live';
import type { OpcUaSettings } from './settings';
import { nodesOf, type Tag, tagsNamed, tagValue } from './tags';

interface Opened {
  client: OpcUaClient;
  settings: OpcUaSettings;
  pki: Pki;
  /** What waits for a certificate to be trusted may try again. */
  onTrusted(): void;
  /** What acts is not sent later. */
  validUntil: number | undefined;
}

type Parameters = Record<string, unknown>;
type Operation = (opened: Opened, parameters: Parameters, signal: AbortSignal) => Promise<unknown>;

const DEFAULT_LIMIT = 100_000;

const OPERATIONS: Record<string, Operation> = {
  method,
  history,
  browse,
  acknowledge: (opened, parameters, signal) => judgeAlarm(opened, parameters, false, signal),
  confirm: (opened, parameters, signal) => judgeAlarm(opened, parameters, true, signal),
  import_tags: async (_opened, parameters) =>
    readTagList(text(parameters, parameters.text === undefined ? 'payload' : 'text')),
  list_certificates: ({ pki }) => pki.certificates.list(),
  trust_certificate: async ({ pki, onTrusted }, parameters) => {
    const trusted = await pki.certificates.trust(text(parameters, 'thumbprint'));
    onTrusted();
    return trusted;
  },
};

/**
 * @param operation one of them, or "service" with its name in the parameter `service`, as the palette node calls it
 * @throws config PCP_OPERATION_UNKNOWN, PCP_CALL_PARAMETER
 */
export async function callOperation(
  opened: Opened,
  operation: string,
  parameters: Parameters,
  signal: AbortSignal,
): Promise<CallAnswer> {
  const name = operation === 'service' ? text(parameters, 'service') : operation;
  const perform = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
  if (perform !== undefined) return { payload: await perform(opened, parameters, signal) };
  throw new IntegrationError('config', 'PCP_OPERATION_UNKNOWN', `An OPC UA server has no operation "${name}".`, {
    hint: `There are: ${Object.keys(OPERATIONS).join(', ')}.`,
  });
}

/** A method moves a machine as a write does, and has to be allowed as one. */
async function method(
  { client, settings, validUntil }: Opened,
  parameters: Parameters,
  signal: AbortSignal,
): Promise<unknown> {
  const name = text(parameters, 'node');
  checkWrite(name, undefined, settings.writable);
  const object = optional(parameters, 'object');
  const given = parameters.arguments ?? {};
  if (typeof given !== 'object') throw wrong('arguments', 'an object of the arguments by their names, or a list');
  const open = await client.open(signal);
  const { node } = await nodeOf(client, settings, name, signal);
  const owner = object === undefined ? undefined : (await nodeOf(client, settings, object, signal)).node;
  const call = { method: node, object: owner, arguments: given as Record<string, unknown> | unknown[] };
  return callMethod(client, open, call, signal, validUntil);
}

/** What an operator does at the machine: it changes what others see, and needs the connection's leave. */
async function judgeAlarm(
  { client, settings, validUntil }: Opened,
  parameters: Parameters,
  confirms: boolean,
  signal: AbortSignal,
): Promise<unknown> {
  const { source, ...alarm } = {
    source: text(parameters, 'node'),
    eventId: text(parameters, 'event_id'),
    comment: optional(parameters, 'comment') ?? '',
    confirms,
  };
  if (!settings.writesEnabled) checkWrite(source, undefined, settings.writable);
  const { node: condition } = await nodeOf(client, settings, source, signal);
  await acknowledge(client, await client.open(signal), { condition, ...alarm }, signal, validUntil);
  return { [confirms ? 'confirmed' : 'acknowledged']: alarm.eventId };
}

async function history({ client, settings }: Opened, parameters: Parameters, signal: AbortSignal): Promise<TagValue[]> {
  const range = { start: time(parameters, 'start'), end: parameters.end ? time(parameters, 'end') : new Date() };
  const limit = count(parameters, 'limit') ?? DEFAULT_LIMIT;
  const aggregate = optional(parameters, 'aggregate');
  const open = await client.open(signal);
  const { tag, node } = await nodeOf(client, settings, text(parameters, 'node'), signal);
  if (aggregate !== undefined) {
    const intervalMs = count(parameters, 'interval_ms') ?? range.end.getTime() - range.start.getTime();
    const values = await readAggregate(client, open, node, range, { aggregate, intervalMs }, signal);
    return values.map((value) => tagValue(tag, value));
  }
  const found: TagValue[] = [];
  for await (const values of readHistory(client, open, node, range, signal)) {
    found.push(...values.slice(0, limit - found.length).map((value) => tagValue(tag, value)));
    if (found.length >= limit) break;
  }
  return found;
}

async function browse(
  { client, settings }: Opened,
  parameters: Parameters,
  signal: AbortSignal,
): Promise<Descendant[]> {
  const name = optional(parameters, 'node');
  const levels = count(parameters, 'levels') ?? 1;
  const open = await client.open(signal);
  const from = name === undefined ? null : (await nodeOf(client, settings, name, signal)).node;
  return browseBelow(client, open, from, levels, signal);
}

/** @throws config PCP_OPCUA_NODE_UNKNOWN */
async function nodeOf(
  client: OpcUaClient,
  settings: OpcUaSettings,
  name: string,
  signal: AbortSignal,
): Promise<{ tag: Tag; node: NodeId }> {
  const tags = tagsNamed([name], settings);
  const [node] = await nodesOf(client, await client.open(signal), tags, signal);
  if (node && tags[0]) return { tag: tags[0], node };
  throw new IntegrationError('config', 'PCP_OPCUA_NODE_UNKNOWN', `Nothing lies at "${name}".`, {
    value: name,
    hint: 'Check the path; browse the server for what it has.',
  });
}

function optional(parameters: Parameters, name: string): string | undefined {
  const value = parameters[name] ?? '';
  if (typeof value !== 'string') throw wrong(name, 'a text');
  return value.trim() === '' ? undefined : value;
}

function text(parameters: Parameters, name: string): string {
  const value = optional(parameters, name);
  if (value === undefined) throw wrong(name, 'a text');
  return value;
}

function time(parameters: Parameters, name: string): Date {
  const value = parameters[name];
  const date = new Date(
    value instanceof Date || typeof value === 'number' || typeof value === 'string' ? value : Number.NaN,
  );
  if (Number.isNaN(date.getTime())) throw wrong(name, 'a time, as ISO 8601');
  return date;
}

function count(parameters: Parameters, name: string): number | undefined {
  const value = parameters[name] ?? '';
  if (value === '') return undefined;
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw wrong(name, 'a whole number above 0');
  return number;
}

function wrong(name: string, expected: string): IntegrationError {
  return new IntegrationError('config', 'PCP_CALL_PARAMETER', `"${name}" of the call must be ${expected}.`, {
    path: `/${name}`,
    hint: `Set it in the node, or as msg.${name}.`,
  });
}
