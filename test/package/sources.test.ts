import assert from 'node:assert/strict';
import path from 'node:path';
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

  it('load each other in one direction: the parts of lib make no circle', () => {
    const loaded = loadedParts();
    const circles = [...loaded.keys()].filter((part) => reachedFrom(part, loaded).has(part));
    assert.ok(loaded.size > 20);
    assert.deepEqual(circles, []);
  });
});

/** For each folder or file of lib, the others that it loads; types alone load nothing. */
function loadedParts(): Map<string, Set<string>> {
  const loaded = new Map<string, Set<string>>();
  for (const file of filesBelow('lib', /\.ts$/)) {
    const part = partOf(file);
    const others = loaded.get(part) ?? new Set();
    for (const [, relative = ''] of readText(file).matchAll(/^(?:import|export) (?!type )[^;']*?from '(\.[^']+)'/gm)) {
      const target = path.posix.join(path.posix.dirname(file), relative);
      if (target.startsWith('lib/') && partOf(target) !== part) others.add(partOf(target));
    }
    loaded.set(part, others);
  }
  return loaded;
}

function partOf(file: string): string {
  return file.split('/')[1]!.replace(/\.ts$/, '');
}

function reachedFrom(part: string, loaded: Map<string, Set<string>>): Set<string> {
  const reached = new Set<string>();
  const visit = (from: string) => {
    for (const next of loaded.get(from) ?? []) {
      if (reached.has(next)) continue;
      reached.add(next);
      visit(next);
    }
  };
  visit(part);
  return reached;
}
