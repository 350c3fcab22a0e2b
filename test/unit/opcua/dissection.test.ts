import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Connections, LINE, never, Received } from '../../support/opcua/connections';
import { PlantServer } from '../../support/opcua/plant-server';
import { Recording } from '../../support/opcua/recording';
import { absent, findProgram } from '../../support/server-process';

const LIMIT = 40;
/** Services by the numbers of their requests (Part 6, annex A). */
const SERVICES = {
  CreateSession: 461,
  ActivateSession: 467,
  CloseSession: 473,
  Browse: 527,
  TranslateBrowsePaths: 554,
  Read: 631,
  HistoryRead: 664,
  Write: 673,
  Call: 712,
  CreateMonitoredItems: 751,
  CreateSubscription: 787,
  Publish: 826,
  DeleteSubscriptions: 847,
};

describe('OPC UA: a session as tshark dissects it', () => {
  const server = new PlantServer();
  const connections = new Connections();
  let frames: { type: string; services: number[]; malformed: string; texts: string }[];

  before(async function () {
    if (findProgram(['tshark'], ['/usr/bin']) === undefined) absent(this, 'tshark', 'apt-get install tshark');
    await server.start({ many: 300, limits: { maxNodesPerRead: LIMIT, maxMonitoredItemsPerCall: LIMIT } });
    const recording = await Recording.start(server.port);
    const many = Array.from({ length: 300 }, (_, n) => `nsu=http://plant.example/line;s=Many.${n}`);
    const writable = ['Batch', 'Mode', 'Int64', 'Start'].map((name) => ({ tag: LINE + name }));
    const connector = connections.open(`opc.tcp://127.0.0.1:${recording.port}`, {
      writes_enabled: true,
      writable,
      publishing_interval_ms: 100,
    });
    await connector.browse?.('/nsu=http://plant.example/line;Many', never());
    await connector.readTags?.(many, never());
    const received = new Received(
      (signal) => connector.subscribe?.({ items: many.map((tag) => ({ tag })) }, signal) ?? assert.fail(),
    );
    await received.until(({ values }) => values.length === 300);
    await received.stop();
    const batch = { Name: 'dissected batch', Serial: '9007199254740993', Mode: 'Cleaning', Weights: [1.5] };
    await connector.writeTags?.(
      [
        { tag: `${LINE}Batch`, value: batch },
        { tag: `${LINE}Mode`, value: 'Producing' },
        { tag: `${LINE}Int64`, value: '-9007199254740993' },
      ],
      never(),
    );
    await connector.call?.(
      'method',
      { node: `${LINE}Start`, arguments: { Recipe: 'dissected recipe', Count: 3 } },
      never(),
    );
    await connector.call?.('history', { node: `${LINE}Temperature`, start: '2026-01-01T00:00:00Z' }, never());
    await connector.close();
    await recording.stop();
    const fields = [
      'opcua.transport.type',
      'opcua.servicenodeid.numeric',
      '_ws.malformed',
      'opcua.String',
      'opcua.Int64',
    ];
    frames = recording
      .dissect(join(connections.directory, 'session.pcap'), fields)
      .map(([type = '', service = '', malformed = '', strings = '', integers = '']) => ({
        type,
        // Several messages may come together.
        services: service.split(',').map(Number),
        malformed,
        texts: `${strings},${integers}`,
      }));
  });
  after(async () => {
    await connections.remove();
    await server.stop();
  });

  const requests = (name: keyof typeof SERVICES) =>
    frames.flatMap((frame) => frame.services.filter((id) => id === SERVICES[name]).map(() => frame));

  it('finds nothing malformed in it', () => {
    assert.ok(frames.length > 50);
    assert.deepEqual(
      frames.filter(({ malformed }) => malformed !== ''),
      [],
    );
  });

  it('finds each service that was used, and a session that begins and ends once', () => {
    for (const name of Object.keys(SERVICES) as (keyof typeof SERVICES)[]) {
      assert.ok(requests(name).length > 0, name);
    }
    assert.equal(requests('CreateSession').length, 1);
    assert.equal(requests('CloseSession').length, 1);
    assert.equal(requests('CreateMonitoredItems').length, Math.ceil(300 / LIMIT));
    assert.ok(requests('Read').length >= 300 / LIMIT);
  });

  it('reads what was written and called as it was meant', () => {
    const [written, called] = [requests('Write')[0]?.texts ?? '', requests('Call')[0]?.texts ?? ''];
    assert.match(written, /-9007199254740993/);
    assert.match(called, /dissected recipe/);
  });
});
