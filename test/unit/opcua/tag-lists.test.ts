import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readTagList } from '../../../lib/protocols/opcua/tag-lists';
import { inProject } from '../../package/project';

describe('OPC UA: lists of tags', () => {
  it('takes the variables of objects from a NodeSet2 file, by namespace URI, and none of types or properties', () => {
    const xml = readFileSync(inProject('test/support/opcua/plant.nodeset2.xml'), 'utf8');
    assert.deepEqual(readTagList(xml), {
      'Mixer.Mode': { node_id: 'nsu=http://plant.example/types;s=Mixer.Mode', description: 'How the mixer runs' },
      'Mixer.Level': { node_id: 'nsu=http://plant.example/types;s=Mixer.Level' },
    });
  });

  it('reads what the standard publishes', () => {
    const { nodesets } = require('node-opcua-nodesets') as { nodesets: Record<string, string> };
    const tags = readTagList(readFileSync(nodesets.standard ?? '', 'utf8'));
    assert.equal(tags['Server.ServerStatus.State']?.node_id, 'i=2259');
    assert.ok(Object.keys(tags).length > 100);
  });

  it('reads CSV with any usual delimiter and decimal comma', () => {
    const expected = {
      temperature: { node_id: 'ns=2;s=T', unit: '°C', deadband: 0.5 },
      speed: { node_id: '/2:Line/2:Speed', scale: 0.1 },
    };
    assert.deepEqual(
      readTagList('name,node_id,unit,deadband,scale\ntemperature,ns=2;s=T,°C,0.5,\nspeed,/2:Line/2:Speed,,,0.1\n'),
      expected,
    );
    assert.deepEqual(
      readTagList(
        '\uFEFFname;node_id;unit;deadband;scale\r\ntemperature;"ns=2;s=T";°C;0,5;\r\nspeed;/2:Line/2:Speed;;;0,1\r\n',
      ),
      expected,
    );
  });

  it('keeps names that mean something to JavaScript harmless', () => {
    const tags = readTagList('name,node_id\n__proto__,i=1\nconstructor,i=2\n');
    assert.deepEqual(
      Object.entries(tags).map(([name]) => name),
      ['__proto__', 'constructor'],
    );
    assert.equal(Object.getPrototypeOf(tags), Object.prototype);
  });

  for (const [what, text, why] of [
    ['nothing', '', /no tags/],
    ['no tags', 'name,node_id\n', /no tags/],
    ['no address', 'name,node_id\na,\n', /line 2 has no name or no node_id/],
    ['a name twice', 'name,node_id\na,i=1\na,i=2\n', /line 3 has the name "a" again/],
    ['no number', 'name,node_id,scale\na,i=1,x\n', /"scale" is no number/],
    ['a cut table', 'name,node_id\n"a', /cannot be read/],
    ['cut XML', '<UANodeSet><UAVariable NodeId="i=1"', /cannot be read/],
    ['other XML', '<html></html>', /its root is html/],
    ['a DOCTYPE', '<!DOCTYPE x [<!ENTITY a "b">]><UANodeSet/>', /DOCTYPE/],
  ] as const) {
    it(`says what is wrong with ${what}`, () => {
      assert.throws(() => readTagList(text), { code: 'PCP_OPCUA_TAG_LIST', class: 'data', message: why });
    });
  }
});
