import { IntegrationError } from '../../../model/errors';
import type { OpcUaClient } from '../../../protocols/opcua/client';
import { resolveHost } from '../../../protocols/opcua/endpoints';
import type { EndingCertificate, Pki } from '../../../protocols/opcua/pki';
import type { TestDetail, TestReport } from '../../contract';
import { type FailureRules, type Steps, stepByStep } from '../../step-by-step';
import { readNow } from './read-tags';
import type { OpcUaSettings } from './settings';

const SECURITY_CODE = /^PCP_OPCUA_(ENDPOINT|UNTRUSTED|CLIENT_UNTRUSTED|CERTIFICATE(_[A-Z]+)?)$/;

const RULES: FailureRules = {
  timeout: {
    code: 'PCP_CONNECT_TIMEOUT',
    hint: 'Check host and port, and whether a firewall swallows the connection.',
  },
  failedStep({ class: errorClass, code }, current) {
    if (code === 'PCP_CONNECT_HOST_UNKNOWN') return 'resolve';
    if (SECURITY_CODE.test(code)) return 'tls';
    if (code === 'PCP_OPCUA_SIGN_IN') return 'authenticate';
    return errorClass === 'permission' ? 'authorise' : current;
  },
};

/**
 * Tries a connection step by step: the host, the server's certificate, the user, then a tag or the server's own state.
 * @param open reads the settings; may throw
 */
export function testConnection(
  open: () => { client: OpcUaClient; settings: OpcUaSettings; pki: Pki },
  signal: AbortSignal,
): Promise<TestReport> {
  const askServer = async (steps: Steps, limit: AbortSignal): Promise<void> => {
    const { client, settings, pki } = open();
    const { reverse, endpointUrl, timeoutMs } = settings;
    steps.pass('resolve', reverse?.listenUrl ?? (await resolveHost(endpointUrl, timeoutMs, limit)));
    steps.begin('connect');
    const { security, serverCertificate } = await client.open(limit);
    steps.pass('connect', endpointUrl);
    steps.pass('tls', security);
    const certificates = serverCertificate === null ? [] : await pki.endingSoon(serverCertificate);
    for (const certificate of certificates) steps.pass('tls', ending(certificate));
    steps.pass('authenticate', settings.identity.type);
    steps.begin('read');
    const [first = 'i=2259'] = settings.tags.keys();
    const [value] = await readNow(client, settings, [first], limit);
    if (value?.quality === 'bad') throw unreadable(first, value.status ?? 'Bad');
    steps.pass('read', first);
  };
  return stepByStep(askServer, RULES, signal);
}

/** What has to be renewed before the connection is not secure any more. */
function ending({ whose, validTo }: EndingCertificate): TestDetail {
  const day = validTo.slice(0, 10);
  return whose === 'own'
    ? { 'en-US': `the hub's certificate ends on ${day}`, 'pt-BR': `o certificado do hub termina em ${day}` }
    : { 'en-US': `the server's certificate ends on ${day}`, 'pt-BR': `o certificado do servidor termina em ${day}` };
}

function unreadable(tag: string, status: string): IntegrationError {
  return new IntegrationError('config', 'PCP_OPCUA_UNREADABLE', `"${tag}" has no value (${status}).`, {
    path: '/config/tags',
    hint: 'Check the address of the tag: browse the server for what it has.',
  });
}
