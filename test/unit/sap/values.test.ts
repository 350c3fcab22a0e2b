import assert from 'node:assert/strict';
import { externalKey } from '../../../lib/connectors/erp/external-key';
import { earlier, later } from '../../../lib/connectors/erp/odata/watermark';
import type { Property } from '../../../lib/protocols/odata/model';

const of = (type: string) => ({ type }) as Property;

describe('sap external keys', () => {
  it('are the same for ever, and others for another sender', () => {
    const guid = { field: 'x', form: 'guid' as const };
    const key = externalKey('REC-1', guid, '');
    assert.match(key, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    // Documents that are posted keep this key: it must never change.
    assert.equal(key, '8a7757d8-15c5-587b-b18b-501faef91b84');
    assert.notEqual(externalKey('REC-1', guid, 'plant 2'), key);
    assert.equal(
      externalKey('0F8FAD5B-D9CB-469F-A165-70867728950E', guid, 'x'),
      '0f8fad5b-d9cb-469f-a165-70867728950e',
    );
    const short = { field: 'x', form: 'short' as const };
    assert.equal(externalKey('MOV-1', short, ''), 'MOV-1');
    assert.match(externalKey('a document with a long number', short, ''), /^[0-9A-HJKMNP-TV-Z]{16}$/);
    assert.notEqual(externalKey('MOV-1', short, 'plant 2'), 'MOV-1');
  });
});

describe('sap watermarks', () => {
  it('go back in the notation of their field', () => {
    assert.equal(earlier('20261127000100', 120, of('Edm.String')), '20261126235900');
    assert.equal(earlier('20261127', 60, of('Edm.String')), '20261126');
    assert.equal(earlier('2026-11-27T00:01:00Z', 120, of('Edm.DateTimeOffset')), '2026-11-26T23:59:00.000Z');
    assert.equal(earlier('2026-11-27T00:01:00', 120, of('Edm.DateTime')), '2026-11-26T23:59:00');
    assert.equal(earlier('2026-11-27', 1, of('Edm.Date')), '2026-11-26');
    // A day in a field for times: nothing but midnight may be compared with it.
    assert.equal(earlier('2026-11-27T00:00:00', 300, of('Edm.DateTime')), '2026-11-26T00:00:00');
    assert.equal(earlier('4711', 120, of('Edm.String')), '4711');
    assert.equal(earlier(4711, 120, of('Edm.Int32')), 4711);
  });

  it('compare numbers as numbers and times as times', () => {
    assert.equal(later('9', '10'), '10');
    assert.equal(later('2026-11-27T01:00:00+01:00', '2026-11-27T00:30:00Z'), '2026-11-27T00:30:00Z');
    assert.equal(later(null, 'a'), 'a');
    assert.equal(later('a', ''), 'a');
  });
});
