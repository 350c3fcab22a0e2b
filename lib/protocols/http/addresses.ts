import * as ipaddr from 'ipaddr.js';
import { IPv4, IPv6 } from 'ipaddr.js';
import { IntegrationError } from '../../model/errors';

/** Whom a request is for; `own` hosts were set by whoever may edit the connection. */
export interface Target {
  /** As in the URL, IPv6 without brackets. */
  host: string;
  port: number;
  own: boolean;
}

type Kind = 'public' | 'private' | 'loopback' | 'never';

/** Cloud services that hand out credentials to whoever asks; link-local ones are refused as such. */
const METADATA = new Set(['168.63.129.16', '100.100.100.200', 'fd00:ec2::254', 'fd20:ce::254']);
const NAT64 = ipaddr.parseCIDR('64:ff9b::/96') as [IPv6, number];
const IPV4_COMPATIBLE = ipaddr.parseCIDR('::/96') as [IPv6, number];

type AllowedTarget = { cidr: [IPv4 | IPv6, number] } | { host: string; port: number | undefined };

/**
 * What may be dialled. Public addresses may; private ones and loopback only for a connection's own host or where the list
 * allows them; link-local, metadata, multicast, unspecified and reserved addresses never, in whatever form they are written.
 */
export class AddressRules {
  private readonly allowed: AllowedTarget[];

  /**
   * @param allowedTargets "10.1.0.0/16", "10.1.2.3", "[fd00::7]:8080", "mes.plant" or "mes.plant:8080"
   * @throws config PCP_SETTING_INVALID
   */
  constructor(allowedTargets: readonly string[] = []) {
    this.allowed = allowedTargets.map(parseTarget);
  }

  /** @throws config PCP_ADDRESS_REFUSED */
  check(target: Target, address: string): void {
    const kind = kindOf(address);
    if (kind === 'public') return;
    if (kind !== 'never' && this.isAllowed(target, address)) return;
    // A name that leads to this machine was not meant by its owner, unless it is this machine's own.
    if (target.own && (kind === 'private' || (kind === 'loopback' && namesThisMachine(target.host)))) return;
    const place = target.host === address ? address : `${target.host} (${address})`;
    throw new IntegrationError('config', 'PCP_ADDRESS_REFUSED', `The address of ${place} must not be connected to.`, {
      hint:
        kind === 'never'
          ? 'Link-local, metadata, multicast, reserved and tunnel addresses are never connected to.'
          : 'To allow it, add it to network.allowedTargets in the settings of integrations.',
      path: '/config/base_url',
    });
  }

  private isAllowed({ host, port }: Target, address: string): boolean {
    const ip = ipaddr.process(address);
    return this.allowed.some((entry) => {
      if ('cidr' in entry) return entry.cidr[0].kind() === ip.kind() && matches(ip, entry.cidr);
      return (entry.host === plainHost(host) || entry.host === address) && (entry.port ?? port) === port;
    });
  }
}

/** @throws config PCP_SETTING_INVALID */
export function checkTargets(allowedTargets: readonly string[]): void {
  for (const target of allowedTargets) parseTarget(target);
}

function kindOf(text: string): Kind {
  if (!ipaddr.isValid(text)) return 'never';
  const address = ipaddr.process(text);
  if (METADATA.has(address.toString())) return 'never';
  if (address instanceof IPv6) {
    // The IPv4 address inside of a translated one is where the packet goes in the end.
    if (matches(address, NAT64)) {
      const embedded = new IPv4(address.toByteArray().slice(12));
      return kindOf(embedded.toString()) === 'public' ? 'public' : 'never';
    }
    if (matches(address, IPV4_COMPATIBLE) && address.range() === 'unicast') return 'never';
  }
  switch (address.range()) {
    case 'unicast':
    case 'as112':
    case 'as112v6':
    case 'amt':
      return 'public';
    case 'private':
    case 'carrierGradeNat':
    case 'uniqueLocal':
      return 'private';
    case 'loopback':
      return 'loopback';
    default:
      return 'never';
  }
}

function matches(address: IPv4 | IPv6, [network, bits]: [IPv4 | IPv6, number]): boolean {
  if (address instanceof IPv4) return network instanceof IPv4 && address.match(network, bits);
  return network instanceof IPv6 && address.match(network, bits);
}

function namesThisMachine(host: string): boolean {
  const plain = plainHost(host);
  return ipaddr.isValid(plain) || plain === 'localhost' || plain.endsWith('.localhost');
}

/** Without the dot that ends an absolute name. */
function plainHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}

function parseTarget(text: string): AllowedTarget {
  if (ipaddr.isValidCIDR(text)) return { cidr: ipaddr.parseCIDR(text) };
  const [, bracketed, name, port] = /^(?:\[([^\]]+)\]|([^[\]:/\s]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (bracketed !== undefined && IPv6.isValid(bracketed)) {
    return { host: ipaddr.parse(bracketed).toString(), port: portOf(port) };
  }
  if (ipaddr.isValid(text)) return { host: ipaddr.parse(text).toString(), port: undefined };
  if (name !== undefined) return { host: plainHost(name), port: portOf(port) };
  const message = `"${text}" in the setting integrations.network.allowedTargets is no network, address or host.`;
  throw new IntegrationError('config', 'PCP_SETTING_INVALID', message, {
    path: 'network.allowedTargets',
    hint: 'Write it as 10.1.0.0/16, 10.1.2.3:8080, [fd00::7]:8080 or mes.plant:8080.',
  });
}

function portOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
