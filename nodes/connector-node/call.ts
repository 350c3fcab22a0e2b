import type { NodeMessageInFlow } from 'node-red';
import { hub } from '../hub-access';
import { actorOf } from '../support/actor';
import { descriptors } from '../support/connectors';
import { jsonProperty } from '../support/values';
import type { ConnectorNodeContext } from './connector-node';
import { timeLeft } from './valid-for';

/**
 * Calls the connector's operation with what the node says, over which the message goes, and sends the answer on.
 * @param receivedAt when the message came
 */
export async function callMessage(
  context: ConnectorNodeContext,
  msg: NodeMessageInFlow,
  send: (msg: NodeMessageInFlow) => void,
  signal: AbortSignal,
  receivedAt: number,
): Promise<void> {
  const { RED, node, def, status, connection } = context;
  const { call, capabilities = [] } = descriptors.find(({ type }) => type === connection.connectorType) ?? {};
  const parameters: Record<string, unknown> = { payload: msg.payload };
  for (const [name, { kind }] of Object.entries(call?.parameters ?? {})) {
    const entered = def[name as keyof typeof def];
    parameters[name] =
      msg[name as keyof typeof msg] ?? (kind === 'json' ? jsonProperty(entered, name, undefined) : entered);
  }
  const operation = call?.operation ?? '';
  const called = operation === 'service' ? String(parameters.service) : operation;
  const validForMs = call?.audited?.[called] === undefined ? undefined : timeLeft(msg, def, receivedAt);
  status.working('calling');
  const opened = await connection.open();
  const { live, runner } = await hub(RED);
  // Where there is an open connection anyway, this goes over it.
  const answer = capabilities.includes('subscribe')
    ? await live.call(
        opened,
        operation,
        parameters,
        { by: actorOf(node), ...(validForMs !== undefined && { validForMs }) },
        signal,
      )
    : await runner.call(opened, operation, parameters, signal);
  status.finished('called');
  send(Object.assign(msg, answer));
}
