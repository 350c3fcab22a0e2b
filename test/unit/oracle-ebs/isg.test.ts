import assert from 'node:assert/strict';
import type { CallAnswer, Connector } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/erp/oracle-ebs/connector';
import type { OpenConnection } from '../../../lib/model/connection';
import type { IntegrationError } from '../../../lib/model/errors';
import { IsgServer, NIL } from '../../support/ebs/isg-server';

const signal = new AbortController().signal;

describe('the gateway of E-Business Suite (ISG)', () => {
  const server = new IsgServer();
  const opened: Connector[] = [];
  before(async () => {
    await server.start();
    server.methods.set('stock/get_onhand', (input) => ({
      X_RETURN_STATUS: 'S',
      X_MSG_COUNT: 0,
      X_MSG_DATA: NIL,
      X_ROWS: { X_ROWS_ITEM: { ITEM: input.P_ITEM, QTY: 12.5 } },
      X_NONE: { X_NONE_ITEM: [] },
    }));
    server.methods.set('stock/refuse', ({ P_STATUS }) => ({
      X_RETURN_STATUS: P_STATUS,
      X_MSG_COUNT: 1,
      X_MSG_DATA: `Item not found, said ${server.password}`,
    }));
  });
  afterEach(async () => {
    server.asked.length = 0;
    server.logins = 0;
    server.responsibility = null;
    server.withoutGrant.clear();
    server.cuts = () => false;
    for (const connector of opened.splice(0)) await connector.close();
  });
  after(() => server.stop());

  function open(config: OpenConnection['config'] = {}, password = server.password): Connector {
    const connection = {
      ...{ id: ++connections, name: 'ebs', connector_type: 'erp.oracle-ebs', credentials: { password } },
      config: { base_url: server.url, username: server.username, timeout_ms: 20_000, ...config },
    };
    const connector = create(connection, { log: () => undefined });
    opened.push(connector);
    return connector;
  }
  const onhand = (connector: Connector, item = 'AX-100'): Promise<CallAnswer> =>
    connector.call!('call', { service: 'stock', method: 'get_onhand', parameters: { P_ITEM: item } }, signal);

  it('signs in once for many calls, and again when the session is over', async () => {
    const connector = open();
    const answers = await Promise.all([onhand(connector, 'A'), onhand(connector, 'B')]);
    assert.equal(server.logins, 1);
    assert.deepEqual(answers[0]!.payload, {
      ...{ X_RETURN_STATUS: 'S', X_MSG_COUNT: 0, X_MSG_DATA: null },
      ...{ X_ROWS: [{ ITEM: 'A', QTY: 12.5 }], X_NONE: [] },
    });
    server.expire();
    assert.equal(((await onhand(connector)).payload as { X_RETURN_STATUS: string }).X_RETURN_STATUS, 'S');
    assert.equal(server.logins, 2);
  });

  it('sends user and password with each request where that is wanted', async () => {
    await onhand(open({ authentication: 'basic' }));
    assert.equal(server.logins, 0);
    assert.match(server.asked[0]!.headers.authorization ?? '', /^Basic /);
  });

  it('names responsibility, application and operating unit, and leaves out what is empty', async () => {
    server.responsibility = 'WIP_SUPERUSER';
    await onhand(open({ responsibility: 'WIP_SUPERUSER', responsibility_application: 'WIP', org_id: '204' }));
    const { body } = server.asked.at(-1)!;
    assert.deepEqual(JSON.parse(body), {
      GET_ONHAND_Input: {
        RESTHeader: {
          ...{ Responsibility: 'WIP_SUPERUSER', RespApplication: 'WIP', SecurityGroup: 'STANDARD' },
          ...{ NLSLanguage: 'AMERICAN', Org_Id: '204' },
        },
        InputParameters: { P_ITEM: 'AX-100' },
      },
    });
    await onhand(open({ responsibility: 'WIP_SUPERUSER' }));
    assert.ok(!server.asked.at(-1)!.body.includes('Org_Id'));
  });

  it('asks methods that are deployed with GET by the URL, in the same name', async () => {
    server.methods.set('hw/get_hello', ({ P_NAME, ...others }) => ({ X_HELLO: `Olá ${P_NAME}`, X_OTHERS: others }));
    server.gets.add('hw/get_hello');
    server.responsibility = 'WIP_SUPERUSER';
    const connector = open({
      ...{ responsibility: 'WIP_SUPERUSER', responsibility_application: 'WIP', org_id: '204' },
    });
    const hello = (parameters: Record<string, unknown>, http_method = 'GET') =>
      connector.call!('call', { service: 'hw', method: 'get_hello', http_method, parameters }, signal);
    const { payload } = await hello({ P_NAME: 'João & cia', P_COUNT: 2, P_NONE: null });
    assert.deepEqual(payload, { X_HELLO: 'Olá João & cia', X_OTHERS: { P_COUNT: '2' } });
    assert.equal(server.asked.at(-1)!.body, '');
    await assert.rejects(hello({}, 'POST'), { class: 'config' });
    await assert.rejects(hello({}, 'PUT'), { code: 'PCP_SETTING_INVALID', path: 'http_method' });
    await assert.rejects(hello({ P_TBL: [] }), { code: 'PCP_SETTING_INVALID', path: 'parameters' });
  });

  it('tells the words of a table of messages, where there are several', async () => {
    const messages = { X_MESSAGES_ITEM: [{ MESSAGE_TEXT: 'Invalid item' }, { MESSAGE_TEXT: ' No price ' }] };
    server.methods.set('order/process', () => ({
      ...{ X_RETURN_STATUS: 'E', X_MSG_COUNT: 2, X_MSG_DATA: NIL, X_MESSAGES: messages },
    }));
    const call = open().call!('call', { service: 'order', method: 'process' }, signal);
    await assert.rejects(call, {
      code: 'PCP_ISG_REFUSED',
      message: 'order/process returned E: Invalid item; No price',
    });
  });

  for (const status of ['E', 'U']) {
    it(`takes an answer with the status ${status} for a failure, and masks what it repeats of secrets`, async () => {
      const call = open().call!(
        'call',
        { service: 'stock', method: 'refuse', parameters: { P_STATUS: status } },
        signal,
      );
      await assert.rejects(call, (error: IntegrationError) => {
        assert.deepEqual([error.class, error.code], ['data', 'PCP_ISG_REFUSED']);
        assert.match(error.message, new RegExp(`returned ${status}: Item not found`));
        return !JSON.stringify(error.toJSON()).includes(server.password);
      });
    });
  }

  const refused: [string, (connector: Connector) => Promise<unknown>, string, string][] = [
    [
      'an alias that is not deployed',
      (c) => c.call!('call', { service: 'none', method: 'x' }, signal),
      'config',
      'PCP_ISG_NOT_DEPLOYED',
    ],
    [
      'a method that is not deployed',
      (c) => c.call!('call', { service: 'stock', method: 'x' }, signal),
      'config',
      'PCP_ISG_NOT_DEPLOYED',
    ],
    [
      'a path in place of a name',
      (c) => c.call!('call', { service: '../x', method: 'x' }, signal),
      'config',
      'PCP_SETTING_INVALID',
    ],
    ['another operation', (c) => c.call!('delete', {}, signal), 'config', 'PCP_OPERATION_UNKNOWN'],
  ];
  for (const [what, call, errorClass, code] of refused) {
    it(`tells of ${what}`, async () => {
      await assert.rejects(call(open()), { class: errorClass, code });
    });
  }

  it('tells of a missing grant, and of a password that is wrong', async () => {
    server.withoutGrant.add('stock/get_onhand');
    await assert.rejects(onhand(open()), { class: 'permission', code: 'PCP_ISG_NO_GRANT', hint: 'Please check it' });
    await assert.rejects(onhand(open({}, 'canary-no')), { class: 'auth', code: 'PCP_ISG_SIGN_IN' });
  });

  it('does not know what became of a call whose answer was cut off', async () => {
    const connector = open();
    await onhand(connector);
    server.cuts = () => true;
    await assert.rejects(onhand(connector), (error: IntegrationError) => error.outcomeUnknown);
  });

  it('can be the only way there is: what needs the database says so', async () => {
    const connector = open();
    await assert.rejects(connector.discover!(signal), { code: 'PCP_SETTING_MISSING', path: '/config/host' });
    const report = await connector.test(signal);
    assert.equal(report.ok, true, JSON.stringify(report));
  });
});

let connections = 6000;
