import assert from 'node:assert/strict';
import { IntegrationError } from '../../../lib/model/errors';
import { AddressRules } from '../../../lib/protocols/http/addresses';
import { below, hostOf, onOrigin, parseUrl, pathSegment, portOf, resolveLink } from '../../../lib/protocols/http/url';

const NEVER = [
  '0.0.0.0',
  '0.1.2.3',
  '169.254.169.254',
  '169.254.0.1',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
  '224.0.0.251',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
  '198.51.100.1',
  '::',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  'fd00:ec2::254',
  'fd20:ce::254',
  '100::1',
  '::ffff:169.254.169.254',
  '::ffff:0.0.0.0',
  '::ffff:a83f:8110',
  '::7f00:1',
  '::a00:1',
  '::ffff:0:7f00:1',
  '64:ff9b::7f00:1',
  '64:ff9b::a00:1',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::7f00:1',
  '2002:7f00:1::',
  '2002:c0a8:101::1',
  '2001::1',
  '2001:0:4136:e378:8000:63bf:3fff:fdd2',
  '2001:db8::1',
  '3fff::1',
  'not an address',
];
const PRIVATE = [
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '100.64.0.1',
  'fc00::1',
  'fd12::1',
  '::ffff:10.0.0.1',
];
const LOOPBACK = ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'];
const PUBLIC = [
  '93.184.216.34',
  '172.32.0.1',
  '100.128.0.1',
  '2606:4700::1111',
  '64:ff9b::5db8:d822',
  '::ffff:5db8:d822',
];

function refuses(rules: AddressRules, target: { host: string; own: boolean; port?: number }, address: string): boolean {
  try {
    rules.check({ port: 443, setting: '/config/base_url', ...target }, address);
    return false;
  } catch (error) {
    assert.ok(error instanceof IntegrationError);
    assert.equal(error.code, 'PCP_ADDRESS_REFUSED');
    assert.equal(error.class, 'config');
    assert.equal(error.path, '/config/base_url');
    assert.ok(error.hint);
    return true;
  }
}

describe('http: addresses', () => {
  const rules = new AddressRules();
  const everything = new AddressRules(['0.0.0.0/0', '::/0']);

  it('never connects to link-local, metadata, multicast, reserved and tunnel addresses, whatever is allowed', () => {
    for (const address of NEVER) {
      assert.ok(refuses(everything, { host: address, own: true }, address), address);
      assert.ok(refuses(everything, { host: 'name.plant', own: true }, address), address);
    }
  });

  it('connects to public addresses', () => {
    for (const address of PUBLIC) assert.ok(!refuses(rules, { host: 'name.plant', own: false }, address), address);
  });

  it('connects to private addresses only for the own host of the connection', () => {
    for (const address of PRIVATE) {
      assert.ok(refuses(rules, { host: 'name.plant', own: false }, address), address);
      assert.ok(!refuses(rules, { host: 'name.plant', own: true }, address), address);
    }
  });

  it('connects to this machine only when the own host says so itself', () => {
    for (const address of LOOPBACK) {
      for (const host of [address, 'localhost', 'localhost.', 'LOCALHOST', 'api.localhost']) {
        assert.ok(!refuses(rules, { host, own: true }, address), `${host} ${address}`);
        assert.ok(refuses(rules, { host, own: false }, address), `${host} ${address}`);
      }
      assert.ok(refuses(rules, { host: 'name.plant', own: true }, address), address);
    }
  });

  it('allows what the settings list: networks, addresses and hosts, with or without a port', () => {
    const allows = (allowed: string, host: string, address: string, port = 443) =>
      !refuses(new AddressRules([allowed]), { host, own: false, port }, address);
    assert.ok(allows('10.1.0.0/16', 'mes.plant', '10.1.2.3'));
    assert.ok(allows('10.1.0.0/16', 'mes.plant', '::ffff:10.1.2.3'));
    assert.ok(!allows('10.1.0.0/16', 'mes.plant', '10.2.2.3'));
    assert.ok(!allows('10.1.0.0/16', 'mes.plant', 'fd00::1'));
    assert.ok(allows('fd00::/8', 'mes.plant', 'fd00::1'));
    assert.ok(allows('10.1.2.3', 'mes.plant', '10.1.2.3'));
    assert.ok(allows('10.1.2.3:8080', 'mes.plant', '10.1.2.3', 8080));
    assert.ok(!allows('10.1.2.3:8080', 'mes.plant', '10.1.2.3'));
    assert.ok(allows('[fd00::7]:8080', 'mes.plant', 'fd00::7', 8080));
    assert.ok(allows('mes.plant', 'MES.plant.', '127.0.0.1'));
    assert.ok(allows('mes.plant:8080', 'mes.plant', '127.0.0.1', 8080));
    assert.ok(!allows('mes.plant:8080', 'mes.plant', '127.0.0.1'));
    assert.ok(!allows('mes.plant', 'other.plant', '127.0.0.1'));
  });

  it('refuses a list that cannot be understood', () => {
    for (const entry of ['', 'http://mes.plant', '10.1.0.0/33', 'mes.plant:http', '[mes]:80', 'a b']) {
      assert.throws(() => new AddressRules([entry]), { code: 'PCP_SETTING_INVALID' }, entry);
    }
  });

  it('sees through every way to write an address in a URL', () => {
    const hidden: Record<string, string> = {
      'http://2130706433/': '127.0.0.1',
      'http://0x7f000001/': '127.0.0.1',
      'http://0177.0.0.1/': '127.0.0.1',
      'http://127.1/': '127.0.0.1',
      'http://127.0.0.1./': '127.0.0.1',
      'http://①②⑦.0.0.1/': '127.0.0.1',
      'http://127%2e0.0.1/': '127.0.0.1',
      'http://0/': '0.0.0.0',
      'http://[::ffff:127.0.0.1]/': '::ffff:7f00:1',
      'http://[0:0:0:0:0:ffff:a9fe:a9fe]/': '::ffff:a9fe:a9fe',
      'http://[64:ff9b::7f00:1]/': '64:ff9b::7f00:1',
      'http://[64:ff9b::127.0.0.1]/': '64:ff9b::7f00:1',
      'http://2852039166/': '169.254.169.254',
      'http://0xA9FEA9FE/': '169.254.169.254',
    };
    for (const [text, address] of Object.entries(hidden)) {
      const host = hostOf(parseUrl(text, '/url'));
      assert.equal(host, address, text);
      assert.ok(refuses(rules, { host, own: false }, host), text);
    }
  });
});

