import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ALERT_KINDS } from '../../lib/alerts/kinds';
import type { Alert, AlertEvent } from '../../lib/model/alert';
import { IntegrationError } from '../../lib/model/errors';
import { provideHub } from '../../nodes/hub-access';
import { CONNECTION, catcher, MAPPING, out, TAB, TYPES } from './flows';
import { helper, type Message, received, withNodeRed } from './helper';
import { StandInHub } from './stand-in-hub';

import alertType = require('../../nodes/pcp-alert/pcp-alert');

const AT = '2026-11-27T12:00:00.000Z';

const alert = (changes: Partial<Alert> = {}): Alert => ({
  ...{ id: 12, rule_id: 3, kind: 'dead_letters', subject: 'mapping:2', connection_id: 1, mapping_id: 2 },
  ...{ severity: 'warning', state: 'firing', value: 4, threshold: 1, since: AT, fired_at: AT, resolved_at: null },
  details: { mapping: 'Orders', connection: 'ERP' },
  ...{ acknowledged_at: null, acknowledged_by: null, note: null },
  ...changes,
});

const event = (type: AlertEvent['type']): AlertEvent => ({ id: 1, alert_id: 12, type, at: AT, by: null, value: 4 });

describe('pcp-alert', () => {
  const context = withNodeRed(() => new StandInHub());
  const flow = (changes: Record<string, unknown> = {}) => [
    ...[TAB, CONNECTION, MAPPING, out('out'), catcher, out('caught')],
    {
      ...{ id: 'node', type: 'pcp-alert', z: 'tab', name: '', kind: '', severity: '', events: '', connection: '' },
      ...{ mapping: '', wires: [['out']], ...changes },
    },
  ];

  async function follower() {
    for (;;) {
      const found = context.hub.alertFollowers.get('node:node');
      if (found !== undefined) return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** What the node sends of these, in order; the last one must be sent. */
  async function sent(changes: Record<string, unknown>, told: [AlertEvent['type'], Partial<Alert>?][]) {
    await helper.load([...TYPES, alertType], flow(changes));
    const tell = await follower();
    const messages: Message[] = [];
    const last = new Promise<void>((resolve) => {
      helper.getNode('out').on('input', ((message: Message) => {
        messages.push(message);
        if ((message.payload as Alert).id === 99) resolve();
      }) as never);
    });
    for (const [type, alertChanges] of told) (await tell(event(type), alert(alertChanges)))?.();
    (await tell(event('firing'), alert({ id: 99, ...told.at(-1)?.[1] })))?.();
    await last;
    return messages.slice(0, -1).map(({ event: type, topic }) => `${type} ${topic}`);
  }

  it('sends what happens to alerts, in words', async () => {
    await helper.load([...TYPES, alertType], flow());
    const message = received(helper.getNode('out'));
    (await (await follower())(event('firing'), alert()))?.();
    const { payload, topic, event: type } = await message;
    const { title, message: text, hint, id } = payload as Alert & Record<string, unknown>;
    assert.deepEqual([type, topic, id, title], ['firing', 'dead_letters', 12, 'Dead letters are open']);
    assert.equal(text, '"Orders" (ERP): 4 records wait for a correction or a decision.');
    assert.match(String(hint), /replay or discard/);
  });

  it('sends every kind of event, or only the begin and repetition', async () => {
    const all: [AlertEvent['type']][] = [['firing'], ['repeated'], ['acknowledged'], ['resolved']];
    const names = all.map(([type]) => `${type} dead_letters`);
    assert.deepEqual(await sent({}, all), names);
    await helper.unload();
    assert.deepEqual(await sent({ events: 'firing' }, all), names.slice(0, 2));
  });

  it('sends what it is asked for alone', async () => {
    const cases: [Record<string, unknown>, Partial<Alert>, Partial<Alert>][] = [
      [{ kind: 'data_delay' }, { kind: 'dead_letters' }, { kind: 'data_delay' }],
      [{ severity: 'critical' }, { severity: 'warning' }, { severity: 'critical' }],
      [{ connection: 'connection' }, { connection_id: 7 }, { connection_id: 1 }],
      [{ mapping: 'mapping' }, { mapping_id: 7 }, { mapping_id: 2 }],
    ];
    for (const [changes, other, own] of cases) {
      const found = await sent(changes, [
        ['firing', other],
        ['resolved', own],
      ]);
      assert.deepEqual(found, [`resolved ${own.kind ?? 'dead_letters'}`], JSON.stringify(changes));
      await helper.unload();
    }
  });

  it('leaves to a later time what it cannot decide, and says why', async () => {
    await helper.load([...TYPES, alertType], flow({ connection: 'gone' }));
    const decide = await follower();
    await assert.rejects(decide(event('firing'), alert()), { class: 'config' });
    assert.equal(helper.getNode('node').status.lastCall?.args[0].text, 'pcp-alert.status.class.config');
  });

  it('offers every kind that there is', () => {
    const html = readFileSync(join(__dirname, '../../nodes/pcp-alert/pcp-alert.html'), 'utf8');
    const offered = [...html.matchAll(/pcp-alert\.kind\.(\w+)/g)].map(([, kind]) => kind);
    assert.deepEqual(offered, ['all', ...ALERT_KINDS]);
  });

  it('listens no more when it is closed', async () => {
    await helper.load([...TYPES, alertType], flow());
    await follower();
    await helper.unload();
    assert.equal(context.hub.alertFollowers.size, 0);
  });

  it('says in its status that there is no store', async () => {
    provideHub(() => Promise.reject(new IntegrationError('transient', 'PCP_CONNECT_REFUSED', 'Nobody listens.')));
    await helper.load([...TYPES, alertType], flow());
    const { status } = helper.getNode('node');
    while (status.args.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(status.lastCall?.args[0].text, 'pcp-alert.status.class.transient');
  });
});
