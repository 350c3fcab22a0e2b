import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { descriptors, filesBelow, inProject, manifest, readText } from './project';

interface Packed {
  files: { path: string; size: number }[];
  unpackedSize: number;
}

describe('package', () => {
  let packed: Packed;
  let paths: Set<string>;

  before(() => {
    const command = 'npm pack --dry-run --json --ignore-scripts --loglevel=silent';
    const output = execFileSync(command, {
      cwd: inProject(),
      encoding: 'utf8',
      shell: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    // npm 10 and 11 print an array, later ones an object by package name.
    packed = Object.values(JSON.parse(output) as Record<string, Packed>)[0] as Packed;
    paths = new Set(packed.files.map((file) => file.path));
  });

  it('says what the flow library and the palette manager need', () => {
    const { license, keywords, engines, 'node-red': section, dependencies } = manifest();
    assert.equal(license, 'Apache-2.0');
    assert.ok(keywords.includes('node-red'));
    assert.equal(engines.node, '>=22.9');
    assert.equal(section.version, '>=4.1.0');
    // The scorecard of the flow library allows six.
    assert.ok(Object.keys(dependencies).length <= 6);
    assert.match(section.nodes['pcp-sync'] ?? '', /^dist\/nodes\//);
  });

  it('names every driver, and installs none that is heavy', () => {
    const { optionalDependencies, peerDependencies, peerDependenciesMeta } = manifest();
    for (const driver of descriptors().flatMap(({ drivers }) => drivers)) {
      const isOffered = peerDependencies[driver] !== undefined && peerDependenciesMeta[driver]?.optional === true;
      assert.ok(optionalDependencies[driver] !== undefined || isOffered, driver);
    }
    assert.deepEqual(Object.keys(optionalDependencies), [
      'cborg',
      'croner',
      'js-yaml',
      'mqtt',
      'mustache',
      'mysql2',
      'node-opcua-client',
      'pg',
      'pg-copy-streams',
      'serialport',
      'undici',
      'ws',
    ]);
  });

  it('holds every file that Node-RED loads', () => {
    const { nodes, plugins } = manifest()['node-red'];
    for (const file of [...Object.values(nodes), ...Object.values(plugins)]) assert.ok(paths.has(file), file);
    for (const [set, file] of Object.entries(nodes)) {
      const folder = path.posix.dirname(file);
      const base = path.posix.basename(file, '.js');
      const beside = [
        `${base}.html`,
        ...['en-US', 'pt-BR'].flatMap((language) => [`locales/${language}/${base}.json`]),
      ];
      for (const name of beside) assert.ok(paths.has(path.posix.join(folder, name)), `${set}: ${name}`);
    }
  });

  it('holds every module, schema and data file of lib', () => {
    const sources = filesBelow('lib', /\.(ts|json)$/).filter((file) => !file.endsWith('.d.ts'));
    const missing = sources
      .map((file) => path.posix.join('dist', file.replace(/\.ts$/, '.js')))
      .filter((file) => !/quality\.json$/.test(file) && !paths.has(file))
      // A JSON file that no module imports is read by its build step only.
      .filter((file) => file.endsWith('.js') || existsSync(inProject(file)));
    assert.deepEqual(missing, []);
  });

  it('holds every file that its own code requires', () => {
    const missing: string[] = [];
    for (const file of paths) {
      if (!file.startsWith('dist/') || !file.endsWith('.js')) continue;
      for (const match of readText(file).matchAll(/(?:require|import)\((['"])(\.[^'"]+)\1\)/g)) {
        const target = path.posix.join(path.posix.dirname(file), match[2] as string);
        const candidates = [target, `${target}.js`, `${target}.json`, `${target}/index.js`];
        if (!candidates.some((candidate) => paths.has(candidate))) missing.push(`${file}: ${match[2]}`);
      }
    }
    assert.deepEqual(missing, []);
  });

  it('holds licence, readmes and examples', () => {
    for (const file of ['LICENSE', 'README.md', 'README.pt-BR.md', 'CHANGELOG.md']) assert.ok(paths.has(file), file);
    assert.ok([...paths].some((file) => file.startsWith('examples/')));
  });

  it('holds no tests, benchmarks, demo or sources', () => {
    const wrong = [...paths].filter((file) =>
      /^(dist\/)?(test|bench|demo|scripts)\/|(^|\/)\.|\.ts$|\.map$|^node_modules\/|^lib\/.*(?<!\.md)$/.test(file),
    );
    assert.deepEqual(wrong, []);
  });

  it('is small: under 5.5 MB unpacked', () => {
    assert.ok(packed.unpackedSize < 5_500_000, `${packed.unpackedSize} bytes`);
  });
});
