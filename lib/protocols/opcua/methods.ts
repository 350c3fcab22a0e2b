import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { OpcUaClient, OpenSession } from './client';
import { type DataTypeKind, dataTypeKinds } from './data-types';
import { encodeValue } from './encode';
import { statusError } from './errors';
import { type NodeId, opcUaLibrary, type Variant } from './library';
import { callOnce } from './once';
import { plainValue } from './values';

export interface MethodCall {
  method: NodeId;
  /** The object whose method it is; without it the one that has the method as a component. */
  object: NodeId | undefined;
  /** By their names, or in their order. */
  arguments: Record<string, unknown> | readonly unknown[];
}

interface Argument {
  name: string;
  dataType: NodeId;
  valueRank: number;
}

/**
 * Calls a method once.
 * @returns what it gave, by the names of its output arguments
 * @throws data PCP_OPCUA_ARGUMENTS, PCP_OPCUA_VALUE; transient PCP_OPCUA_METHOD when the server refuses
 */
export async function callMethod(
  client: OpcUaClient,
  open: OpenSession,
  { method, object, arguments: given }: MethodCall,
  signal: AbortSignal,
  validUntil?: number,
): Promise<Record<string, unknown>> {
  const { session } = open;
  const objectId = object ?? (await ownerOf(client, open, method, signal));
  const definition = await client.request(
    session.getArgumentDefinition(method),
    phrase`reading the arguments of the method`,
    signal,
  );
  const inputs = argumentsOf(definition.inputArguments);
  const values = inOrder(given, inputs);
  const dataTypes = inputs.map(({ dataType }) => dataType);
  const kinds = await dataTypeKinds(client, open, dataTypes, signal);
  const inputArguments: Variant[] = [];
  for (const [index, { name, ...type }] of inputs.entries()) {
    const declared = { ...type, ...(kinds[index] as DataTypeKind) };
    inputArguments.push(await encodeValue(client, open, values[index], declared, `argument "${name}"`, signal));
  }
  const call = { objectId, methodId: method, inputArguments };
  const answer = await callOnce(client, session, call, phrase`calling the method`, signal, validUntil);
  if (!answer.isGood) {
    const wrong = answer.argumentStatuses.findIndex((status) => status !== undefined);
    throw refused(answer.status, method, inputs[wrong]?.name, answer.argumentStatuses[wrong]);
  }
  const outputs = argumentsOf(definition.outputArguments);
  return Object.fromEntries(
    answer.outputs.map((value, index) => [outputs[index]?.name ?? `${index}`, plainValue(value)]),
  );
}

function argumentsOf(given: unknown): Argument[] {
  return (
    (given as Argument[] | null | undefined)?.map(({ name, dataType, valueRank }) => ({ name, dataType, valueRank })) ??
    []
  );
}

function inOrder(given: MethodCall['arguments'], inputs: readonly Argument[]): unknown[] {
  const names = inputs.map(({ name }) => name);
  const byName: Record<string, unknown> = Array.isArray(given)
    ? Object.fromEntries(given.map((value, index) => [names[index] ?? index, value]))
    : (given as Record<string, unknown>);
  const wrong = [
    ...names.filter((name) => !Object.hasOwn(byName, name)).map((name) => `"${name}" is missing`),
    ...Object.keys(byName)
      .filter((name) => !names.includes(name))
      .map((name) => `there is no "${name}"`),
  ];
  if (wrong.length === 0) return names.map((name) => byName[name]);
  throw new IntegrationError(
    'data',
    'PCP_OPCUA_ARGUMENTS',
    `The arguments do not fit the method: ${wrong.join(', ')}.`,
    {
      path: '/arguments',
      hint: names.length === 0 ? 'It takes none.' : `It takes: ${names.join(', ')}.`,
    },
  );
}

async function ownerOf(
  client: OpcUaClient,
  { session }: OpenSession,
  method: NodeId,
  signal: AbortSignal,
): Promise<NodeId> {
  const { ua } = opcUaLibrary();
  const result = await client.request(
    session.browse({
      nodeId: method,
      referenceTypeId: ua.makeNodeId(ua.ReferenceTypeIds.HasComponent),
      browseDirection: ua.BrowseDirection.Inverse,
      includeSubtypes: true,
      nodeClassMask: ua.NodeClass.Object,
      resultMask: 63,
    }),
    phrase`looking for the object of the method`,
    signal,
  );
  const owner = result.references?.[0]?.nodeId;
  if (owner === undefined)
    throw statusError('BadNodeIdUnknown', phrase`looking for the object of the method ${String(method)}`);
  return owner as NodeId;
}

function refused(
  status: string,
  method: NodeId,
  argument: string | undefined,
  reason: string | undefined,
): IntegrationError {
  const at = argument === undefined ? '' : ` because of "${argument}" (${reason})`;
  return new IntegrationError('data', 'PCP_OPCUA_METHOD', `The server refused to call ${method}${at}: ${status}.`, {
    hint: 'Look the status up in the manual of the server; the method may not be allowed in this state.',
  });
}
