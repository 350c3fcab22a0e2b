import { BlockList, isIP } from 'node:net';
import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';

/** Whom a request is for; `own` hosts were set by whoever may edit the connection. */
export interface Target {
  /** As in the URL, IPv6 without brackets. */
  host: string;
  port: number;
  own: boolean;
  /** The setting that says it, as a pointer. */
  setting: string;
}

type Kind = 'public' | 'private' | 'loopback' | 'never';

const LOOPBACK = networks('127.0.0.0/8', '::1/128');
const PRIVATE = networks('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7');
/** Where IPv6 has its public addresses; whatever is not here has a purpose of its own. */
const PUBLIC_IPV6 = networks('2000::/3');
/** Special purposes as the registries of IANA list them (RFC 6890), and the cloud services that hand out credentials. */
const NEVER = networks(
  ...['0.0.0.0/8', '169.254.0.0/16', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4', '168.63.129.16/32', '100.100.100.200/32'],
  ...['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20', 'fd00:ec2::254/128', 'fd20:ce::254/128'],
);
/** IPv6 addresses that hold an IPv4 address: mapped, and translated by NAT64. */
const EMBEDDED = /^(::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

type AllowedTarget = { network: BlockList } | { host: string; port: number | undefined };

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
    throw new IntegrationError(
      'config',
      'PCP_ADDRESS_REFUSED',
      phrase`The address of ${place} must not be connected to.`,
      {
        hint:
          kind === 'never'
            ? 'Link-local, metadata, multicast, reserved and tunnel addresses are never connected to.'
            : 'To allow it, add it to network.allowedTargets in the settings of integrations.',
        path: target.setting,
      },
    );
  }

  private isAllowed({ host, port }: Target, address: string): boolean {
    const names = [plainHost(host), canonical(address)];
    return this.allowed.some((entry) =>
      'network' in entry
        ? contains(entry.network, address)
        : names.includes(entry.host) && (entry.port ?? port) === port,
    );
  }
}

/** @throws config PCP_SETTING_INVALID */
export function checkTargets(allowedTargets: readonly string[]): void {
  for (const target of allowedTargets) parseTarget(target);
}

function kindOf(address: string): Kind {
  // Zones are for link-local addresses.
  if (isIP(address) === 0 || address.includes('%')) return 'never';
  const [, prefix, high, low] = EMBEDDED.exec(canonical(address)) ?? [];
  if (prefix !== undefined) {
    const bits = Number.parseInt(`${high}`, 16) * 0x10000 + Number.parseInt(`${low}`, 16);
    const kind = kindOf([bits >>> 24, (bits >>> 16) & 255, (bits >>> 8) & 255, bits & 255].join('.'));
    return prefix === '::ffff:' || kind === 'public' ? kind : 'never';
  }
  if (contains(LOOPBACK, address)) return 'loopback';
  if (contains(NEVER, address)) return 'never';
  if (contains(PRIVATE, address)) return 'private';
  return isIP(address) === 4 || contains(PUBLIC_IPV6, address) ? 'public' : 'never';
}

function networks(...texts: string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', bits] = text.split('/');
    list.addSubnet(address, Number(bits), family(address));
  }
  return list;
}

function contains(list: BlockList, address: string): boolean {
  return list.check(address, family(address));
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** An address in the one form in which URLs write it. */
function canonical(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

function namesThisMachine(host: string): boolean {
  const plain = plainHost(host);
  return isIP(plain) !== 0 || plain === 'localhost' || plain.endsWith('.localhost');
}

/** Without the dot that ends an absolute name. */
function plainHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}

function parseTarget(text: string): AllowedTarget {
  const [, address = '', bits] = /^([^/%]+)\/(\d{1,3})$/.exec(text) ?? [];
  if (isIP(address) !== 0 && Number(bits) <= (isIP(address) === 4 ? 32 : 128)) return { network: networks(text) };
  if (isIP(text) !== 0 && !text.includes('%')) return { host: canonical(text), port: undefined };
  const [, bracketed = '', name, port] = /^(?:\[([^\]%]+)\]|([^[\]:/\s]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (isIP(bracketed) === 6) return { host: canonical(bracketed), port: portOf(port) };
  if (name !== undefined) return { host: plainHost(name), port: portOf(port) };
  const message = phrase`"${text}" in the setting integrations.network.allowedTargets is no network, address or host.`;
  throw new IntegrationError('config', 'PCP_SETTING_INVALID', message, {
    path: 'network.allowedTargets',
    hint: 'Write it as 10.1.0.0/16, 10.1.2.3:8080, [fd00::7]:8080 or mes.plant:8080.',
  });
}

function portOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
