import assert from 'node:assert/strict';
import { inOneLine } from '../../lib/model/errors';

describe('failures in one line', () => {
  it('end their message before the hint begins', () => {
    const hint = 'Check the path.';
    assert.equal(inOneLine({ message: 'GET /a answered 404', hint }), 'GET /a answered 404. Check the path.');
    assert.equal(inOneLine({ message: 'Nothing answers at h:1.', hint }), 'Nothing answers at h:1. Check the path.');
    assert.equal(inOneLine({ message: 'GET /a answered 404' }), 'GET /a answered 404');
  });
});
