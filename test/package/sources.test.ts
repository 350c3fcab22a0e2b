import assert from 'node:assert/strict';
import { filesBelow, readText } from './project';

const SOURCES = ['lib', 'nodes', 'editor', 'ui', 'scripts', 'demo', 'bench', 'test'].flatMap((folder) =>
  filesBelow(folder, /\.(tsx?|js|mjs|css)$/),
);

/** Written apart so that this file does not find itself. */
const UNFINISHED = new RegExp(['TO' + 'DO', 'FIX' + 'ME', 'not ' + 'implemented'].join('|'));
const MACHINE_PATH = new RegExp(`${'/wo' + 'rk/'}|C:\\\\Users`);

describe('sources', () => {
  it('are there', () => {
    assert.ok(SOURCES.length > 100);
  });

  it('hold nothing unfinished and no path of one machine', () => {
    const found = SOURCES.filter((file) => {
      const text = readText(file);
      return UNFINISHED.test(text) || MACHINE_PATH.test(text);
    });
    assert.deepEqual(found, []);
  });

  it('have at most 400 lines each', () => {
    const long = SOURCES.filter((file) => readText(file).split('\n').length > 401);
    assert.deepEqual(long, []);
  });

  it('know Node-RED only in nodes, editor, tests, the demo and benchmarks', () => {
    const wrong = filesBelow('lib', /\.ts$/).filter((file) => /from 'node-red|require\('node-red/.test(readText(file)));
    assert.deepEqual(wrong, []);
  });
});
