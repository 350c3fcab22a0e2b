import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AuditLog } from '../../../lib/audit/audit-log';
import type { AuditEvent } from '../../../lib/model/audit';
import { newStore, storeKinds, type TestStore } from '../store/stores';

const event = (changes: Partial<AuditEvent> = {}): AuditEvent => ({
  attempt: 'a1',
  actor: { id: 'node:1', name: 'Setpoint', origin: 'flow:2' },
  action: 'tag.write',
  connection_id: 3,
  subject: 'setpoint',
  outcome: 'begun',
  details: { asked: '20.5' },
  ...changes,
});

for (const kind of storeKinds) {
  describe(`audit log, on ${kind.name}`, () => {
    let place: TestStore;
    let audit: AuditLog;

    beforeEach(async function () {
      place = await newStore(kind, this);
      audit = new AuditLog(place.store.database);
    });
    afterEach(() => place?.dispose());

    it('gives what was put on record, newest first', async () => {
      await audit.append([event(), event({ attempt: 'a2', connection_id: null, actor: event().actor })]);
      await audit.append([event({ outcome: 'done', details: { held: '20.5', verified: true } })]);
      const { items, total } = await audit.list({ connection_id: 3, attempt: 'a1' });
      assert.equal(total, 2);
      const [done, begun] = items;
      assert.deepEqual(
        [done?.outcome, done?.details, begun?.outcome, begun?.details],
        ['done', { held: '20.5', verified: true }, 'begun', { asked: '20.5' }],
      );
      assert.deepEqual(
        [begun?.actor, begun?.actor_name, begun?.origin, begun?.subject],
        ['node:1', 'Setpoint', 'flow:2', 'setpoint'],
      );
      assert.equal((await audit.list({ from: done!.at, to: '2100-01-01T00:00:00Z' })).items[0]?.id, done?.id);
      assert.equal((await audit.list({ to: begun!.at })).total, 0);
    });

    it('takes as many at once as a machine has tags, and what is cut off in the middle of a character', async () => {
      const subject = `${'x'.repeat(499)}\u{1f600}`;
      await audit.append(Array.from({ length: 6000 }, () => event({ subject })));
      const { entries, broken_at } = await audit.verify();
      assert.deepEqual([entries, broken_at], [6000, null]);
    });

    it('is one chain, whoever adds to it at once', async () => {
      const others = [audit, new AuditLog((await place.again()).database)];
      const added = Array.from({ length: 20 }, (_, index) => others[index % 2]!.append([event(), event()]));
      await Promise.all(added);
      const { items } = await audit.list({ limit: 1 });
      assert.deepEqual(await audit.verify(), { entries: 40, broken_at: null, last_hash: items[0]?.hash });
    });

    it('tells where an entry was changed or taken out', async () => {
      for (let index = 0; index < 4; index++) await audit.append([event({ subject: `tag ${index}` })]);
      const ids = (await audit.list({})).items.map(({ id }) => id).reverse();
      const { database } = place.store;
      await database.execute('UPDATE integration_audit SET subject = ? WHERE id = ?', ['another', ids[2]!]);
      assert.deepEqual(await audit.verify(), { entries: 2, broken_at: ids[2], last_hash: null });
      await database.execute('DELETE FROM integration_audit WHERE id = ?', [ids[2]!]);
      assert.deepEqual(await audit.verify(), { entries: 2, broken_at: ids[3], last_hash: null });
    });

    it('lets the oldest go, and tells what was let go from what was taken out', async () => {
      const by = { id: 'hub:', name: null, origin: null };
      await audit.append([event({ subject: 'tag 0' }), event({ subject: 'tag 1' })]);
      const [gone] = (await audit.list({})).items;
      while (Date.now() <= Date.parse(gone!.at)) await nextTurn();
      await audit.append([event({ subject: 'tag 2' }), event({ subject: 'tag 3' })]);
      const [, kept] = (await audit.list({})).items;
      const before = Date.parse(kept!.at);
      assert.equal(await audit.forget(before, by), false);
      const { items } = await audit.list({});
      assert.deepEqual(
        items.map(({ action, subject }) => `${action} ${subject}`),
        ['removeAuditEntries /audit', 'tag.write tag 3', 'tag.write tag 2'],
      );
      assert.deepEqual(items[0]?.details, { entries: 2, before: kept?.at, last_hash: gone?.hash });
      assert.deepEqual(await audit.verify(), { entries: 3, broken_at: null, last_hash: items[0]?.hash });
      assert.equal(await audit.forget(before, by), false);
      assert.equal((await audit.verify()).entries, 3);
      await place.store.database.execute('DELETE FROM integration_audit WHERE id = ?', [kept!.id]);
      assert.deepEqual(await audit.verify(), { entries: 2, broken_at: items[1]!.id, last_hash: null });
    });

    it('keeps no secrets, and of what is very long the beginning', async () => {
      await audit.append([event({ details: { arguments: { user: 'anna', password: 'open-sesame' } } })]);
      await audit.append([event({ subject: 's'.repeat(1000), details: { asked: 'x'.repeat(50_000) } })]);
      const [long, secret] = (await audit.list({})).items;
      assert.deepEqual(secret?.details, { arguments: { user: 'anna', password: '[redacted]' } });
      assert.equal(long?.details.length, 50_012);
      assert.equal(long?.subject.length, 500);
      assert.equal((await audit.verify()).entries, 2);
    });
  });
}
