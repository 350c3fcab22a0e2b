import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import { signGithub } from '../../../lib/webhooks/signature/github';
import {
  checkSecret,
  newSecret,
  signStandardWebhook,
  verifyStandardWebhook,
} from '../../../lib/webhooks/signature/standard-webhooks';

interface Case {
  name: string;
  /** Null: either will do. */
  valid: boolean | null;
  /** Seconds. */
  now: number;
  secrets: string[];
  headers: Record<string, string>;
  bodyBase64: string;
}

const CORPUS = path.resolve('../shared/data/corpora/own/webhook-signatures.json');
const NOW = Date.parse('2026-11-27T12:00Z');
const BODIES = ['{"test": 2432232314}', '', '{"a":"ü ☃ 𝄞"}', '\ufeff{}'];

describe('signatures of Standard Webhooks', () => {
  const secret = newSecret();
  const other = newSecret();

  const verify = (body: string, more: { secrets?: string[]; now?: number; id?: string; timestamp?: string } = {}) => {
    const { timestamp, signature } = signStandardWebhook(more.id ?? 'msg_1', NOW, body, [secret]);
    return verifyStandardWebhook({
      headers: { id: more.id ?? 'msg_1', timestamp: more.timestamp ?? timestamp, signature },
      body: Buffer.from(body),
      secrets: more.secrets ?? [secret],
      now: more.now ?? NOW,
    });
  };

  it('are what the reference library says, both ways', () => {
    const judge = new Webhook(secret);
    for (const body of BODIES) {
      const { timestamp, signature } = signStandardWebhook('msg_1', NOW, body, [secret]);
      assert.equal(signature, judge.sign('msg_1', new Date(NOW), body));
      const headers = { id: 'msg_1', timestamp, signature: judge.sign('msg_1', new Date(NOW), body) };
      assert.ok(verifyStandardWebhook({ headers, body: Buffer.from(body), secrets: [secret], now: NOW }));
    }
    // The library goes by the clock of this machine.
    const now = Date.now();
    const { timestamp, signature } = signStandardWebhook('msg_2', now, '{"a":1}', [other, secret]);
    const headers = { 'webhook-id': 'msg_2', 'webhook-timestamp': timestamp, 'webhook-signature': signature };
    for (const one of [secret, other]) assert.deepEqual(new Webhook(one).verify('{"a":1}', headers), { a: 1 });
  });

  it('hold for one body, one id, one key and five minutes', () => {
    assert.ok(verify('{}'));
    assert.ok(verify('{}', { secrets: [other, secret] }));
    assert.ok(!verify('{}', { secrets: [other] }));
    assert.ok(!verify('{}', { secrets: [] }));
    assert.ok(!verify('{}', { secrets: ['', 'whsec_', 'no base64!'] }));
    assert.ok(verify('{}', { now: NOW + 300_000 }));
    assert.ok(!verify('{}', { now: NOW + 301_000 }));
    assert.ok(!verify('{}', { now: NOW - 301_000 }));
    assert.ok(!verify('{}', { id: 'msg.1' }));
    assert.ok(!verify('{}', { id: '' }));
    assert.ok(!verify('{}', { timestamp: ` ${NOW / 1000}` }));
    assert.ok(!verify('{}', { timestamp: `${NOW / 1000 + 1}` }));
  });

  it('agree with the corpus', function () {
    if (!existsSync(CORPUS)) return this.skip();
    const { cases } = JSON.parse(readFileSync(CORPUS, 'utf8')) as { cases: Case[] };
    assert.ok(cases.length > 20);
    for (const { name, valid, now, secrets, headers, bodyBase64 } of cases) {
      const answer = verifyStandardWebhook({
        headers: {
          id: headers['webhook-id'],
          timestamp: headers['webhook-timestamp'],
          signature: headers['webhook-signature'],
        },
        body: Buffer.from(bodyBase64, 'base64'),
        secrets,
        now: now * 1000,
      });
      if (valid !== null) assert.equal(answer, valid, name);
    }
  });

  it('need keys of 24 to 64 bytes', () => {
    const of = (bytes: number) => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;
    for (const good of [secret, secret.slice('whsec_'.length), of(24), of(64)]) checkSecret(good, '/secret');
    for (const bad of ['', 'whsec_', 'whsec_MfKQ', of(23), of(65), `${secret}!`]) {
      assert.throws(() => checkSecret(bad, '/secret'), { code: 'PCP_WEBHOOK_SECRET', path: '/secret' }, bad);
    }
  });
});

describe('signatures as GitHub sends them', () => {
  it("are those of GitHub's own example", () => {
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
    assert.equal(signGithub('Hello, World!', "It's a Secret to Everybody"), signature);
  });
});
