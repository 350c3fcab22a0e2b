import assert from 'node:assert/strict';
import { descriptor } from '../../../lib/connectors/generic/database/descriptor';
import { validateSettings } from '../../../lib/connectors/schema';

describe('generic.database: views when they are saved', () => {
  const save = (view: unknown) =>
    validateSettings(descriptor, { dialect: 'sqlite', storage: 'a.db', views: { x: view } }, {});

  it('takes queries, whatever stands before their first word', () => {
    for (const sql of [
      'select 1',
      '  WITH a AS (SELECT 1) SELECT * FROM a',
      '-- one\n/* two * / */ ((SELECT 1) UNION (SELECT 2))',
      'VALUES (1)',
      'table part',
    ]) {
      save(sql);
      save({ sql, key: ['id'] });
    }
  });

  it('refuses what cannot be one, and says what is expected', () => {
    for (const sql of [
      '',
      'delete from part returning *',
      '/* SELECT */ DROP TABLE part',
      'selection',
      '-- SELECT 1',
    ]) {
      const refused = { class: 'config', code: 'PCP_SETTINGS_INVALID', message: /must be a query, which begins/ };
      assert.throws(() => save(sql), { ...refused, path: '/config/views/x' }, sql);
      assert.throws(() => save({ sql }), { ...refused, path: '/config/views/x/sql' }, sql);
    }
    assert.throws(() => save({ key: ['id'] }), { path: '/config/views/x/sql' });
    assert.throws(() => save({ sql: 'SELECT 1', keys: [] }), { path: '/config/views/x/keys' });
    assert.throws(() => save(5), { path: '/config/views/x' });
    // A pattern that backtracks would need years for this.
    assert.throws(() => save(`${'/**/ '.repeat(5000)}x`));
  });
});
