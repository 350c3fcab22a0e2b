import assert from 'node:assert/strict';
import type { WriteGuarantee } from '../../../lib/connectors/contract';
import { levelOf } from '../../../lib/sync/writes/guarantee';

const NOTHING: WriteGuarantee = {
  upsertByKey: false,
  idempotencyKey: false,
  lookup: 'none',
  transactional: false,
  snapshot: false,
};

describe('guarantee of a mapping', () => {
  const levels: [Partial<WriteGuarantee>, string][] = [
    [{ transactional: true, upsertByKey: true }, 'exactly_once'],
    [{ upsertByKey: true }, 'once'],
    [{ idempotencyKey: true }, 'once'],
    [{ lookup: 'strong' }, 'once'],
    [{ lookup: 'eventual' }, 'asks'],
    [{}, 'asks'],
    [{ snapshot: true, resumable: true }, 'snapshot'],
    [{ resumable: true }, 'resumable'],
  ];
  for (const [offers, level] of levels) {
    it(`${JSON.stringify(offers)} makes ${level}`, () => {
      assert.equal(levelOf({ ...NOTHING, ...offers }), level);
    });
  }
});
