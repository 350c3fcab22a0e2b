import assert from 'node:assert/strict';
import { catalogue } from '../../../lib/locales/catalogue';
import type { EntityInfo } from '../../../lib/model/entity';
import { IntegrationError } from '../../../lib/model/errors';
import { phrase } from '../../../lib/model/phrase';
import type { WebhookExecution } from '../../../lib/model/webhook';
import { startApi, type TestApi } from './api-server';
import { deadLetter, execution } from './sample-rows';

const PORTUGUESE = { 'Accept-Language': 'pt-BR,pt;q=0.9,en;q=0.8' };
const REFUSED = {
  title: 'Nada responde neste endereço',
  hint: 'Verifique a porta e se o servidor está em execução e atende neste endereço.',
};
const refused = new IntegrationError('transient', 'PCP_CONNECT_REFUSED', phrase`Nothing answers at ${'h:1'}.`, {
  hint: 'Is the database up?',
});
const values = { connector_type: 'generic.database', config: { host: 'h' } };

describe('API: languages', () => {
  it('has what codes of failures mean in each of them', async () => {
    const api = await startApi();
    const { body } = await api.call('GET', '/failures', undefined, PORTUGUESE);
    assert.deepEqual((body.failures as Record<string, unknown>).PCP_CONNECT_REFUSED, REFUSED);
    const english = (await api.call('GET', '/failures')).body.failures as Record<string, { title: string }>;
    assert.equal(english.PCP_CONNECT_REFUSED?.title, 'Nothing answers at this address');
    await api.close();
  });

  let api: TestApi;
  beforeEach(async () => {
    api = await startApi({
      runner: {
        test: async () => ({
          ok: false,
          duration_ms: 1,
          steps: [
            { name: 'resolve', ok: true, detail: '127.0.0.1' },
            { name: 'authorise', ok: true, detail: { 'en-US': '3 tables', 'pt-BR': '3 tabelas' } },
            { name: 'connect', ok: false, error: refused.toJSON() },
          ],
        }),
        preview: async () => ({
          records: [
            {
              position: null,
              before: { a: 1 },
              after: null,
              current: null,
              diff: [],
              request: null,
              action: 'error' as const,
              errors: [{ ...refused.toJSON(), field: null, rule: 'PCP_CONNECT_REFUSED' }],
            },
          ],
          guarantee: 'asks' as const,
          totals: { create: 0, update: 0, unchanged: 0, write: 0, filtered: 0, error: 1 },
          complete: true,
        }),
        discover: async () => {
          throw refused;
        },
      },
    });
  });
  afterEach(() => api.close());

  it('tells a problem in the language that the client likes best', async () => {
    const titles: [string | undefined, string][] = [
      [undefined, 'There is nothing of this name'],
      ['pt-BR', 'Não há nada com este nome'],
      ['pt', 'Não há nada com este nome'],
      ['en;q=0.8, PT-PT;q=0.9, de', 'Não há nada com este nome'],
      ['pt;q=0, en', 'There is nothing of this name'],
      ['en-GB,pt;q=0.5', 'There is nothing of this name'],
      ['de, *;q=0.1', 'There is nothing of this name'],
    ];
    for (const [language, title] of titles) {
      const headers: Record<string, string> = language === undefined ? {} : { 'Accept-Language': language };
      const { body, headers: sent } = await api.call('GET', '/connections/9', undefined, headers);
      assert.equal(body.title, title, language);
      assert.equal(sent['content-language'], title.startsWith('There') ? 'en-US' : 'pt-BR');
    }
  });

  it('keeps the hint of the very case in English, and has one of the kind in Portuguese', async () => {
    const english = await api.call('POST', '/connections/entities', values);
    assert.deepEqual([english.body.hint, english.body.detail], ['Is the database up?', 'Nothing answers at h:1.']);
    const { title, hint, detail } = (await api.call('POST', '/connections/entities', values, PORTUGUESE)).body;
    assert.deepEqual({ title, hint }, REFUSED);
    assert.equal(detail, 'Nada responde em h:1.');
    const without = await api.call('GET', '/connections/9');
    assert.equal(without.body.hint, 'Check the address, the id or the name.');
  });

  it('says where a name belongs that stands in the wrong place', async () => {
    const misplaced = async (body: object, headers: Record<string, string>) =>
      (await api.call('POST', '/connections/test', body, headers)).body.errors;
    const config = { ...values.config, timezone: 'UTC', password: 'x', hots: 'h' };
    assert.deepEqual(await misplaced({ ...values, config }, {}), [
      { pointer: '/config/timezone', detail: 'is not known here, but beside "config"' },
      { pointer: '/config/password', detail: 'is not known here, but inside "credentials"' },
      { pointer: '/config/hots', detail: 'is not known here' },
    ]);
    assert.deepEqual(await misplaced({ ...values, config }, PORTUGUESE), [
      { pointer: '/config/timezone', detail: 'não é conhecido aqui, e sim ao lado de "config"' },
      { pointer: '/config/password', detail: 'não é conhecido aqui, e sim dentro de "credentials"' },
      { pointer: '/config/hots', detail: 'não é conhecido aqui' },
    ]);
    const mapping = {
      name: 'm',
      batch_size: 5,
      field_mappings: [{ target: 'a', filters: [] }],
      options: { name: 'x' },
    };
    const preview = await api.call('POST', '/mappings/preview', { mapping });
    const said = new Map(preview.body.errors?.map(({ pointer, detail }) => [pointer, detail]));
    assert.equal(said.get('/mapping/batch_size'), 'is not known here, but inside "options"');
    assert.equal(said.get('/mapping/field_mappings/0/filters'), 'is not known here, but beside "field_mappings"');
    assert.equal(said.get('/mapping/options/name'), 'is not known here, but beside "options"');
  });

  it('tells in it why an entity could not be looked at to its end', async () => {
    await api.close();
    const fault = new IntegrationError('data', 'PCP_CSV_QUOTE', phrase`a record is larger than ${9} bytes`).toJSON();
    const info = { name: 'o', kind: 'file' as const, key: [], readable: true, writable: false };
    const describe = async () => ({ info, schema: { type: 'object', 'x-sample-fault': fault } });
    api = await startApi({ runner: { describe } });
    const told = async (headers: Record<string, string>) => {
      const { body } = await api.call('POST', '/connections/entities/o', values, headers);
      return (body.schema as Record<string, Record<string, string>>)['x-sample-fault'];
    };
    const { title, hint } = catalogue('pt-BR').PCP_CSV_QUOTE!;
    const message = 'um registro é maior que 9 bytes';
    assert.deepEqual(await told(PORTUGUESE), { class: 'data', code: 'PCP_CSV_QUOTE', message, title, hint });
    assert.equal((await told({}))?.message, 'a record is larger than 9 bytes');
  });

  it('names the entities of the other side in it, and what is wrong with one', async () => {
    await api.close();
    const labels = { 'en-US': 'Production orders', 'pt-BR': 'Ordens de produção' };
    const error = new IntegrationError('data', 'PCP_CSV_QUOTE', phrase`a record is larger than ${9} bytes`).toJSON();
    const info = {
      name: 'o',
      label: labels['en-US'],
      labels,
      kind: 'entity',
      key: [],
      readable: true,
      writable: false,
    };
    const discover = async () => [info, { ...info, name: 'p', error }];
    const describe = async () => ({ info, schema: {} });
    api = await startApi({ runner: { discover, describe } });
    for (const [headers, label, message] of [
      [{}, labels['en-US'], 'a record is larger than 9 bytes'],
      [PORTUGUESE, labels['pt-BR'], 'um registro é maior que 9 bytes'],
    ] as const) {
      const { items } = (await api.call('POST', '/connections/entities', values, headers)).body as {
        items: Record<string, unknown>[];
      };
      assert.deepEqual(
        items.map((item) => [item.label, 'labels' in item, (item.error as { message?: string } | undefined)?.message]),
        [
          [label, false, undefined],
          [label, false, message],
        ],
      );
      const described = (await api.call('POST', '/connections/entities/o', values, headers)).body;
      assert.equal((described.info as Record<string, unknown>).label, label);
    }
  });

  it('tells the steps of a test and the errors of a preview in it', async () => {
    type Steps = { detail?: string; error?: { title: string; hint: string; message: string } }[];
    const test = async (headers: Record<string, string>) =>
      (await api.call('POST', '/connections/test', values, headers)).body.steps as Steps;
    const [resolve, authorise, connect] = await test(PORTUGUESE);
    assert.deepEqual([resolve?.detail, authorise?.detail], ['127.0.0.1', '3 tabelas']);
    assert.deepEqual({ title: connect?.error?.title, hint: connect?.error?.hint }, REFUSED);
    assert.equal(connect?.error?.message, 'Nada responde em h:1.');
    assert.ok(!('said' in connect.error));
    assert.equal((await test({}))[1]?.detail, '3 tables');
    const mapping = {
      name: 'm',
      connection_id: 1,
      entity_type: 'production_order',
      direction: 'import',
      source_entity: 'o',
      target_entity: 'production_order',
      field_mappings: [{ source: 'a', target: 'plant' }],
    };
    const preview = await api.call('POST', '/mappings/preview', { mapping }, PORTUGUESE);
    const [record] = preview.body.records as { errors: { title: string; hint: string; message: string }[] }[];
    assert.deepEqual({ title: record?.errors[0]?.title, hint: record?.errors[0]?.hint }, REFUSED);
    assert.equal(record?.errors[0]?.message, 'Nada responde em h:1.');
    const { level, text } = preview.body.guarantee as { level: string; text: string };
    assert.equal(level, 'asks');
    assert.match(text, /^Cada alteração é enviada uma vez\./);
  });

  it('tells why a record was refused in it, in each view of the dead letter', async () => {
    await api.close();
    const said = phrase`${phrase`${'quantity'} (from ${'Qtd'})`}: ${phrase`${'"abc"'} is not a decimal number`}.`;
    const letter = { ...deadLetter(), message: 'English.', said };
    const sync = { deadLetter: async () => letter, editDeadLetter: async () => letter, discard: async () => letter };
    const page = { items: [letter], next_cursor: null, total: 1 };
    const groups = async () => [{ ...letter, group: 'g1', count: 1 }];
    api = await startApi({ sync: { ...sync, deadLetters: async () => page, deadLetterGroups: groups } });
    const one = '/sync/dead-letters/1';
    const views = async (headers: Record<string, string>) => [
      ((await api.call('GET', '/sync/dead-letters', undefined, headers)).body.items as unknown[])[0],
      ((await api.call('GET', '/sync/dead-letters/groups', undefined, headers)).body.items as unknown[])[0],
      (await api.call('GET', one, undefined, headers)).body,
      (await api.call('PUT', one, { payload: {} }, headers)).body,
      (await api.call('POST', `${one}/discard`, undefined, headers)).body,
    ];
    const messages = async (headers: Record<string, string>) =>
      (await views(headers)).map((view) => [
        (view as { message: string }).message,
        Object.hasOwn(view as object, 'said'),
      ]);
    const portuguese = 'quantity (de Qtd): "abc" não é um número decimal.';
    assert.deepEqual(await messages(PORTUGUESE), Array(5).fill([portuguese, false]));
    const english = 'quantity (from Qtd): "abc" is not a decimal number.';
    assert.deepEqual(await messages({}), Array(5).fill([english, false]));
  });

  it('tells what is there in English only behind the words for its kind, once, wherever it is told', async () => {
    const kind = 'Nada responde neste endereço';
    const message = 'connect ECONNREFUSED h:1';
    const told = `${kind} (${message}).`;
    const failed = { error_code: 'PCP_CONNECT_REFUSED', error_message: `${message}.` };
    const letter = { ...deadLetter(), code: 'PCP_CONNECT_REFUSED', message: `${message}.` };
    const [attempt] = execution().attempts;
    const undelivered = { ...execution(), ...failed, attempts: [{ ...attempt!, ...failed }] };
    const error = { class: 'config', code: 'PCP_CONNECT_REFUSED', message: `${message}.` };
    await api.close();
    api = await startApi({
      sync: { deadLetter: async () => letter },
      deliveries: { get: async () => undelivered },
      runner: {
        discover: async () => [
          { name: 'a', kind: 'draft', key: [], readable: false, writable: false, error } as EntityInfo,
        ],
        describe: async () => {
          throw new IntegrationError('config', 'PCP_CONNECT_REFUSED', `${message}.`);
        },
      },
    });
    const asked = async (headers: Record<string, string>) => {
      const { body } = await api.call('GET', '/webhooks/1/executions/1', undefined, headers);
      const { attempts, error_message } = body as unknown as WebhookExecution;
      const [info] = (await api.call('POST', '/connections/entities', values, headers)).body
        .items as unknown as EntityInfo[];
      const problem = (await api.call('POST', '/connections/entities/a', values, headers)).body;
      const { message } = (await api.call('GET', '/sync/dead-letters/1', undefined, headers)).body as {
        message?: string;
      };
      return [error_message, attempts[0]?.error_message, info?.error?.message, problem.detail, message];
    };
    assert.deepEqual(await asked(PORTUGUESE), Array(5).fill(told));
    assert.deepEqual(await asked({}), Array(5).fill(`${message}.`));
  });

  it("says that an answer is one of a language, and is no other language's unchanged one", async () => {
    await api.close();
    const letter = { ...deadLetter(), said: phrase`a record is larger than ${9} bytes` };
    const sync = { deadLetter: async () => letter, editDeadLetter: async () => letter };
    api = await startApi({ sync });
    const one = '/sync/dead-letters/1';
    const english = await api.call('GET', one);
    const etag = String(english.headers.etag);
    assert.equal(english.headers.vary, 'Accept-Language');
    const again = await api.call('GET', one, undefined, { 'If-None-Match': etag });
    assert.deepEqual([again.status, again.headers.vary], [304, 'Accept-Language']);
    const portuguese = await api.call('GET', one, undefined, { ...PORTUGUESE, 'If-None-Match': etag });
    assert.deepEqual([portuguese.status, portuguese.body.message], [200, 'um registro é maior que 9 bytes']);
    for (const tag of [etag, String(portuguese.headers.etag)]) {
      assert.equal((await api.call('PUT', one, { payload: {} }, { 'If-Match': tag })).status, 200);
    }
    assert.equal((await api.call('PUT', one, { payload: {} }, { 'If-Match': '"other"' })).status, 412);
    assert.equal((await api.call('GET', '/nowhere')).headers.vary, 'Accept-Language');
  });

  it('is that of what is wrong with a value', async () => {
    const { body } = await api.call('POST', '/sync/1', { mapping_id: 'x', direction: 'up', colour: 'red' }, PORTUGUESE);
    const details = (body.errors as { detail: string }[]).map(({ detail }) => detail);
    assert.equal(body.detail, 'O corpo tem valores errados.');
    assert.deepEqual(details.sort(), [
      'deve ser integer',
      'deve ser um destes: import, export',
      'não é conhecido aqui',
    ]);
  });

  it('is that of a note that the engine left, not of what somebody wrote', async () => {
    await api.close();
    const note = 'A correction was replaced: what the mapping reads of the record has changed since.';
    const letters = [note, 'replaced {0} by hand', 'constructor', null].map((each) => ({
      ...deadLetter(),
      note: each,
    }));
    api = await startApi({ sync: { deadLetters: async () => ({ items: letters, next_cursor: null, total: 4 }) } });
    const { body } = await api.call('GET', '/sync/dead-letters', undefined, PORTUGUESE);
    assert.deepEqual(
      (body.items as { note: string | null }[]).map((letter) => letter.note),
      [
        'Uma correção foi substituída: o que o mapeamento lê do registro mudou desde então.',
        'replaced {0} by hand',
        'constructor',
        null,
      ],
    );
  });

  it('takes secrets out of what is said in it', async () => {
    await api.close();
    const secret = 'canary-of-a-secret';
    const refusal = new IntegrationError('auth', 'PCP_SQL_AUTH', phrase`${secret} refuses the user "${'u'}".`);
    const discover = async () => {
      throw refusal;
    };
    api = await startApi({ runner: { discover } });
    const given = { ...values, credentials: { password: secret } };
    const { text, body } = await api.call('POST', '/connections/entities', given, PORTUGUESE);
    assert.match(String(body.detail), /recusa o usuário "u"/);
    assert.ok(!text.includes(secret), text);
  });
});
