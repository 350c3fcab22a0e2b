import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compilePath, compileSetter, parsePath } from '../../../lib/mapping/paths';

describe('paths', () => {
  const record = JSON.parse('{"a":{"b":[{"c":1},{"c":2}]},"a.b":"flat","x":{"a.b":3},"é ü":4}') as Record<
    string,
    unknown
  >;

  it('reads nested values, and a literal key before them', () => {
    assert.equal(compilePath('a.b[1].c')(record), 2);
    assert.equal(compilePath('a.b')(record), 'flat');
    assert.equal(compilePath('["a.b"]')(record), 'flat');
    assert.equal(compilePath('x["a.b"]')(record), 3);
    assert.equal(compilePath('é ü')(record), 4);
    assert.equal(compilePath('a.b[7].c')(record), undefined);
    assert.equal(compilePath('a.nothing.c')(record), undefined);
  });

  it('sees own properties only', () => {
    for (const path of ['toString', 'valueOf', 'a.toString', 'a.b.length']) {
      assert.equal(compilePath(path)({ a: { b: 'text' } }), undefined, path);
    }
    assert.equal(compilePath('toString')({ toString: 'mine' }), 'mine');
  });

  it('refuses what cannot be read and names that reach a prototype', () => {
    const wrong = ['', '.a', 'a.', 'a..b', 'a[', 'a[x]', 'a[-1]', '[0]', 'a[99999]', 'a["b]', '["a"]b'];
    const forbidden = [
      '__proto__',
      'a.__proto__.b',
      'constructor',
      'a.constructor',
      'a["prototype"]',
      '["__pro\\u0074o__"]',
    ];
    for (const text of [...wrong, ...forbidden]) assert.throws(() => parsePath(text), Error, text);
    assert.throws(() => parsePath(Array(70).fill('a').join('.')), /more than 64 parts/);
  });

  it('writes what it reads, and pollutes nothing', () => {
    const before = Reflect.ownKeys(Object.prototype).length;
    const name = fc.string({ minLength: 1, maxLength: 8 });
    const part = fc.oneof(name, fc.constantFrom('toString', 'hasOwnProperty', '__defineGetter__'), fc.nat(20));
    fc.assert(
      fc.property(name, fc.array(part, { maxLength: 5 }), fc.jsonValue(), (first, rest, value) => {
        const text = [first, ...rest].map((one) => `[${JSON.stringify(one)}]`).join('');
        fc.pre(!/__proto__|constructor|prototype/.test(text));
        const target = {};
        compileSetter(parsePath(text))(target, value);
        assert.deepEqual(compilePath(text)(target), value);
      }),
    );
    assert.equal(Reflect.ownKeys(Object.prototype).length, before);
  });

  it('fills the holes of lists with null', () => {
    const target = {};
    compileSetter(parsePath('a[2].b'))(target, 1);
    assert.deepEqual(target, { a: [null, null, { b: 1 }] });
  });
});
