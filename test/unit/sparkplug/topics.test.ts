import assert from 'node:assert/strict';
import {
  checkId,
  deviceTopic,
  edgeNodeOf,
  nodeTopic,
  parseTopic,
  stateTopic,
} from '../../../lib/protocols/sparkplug/topics';

const NODE = { group: 'Plant 1', edgeNode: 'Line-3' };

describe('Sparkplug topics', () => {
  it('tck-id-topics-nbirth-topic, tck-id-topics-ndata-topic, tck-id-topics-ndeath-topic, tck-id-topics-ncmd-topic', () => {
    for (const type of ['NBIRTH', 'NDATA', 'NDEATH', 'NCMD'] as const) {
      assert.equal(nodeTopic(type, NODE), `spBv1.0/Plant 1/${type}/Line-3`);
      assert.deepEqual(parseTopic(nodeTopic(type, NODE)), { type, ...NODE });
    }
  });

  it('tck-id-topics-dbirth-topic, tck-id-topics-ddata-topic, tck-id-topics-ddeath-topic, tck-id-topics-dcmd-topic', () => {
    for (const type of ['DBIRTH', 'DDATA', 'DDEATH', 'DCMD'] as const) {
      assert.equal(deviceTopic(type, NODE, 'Oven'), `spBv1.0/Plant 1/${type}/Line-3/Oven`);
      assert.deepEqual(parseTopic(deviceTopic(type, NODE, 'Oven')), { type, ...NODE, device: 'Oven' });
    }
  });

  it('tck-id-host-topic-phid-birth-topic', () => {
    assert.equal(stateTopic('hub'), 'spBv1.0/STATE/hub');
    assert.deepEqual(parseTopic('spBv1.0/STATE/hub'), { type: 'STATE', host: 'hub' });
  });

  it('of a group that is called STATE are those of its edge nodes', () => {
    assert.deepEqual(parseTopic('spBv1.0/STATE/NDATA/n'), { type: 'NDATA', group: 'STATE', edgeNode: 'n' });
  });

  const OTHERS = [
    'spBv1.0',
    'spAv1.0/g/NDATA/n',
    'spBv1.0/g/NDATA',
    // tck-id-topic-structure-namespace-device-id-associated-message-types, ...-non-associated-message-types
    'spBv1.0/g/NDATA/n/d',
    'spBv1.0/g/DDATA/n',
    'spBv1.0/g/DDATA/n/',
    'spBv1.0/g/DDATA/n/d/e',
    'spBv1.0/g/XDATA/n',
    'spBv1.0//NDATA/n',
    'STATE/hub',
    '',
  ];
  for (const topic of OTHERS) {
    it(`are not "${topic}"`, () => assert.equal(parseTopic(topic), undefined));
  }

  it('tck-id-topic-structure-namespace-valid-group-id, -edge-node-id, -device-id', () => {
    assert.equal(checkId('Größe 1.ü', '/group'), 'Größe 1.ü');
    for (const id of ['', 'a+b', 'a/b', 'a#', 'a\0']) {
      assert.throws(() => checkId(id, '/group'), { class: 'config', code: 'PCP_SPARKPLUG_ID', path: '/group' });
    }
  });

  it('of the edge node that a tag is of', () => {
    assert.deepEqual(edgeNodeOf('g/n/d/Motor/speed'), { group: 'g', edgeNode: 'n' });
    for (const tag of ['', 'g', 'g/n', 'g/n/', '/n/a', 'g//a']) assert.equal(edgeNodeOf(tag), undefined);
  });
});
