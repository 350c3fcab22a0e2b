import { IntegrationError } from '../../../model/errors';
import type { OpcUaClient } from '../../../protocols/opcua/client';
import type { Pki } from '../../../protocols/opcua/pki';
import type { CallAnswer } from '../../contract';
import type { OpcUaSettings } from './settings';

interface Opened {
  client: OpcUaClient;
  settings: OpcUaSettings;
  pki: Pki;
}

type Operation = (opened: Opened, parameters: Record<string, unknown>, signal: AbortSignal) => Promise<unknown>;

const OPERATIONS: Record<string, Operation> = {
  list_certificates: ({ pki }) => pki.list(),
  trust_certificate: ({ pki }, { thumbprint }) => pki.trust(text(thumbprint, 'thumbprint')),
};

/** @throws config PCP_OPERATION_UNKNOWN, PCP_CALL_PARAMETER */
export async function callOperation(
  opened: Opened,
  operation: string,
  parameters: Record<string, unknown>,
  signal: AbortSignal,
): Promise<CallAnswer> {
  const perform = Object.hasOwn(OPERATIONS, operation) ? OPERATIONS[operation] : undefined;
  if (perform === undefined) {
    throw new IntegrationError('config', 'PCP_OPERATION_UNKNOWN', `An OPC UA server has no operation "${operation}".`, {
      hint: `There are: ${Object.keys(OPERATIONS).join(', ')}.`,
    });
  }
  return { payload: await perform(opened, parameters, signal) };
}

function text(value: unknown, name: string): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new IntegrationError('config', 'PCP_CALL_PARAMETER', `"${name}" of the call must be a text.`, {
    path: `/${name}`,
    hint: `Set msg.${name}.`,
  });
}
