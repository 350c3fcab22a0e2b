// `npm start`: builds when the sources are newer than what was built, then starts the demo. Plain JavaScript, since it
// has to run before there is anything compiled.
const { spawnSync } = require('node:child_process');
const { existsSync, readdirSync, statSync } = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const built = path.join(root, 'dist', 'demo', 'start.js');
const sources = ['lib', 'nodes', 'editor', 'ui', 'scripts', 'icons', 'demo', 'package.json', 'tsconfig.json'];

function newestChange(entry) {
  if (!existsSync(entry)) return 0;
  const stat = statSync(entry);
  if (!stat.isDirectory()) return stat.mtimeMs;
  if (entry === path.join(root, 'demo', 'data')) return 0;
  return Math.max(0, ...readdirSync(entry).map((name) => newestChange(path.join(entry, name))));
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  console.error(
    `Node.js ${process.versions.node} is too old for the embedded store (node:sqlite needs 22.13). ` +
      'Run "npm install" first: it brings a Node.js 24 of its own, which "npm start" then uses.',
  );
  process.exit(1);
}

const changed = Math.max(...sources.map((source) => newestChange(path.join(root, source))));
if (!existsSync(built) || statSync(built).mtimeMs < changed) {
  console.log('Building (only when the sources changed) ...');
  const build = spawnSync('npm', ['run', '--silent', 'build'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (build.status !== 0) process.exit(build.status ?? 1);
}

require(built).main();
