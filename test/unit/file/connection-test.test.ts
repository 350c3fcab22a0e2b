import assert from 'node:assert/strict';
import { fileConnector, never, temporaryRoot } from './support';

describe('the test of a file connection', () => {
  const root = temporaryRoot();
  const entities = { garbage: { path: 'garbage.csv', header: true }, orders: { path: 'orders*.csv' } };
  const read = async () => {
    const report = await fileConnector(root.path, { entities }).test(never);
    return { ok: report.ok, ...report.steps.find(({ name }) => name === 'read') };
  };

  it('names an entity whose file is broken beside those that can be read, and fails when there is none', async () => {
    root.put('garbage.csv', Buffer.from([0xff, 0xff, 0x80, 0x0a, 0xc3, 0x28, 0x0a]));
    for (const name of ['orders1.csv', 'orders2.csv']) root.put(name, 'no\n1\n');
    const both = await read();
    const { 'en-US': english, 'pt-BR': portuguese } = both.detail as { 'en-US': string; 'pt-BR': string };
    assert.equal(both.ok, true);
    assert.match(english, /^orders: 2 files match, "garbage" cannot be read: garbage\.csv/);
    assert.match(portuguese, /^orders: 2 arquivos encontrados, "garbage" não pode ser lido: garbage\.csv/);
    entities.orders.path = 'garbage.csv';
    const none = await read();
    assert.equal(none.ok, false);
    assert.match(none.error?.message ?? '', /^"garbage" cannot be read: garbage\.csv/);
  });
});
