import assert from 'node:assert/strict';
import { type Locale, spoken } from '../../../lib/locales/catalogue';
import { fieldError, ValueProblem } from '../../../lib/mapping/problems';
import { IntegrationError } from '../../../lib/model/errors';
import { phrase } from '../../../lib/model/phrase';
import { parseKey } from '../../../lib/security/keys';
import { Vault } from '../../../lib/security/vault';
import { newestFirst } from '../../../lib/store/lists';
import { groupHash, LetterKeeper } from '../../../lib/sync/letters/dead-letters';
import { idsAtOnce, LETTER_SIZE, toDeadLetter } from '../../../lib/sync/letters/letter-rows';
import type { Failure } from '../../../lib/sync/plan';
import { newStore, storeKinds, type TestStore } from '../store/stores';

const vault = new Vault([parseKey('c3'.repeat(32), 'test')]);
const MIB = 1024 * 1024;

describe('groups of dead letters', () => {
  it('tell the two directions of a mapping apart', () => {
    const error = new IntegrationError('conflict', 'PCP_X', 'Both sides changed.');
    const hash = (direction: 'import' | 'export') =>
      groupHash({ mappingId: 1, direction }, { stage: 'plan', field: null, error });
    assert.notEqual(hash('import'), hash('export'));
  });
});

for (const kind of storeKinds) {
  describe(`large dead letters in ${kind.name}`, () => {
    let opened: TestStore;

    beforeEach(async function () {
      opened = await newStore(kind, this);
    });

    afterEach(() => opened?.dispose());

    /** A record of so many bytes as JSON. */
    const record = (id: number, bytes: number) => {
      const empty = { id, text: 'é' };
      return { id, text: `é${'x'.repeat(bytes - Buffer.byteLength(JSON.stringify(empty)))}` };
    };

    const failure = (payload: { id: number }): Failure => ({
      sourceKey: `["${payload.id}"]`,
      payload,
      stage: 'transform',
      field: 'a',
      rule: 'type',
      value: 'x',
      error: new IntegrationError('data', 'PCP_X', 'Wrong.'),
    });

    const keep = async (payloads: { id: number }[]): Promise<void> => {
      const stream = { mappingId: 1, mappingVersion: 1, direction: 'import', runId: 1 } as const;
      const keeper = new LetterKeeper({ stream, vault, limit: 100, fields: undefined });
      const { database } = opened.store;
      await database.transaction((transaction) => keeper.keep(transaction, payloads.map(failure), 1_700_000_000_000));
    };

    const list = (request: { limit?: number; cursor?: string | undefined } = {}) =>
      newestFirst(opened.store.database, 'integration_dead_letters', [], request, (row) => toDeadLetter(row, vault), {
        size: LETTER_SIZE,
        atOnce: idsAtOnce,
      });

    it('keeps a record of 8 MiB, and says so of one that is larger', async () => {
      const [fits, larger] = [record(1, 8 * MIB), record(2, 8 * MIB + 1)];
      assert.equal(Buffer.byteLength(JSON.stringify(fits)), 8 * MIB);
      await keep([fits, larger]);
      const [second, first] = (await list()).items;
      assert.deepEqual([first!.payload, first!.payload_error], [fits, null]);
      assert.deepEqual([second!.payload, second!.payload_error], [null, 'PCP_PAYLOAD_NOT_KEPT']);
    });

    it('keeps why a record was refused for readers of each language, and what was kept as a text stays one', async () => {
      const stream = { mappingId: 1, mappingVersion: 1, direction: 'import', runId: 1 } as const;
      const keeper = new LetterKeeper({ stream, vault, limit: 100, fields: undefined });
      const problem = new ValueProblem('PCP_VALUE_TYPE', 'decimal', phrase`${'"x"'} is not a decimal number`, 'x');
      const refused = { ...failure({ id: 1 }), error: fieldError(problem, 'quantity', 'Qtd') };
      await opened.store.database.transaction((transaction) =>
        keeper.keep(transaction, [refused, failure({ id: 2 })], 1_700_000_000_000),
      );
      const letters = (await list()).items;
      const messages = (locale: Locale) => letters.map((letter) => spoken(letter, locale).message);
      assert.deepEqual(messages('en-US'), ['Wrong.', 'quantity (from Qtd): "x" is not a decimal number.']);
      assert.deepEqual(messages('pt-BR'), ['Wrong.', 'quantity (de Qtd): "x" não é um número decimal.']);
    });

    it('has room for what a page that was rolled back did not take', async () => {
      const stream = { mappingId: 1, mappingVersion: 1, direction: 'import', runId: 1 } as const;
      const keeper = new LetterKeeper({ stream, vault, limit: 3, fields: undefined });
      const { database } = opened.store;
      const page = (ids: number[], undone = false) =>
        database.transaction(async (transaction) => {
          await keeper.keep(
            transaction,
            ids.map((id) => failure({ id })),
            0,
          );
          if (undone) throw new Error('undone');
        });
      await assert.rejects(page([1, 2, 3], true), /undone/);
      await page([1, 2]);
      await page([3]);
      await assert.rejects(page([4]), { code: 'PCP_DEAD_LETTERS_FULL' });
    });

    it('shows as many on a page as fit in memory', async () => {
      await keep([1, 2, 3, 4, 5].map((id) => record(id, 4 * MIB)));
      await keep([record(6, 100), record(7, 8 * MIB)]);
      const seen: number[][] = [];
      let cursor: string | undefined;
      do {
        const page = await list({ limit: 4, cursor });
        assert.equal(page.total, 7);
        seen.push(page.items.map(({ payload }) => (payload as { id: number }).id));
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined);
      assert.deepEqual(seen, [[7, 6], [5, 4], [3, 2], [1]]);
    });
  });
}
