import { lookup } from 'node:dns/promises';
import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { within } from './deadline';
import { opcUaError } from './errors';
import { type EndpointDescription, type OPCUACertificateManager, type OPCUAClient, opcUaLibrary } from './library';
import type { Pki } from './pki';
import type { ReverseListener } from './reverse';

/** "best" is the strongest that the server offers, and never none at all. */
export const SECURITY_POLICIES = [
  'best',
  'Aes256_Sha256_RsaPss',
  'Aes128_Sha256_RsaOaep',
  'Basic256Sha256',
  'None',
] as const;
export type SecurityPolicyName = (typeof SECURITY_POLICIES)[number];
export type SecurityModeName = 'Sign' | 'SignAndEncrypt';

export interface Security {
  policy: SecurityPolicyName;
  mode: SecurityModeName;
}

const POLICY_URI = 'http://opcfoundation.org/UA/SecurityPolicy#';
const DEFAULT_PORT = 4840;
/** Twice this is less than what closing may take. */
const RELEASE_MS = 2000;

/** @throws config PCP_SETTING_INVALID */
export function parseEndpointUrl(text: string, path = '/config/endpoint_url'): { host: string; port: number } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.protocol !== 'opc.tcp:' || url.hostname === '') {
    throw new IntegrationError('config', 'PCP_SETTING_INVALID', `"${text}" is no address of an OPC UA server.`, {
      path,
      hint: 'Write it as opc.tcp://host:4840.',
    });
  }
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || DEFAULT_PORT) };
}

/** @throws transient PCP_CONNECT_HOST_UNKNOWN */
export async function resolveHost(endpointUrl: string, timeoutMs: number, signal: AbortSignal): Promise<string> {
  const { host, port } = parseEndpointUrl(endpointUrl);
  try {
    const { address } = await within(lookup(host), timeoutMs, phrase`looking up ${host}`, signal);
    return `${address}:${port}`;
  } catch (thrown) {
    throw opcUaError(thrown, phrase`looking up ${host}`);
  }
}

/** What the server offers; it is asked without security, as every server answers this. */
export async function readEndpoints(
  { endpointUrl, pki, timeoutMs }: { endpointUrl: string; pki: Pki; timeoutMs: number },
  reverse: ReverseListener | undefined,
  signal: AbortSignal,
): Promise<EndpointDescription[]> {
  const { ua } = opcUaLibrary();
  const manager = await pki.open();
  const client = ua.OPCUAClient.create({
    applicationName: 'PCP integrations',
    applicationUri: pki.applicationUri,
    clientCertificateManager: manager,
    certificateFile: pki.certificateFile,
    connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 100 },
    transportTimeout: timeoutMs,
    defaultTransactionTimeout: timeoutMs,
    endpointMustExist: false,
  });
  try {
    if (reverse !== undefined) await reverse.connect(client, signal);
    else await within(client.connect(endpointUrl), timeoutMs, phrase`connecting to ${endpointUrl}`, signal);
    return await within(client.getEndpoints(), timeoutMs, phrase`asking for its endpoints`, signal);
  } catch (thrown) {
    throw opcUaError(thrown, phrase`connecting to ${endpointUrl}`);
  } finally {
    await release(client, manager);
  }
}

/** Lets go of a client, also when its server does not answer. */
export async function release(client: OPCUAClient, manager: OPCUACertificateManager): Promise<void> {
  await within(client.disconnect(), RELEASE_MS, 'disconnecting').catch(() => undefined);
  await within(manager.dispose(), RELEASE_MS, phrase`letting go of the certificates`).catch(() => undefined);
}

/** @throws config PCP_OPCUA_ENDPOINT saying what there is */
export function chooseEndpoint(
  endpoints: readonly EndpointDescription[],
  { policy, mode }: Security,
): EndpointDescription {
  const { MessageSecurityMode } = opcUaLibrary().ua;
  const wantedMode = MessageSecurityMode[policy === 'None' ? 'None' : mode];
  const wanted = policy === 'best' ? SECURITY_POLICIES.filter((name) => name !== 'best' && name !== 'None') : [policy];
  for (const name of wanted) {
    const found = endpoints.find(
      ({ securityMode, securityPolicyUri }) => securityMode === wantedMode && securityPolicyUri === POLICY_URI + name,
    );
    if (found !== undefined) return found;
  }
  const offered = endpoints.map(securityOf);
  throw new IntegrationError('config', 'PCP_OPCUA_ENDPOINT', `The server does not offer ${policy} with ${mode}.`, {
    path: '/config/security_policy',
    hint: `It offers: ${[...new Set(offered)].join(', ')}.`,
  });
}

export function securityOf({ securityMode, securityPolicyUri }: EndpointDescription): string {
  const { MessageSecurityMode } = opcUaLibrary().ua;
  const policy = securityPolicyUri?.replace(POLICY_URI, '') ?? 'None';
  return securityMode === MessageSecurityMode.None ? policy : `${policy} ${MessageSecurityMode[securityMode]}`;
}