describe('http: URLs', () => {
  const base = parseUrl('https://erp.plant:8443/api', '/url');

  it('takes http and https without a user, and nothing else', () => {
    for (const text of [
      'ftp://a/',
      'file:///etc/passwd',
      'gopher://a',
      'javascript:0',
      'a.plant',
      '//a.plant/',
      '',
      'http://',
    ]) {
      assert.throws(
        () => parseUrl(text, '/config/base_url'),
        { code: 'PCP_URL_REFUSED', path: '/config/base_url' },
        text,
      );
    }
    for (const text of ['https://user:canary@a.plant/', 'https://user@a.plant/', 'http://a.plant@b.plant/']) {
      assert.throws(
        () => parseUrl(text, '/config/base_url'),
        (error: IntegrationError) => error.code === 'PCP_URL_REFUSED' && !error.message.includes('canary'),
      );
    }
    assert.equal(portOf(parseUrl('https://a.plant', '/url')), 443);
    assert.equal(portOf(parseUrl('http://a.plant', '/url')), 80);
  });

  it('builds paths below the base URL that cannot leave it', () => {
    assert.equal(below(base, '/orders?page=2').href, 'https://erp.plant:8443/api/orders?page=2');
    assert.equal(below(base, 'orders').href, 'https://erp.plant:8443/api/orders');
    assert.equal(below(base, '').href, 'https://erp.plant:8443/api');
    assert.equal(below(base, '?a=../b').href, 'https://erp.plant:8443/api?a=../b');
    assert.equal(below(base, '//evil.plant/x').href, 'https://erp.plant:8443/api//evil.plant/x');
    assert.equal(below(base, '/@evil.plant').host, 'erp.plant:8443');
    assert.equal(below(base, 'http://evil.plant/').host, 'erp.plant:8443');
    for (const path of ['/..', '/a/../b', '/%2e%2E/b', '/a/.%2e', '\\..\\b', '/.\t./b', '/a/.', '/x\n']) {
      assert.throws(() => below(base, path), { code: 'PCP_URL_REFUSED' }, path);
    }
  });

  it('takes a record value as one segment of a path', () => {
    assert.equal(pathSegment('a/b?c#d %'), 'a%2Fb%3Fc%23d%20%25');
    for (const value of ['', '.', '..'])
      assert.throws(() => pathSegment(value), { class: 'data', code: 'PCP_URL_SEGMENT' });
  });

  it('follows links of answers on its own origin only', () => {
    const from = new URL('https://erp.plant:8443/api/orders?page=1');
    assert.equal(resolveLink(base, '?page=2', from).href, 'https://erp.plant:8443/api/orders?page=2');
    assert.equal(resolveLink(base, '/other#x', from).href, 'https://erp.plant:8443/other');
    for (const link of [
      'https://evil.plant/',
      '//evil.plant/',
      '\\\\evil.plant/',
      'http://erp.plant:8443/api',
      'https://erp.plant/api',
      'https://erp.plant:8443@evil.plant/',
      'https://user:secret@erp.plant:8443/api',
      'file:///etc/passwd',
      'javascript:0',
      'https://erp.plant.:8443/',
      'https://[',
    ]) {
      assert.throws(() => resolveLink(base, link, from), { class: 'config', code: 'PCP_URL_REFUSED' }, link);
    }
    assert.throws(() => onOrigin(base, new URL('https://evil.plant/?token=x')), /https:\/\/evil\.plant instead of/);
  });
});
