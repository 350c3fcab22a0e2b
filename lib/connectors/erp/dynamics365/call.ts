import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import { failureOf } from '../../../protocols/odata/fault';
import { readJson } from '../../../protocols/odata/feed';
import type { CallAnswer } from '../../contract';
import { callFunction, parametersOf } from '../odata/call';
import type { Application } from './application';
import { SUBSCRIBE, subscribe } from './subscription';

/** group/service/operation */
const SERVICE = /^\w+\/\w+\/\w+$/;

/**
 * Calls a custom service, or an action or function of OData; once, whatever comes of it.
 * @throws config PCP_OPERATION_UNKNOWN
 */
export async function call(
  application: Application,
  operation: string,
  parameters: Record<string, unknown>,
  signal: AbortSignal,
): Promise<CallAnswer> {
  if (operation !== 'function') {
    throw new IntegrationError(
      'config',
      'PCP_OPERATION_UNKNOWN',
      phrase`Dynamics 365 has no operation "${operation}".`,
      {
        hint: 'Call "function" with a service, or with the name of an action.',
      },
    );
  }
  const service = String(parameters.service ?? '');
  const isCustom = service !== '' && application.settings.flavour === 'finance_operations';
  if (isCustom) return { payload: await callService(application, service, parametersOf(parameters), signal) };
  const odata = await application.odata(service, signal);
  const isSubscription = parameters.function === SUBSCRIBE && application.settings.flavour === 'business_central';
  return { payload: await (isSubscription ? subscribe : callFunction)(odata, parameters, signal) };
}

async function callService(
  { client, settings }: Application,
  service: string,
  values: Record<string, unknown>,
  signal: AbortSignal,
): Promise<unknown> {
  if (!SERVICE.test(service)) {
    throw new IntegrationError('config', 'PCP_OPERATION_UNKNOWN', phrase`"${service}" is no operation of a service.`, {
      path: 'service',
      hint: 'Write it as group/service/operation.',
    });
  }
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const body = JSON.stringify(values);
  const response = await client.request({ method: 'POST', target: `/api/services/${service}`, headers, body, signal });
  if (!response.ok) throw await failureOf(response, settings.secrets, 'POST');
  const isEmpty = response.status === 204 || response.headers['content-length'] === '0';
  if (!isEmpty) return readJson(response);
  response.discard();
  return null;
}
