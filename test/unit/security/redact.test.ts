import assert from 'node:assert/strict';
import { isSecretName, MASK, maskAddresses, redact, redactText } from '../../../lib/security/redact';

describe('redact', () => {
  it('knows names that hold secrets', () => {
    for (const name of [
      'password',
      'dbPassword',
      'X-API-Key',
      'client_secret',
      'privateKey',
      'Authorization',
      'apikey',
      'pwd',
    ]) {
      assert.equal(isSecretName(name), true, name);
    }
    for (const name of ['key', 'key_fields', 'token_url', 'api_key_name', 'secretary', 'username', 'monkey']) {
      assert.equal(isSecretName(name), false, name);
    }
  });

  it('masks by name at any depth, keeps what says that a secret is set, changes no input', () => {
    const input = {
      config: { host: 'h', auth: { token: 't0ken', list: [{ api_key: 'k' }] } },
      credentials: { password: true },
    };
    const copy = structuredClone(input);
    assert.deepEqual(redact(input), {
      config: { host: 'h', auth: { token: MASK, list: [{ api_key: MASK }] } },
      credentials: { password: true },
    });
    assert.deepEqual(input, copy);
    assert.deepEqual(redact({ credentials: { anything: 'x', nested: [1] } }), {
      credentials: { anything: MASK, nested: [MASK] },
    });
  });

  it('masks inside of texts', () => {
    assert.equal(redactText('postgres://u:p@ss@h:5432/db?x=1'), `postgres://${MASK}@h:5432/db?x=1`);
    assert.equal(redactText('Authorization: Bearer abc.def, next'), `Authorization: ${MASK}, next`);
    assert.equal(redactText('Server=h;Password=a b;x'), `Server=h;Password=${MASK} b;x`);
    assert.equal(redactText('{"client_secret":"s p a c e"}'), `{"client_secret":${MASK}}`);
    const pem = '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----';
    assert.equal(redactText(`a ${pem} b`), `a ${MASK} b`);
    assert.equal(redactText('mail a@b.com, order 4711'), 'mail a@b.com, order 4711');
  });

  it('masks the secrets given in every form they take', () => {
    const secret = 'p"ä /word';
    const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret), Buffer.from(secret).toString('base64')];
    const text = String(redactText(forms.join(' | '), [secret]));
    assert.equal(text, `${MASK} | ${MASK} | "${MASK}" | ${MASK}`);
  });

  it('masks Base64 that holds a secret among other things', () => {
    const secret = 'canary-"ü+/%?>';
    for (const before of ['', 'u', 'us', 'user:', '12345:']) {
      for (const after of ['', 'x', 'xy', ':123']) {
        for (const form of ['base64', 'base64url'] as const) {
          const text = Buffer.from(before + secret + after).toString(form);
          assert.equal(redactText(`got "${text}", no`, [secret]), `got "${MASK}", no`, before + after);
        }
      }
    }
    const other = Buffer.from('user:another').toString('base64');
    assert.equal(redactText(`${other} ${'QUJD'.repeat(50_000)}`, [secret]), `${other} ${'QUJD'.repeat(50_000)}`);
  });

  it('masks what may be a key in addresses', () => {
    const cases = [
      ['https://f.example/api/x?code=abc&n=1#top', `https://f.example/api/x?code=${MASK}&n=${MASK}#top`],
      ['http://h:8080/hooks/orders', 'http://h:8080/hooks/orders'],
      ['https://hooks.example/services/T0/Xk3v9Qw81LmNoPqRsT', `https://hooks.example/services/T0/${MASK}`],
      [
        'from https://a.example?x to https://b.example/?y=',
        `from https://a.example?${MASK} to https://b.example/?y=${MASK}`,
      ],
    ];
    for (const [text = '', wanted] of cases) assert.equal(maskAddresses(text), wanted);
  });

  it('stands cycles, errors, buffers and hostile names', () => {
    const cycle: Record<string, unknown> = { name: 'a' };
    cycle.self = cycle;
    assert.doesNotThrow(() => JSON.stringify(redact(cycle)));
    assert.deepEqual(redact(Buffer.from('abc')), '[3 bytes]');
    const error = redact(new Error('password=x')) as Record<string, unknown>;
    assert.equal(error.message, `password=${MASK}`);
    const hostile = redact(JSON.parse('{"__proto__":{"token":"x"}}')) as object;
    assert.equal(Object.getPrototypeOf(hostile), Object.prototype);
    assert.equal(({} as Record<string, unknown>).token, undefined);
  });
});
