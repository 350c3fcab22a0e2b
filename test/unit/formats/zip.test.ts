import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ArchiveProblem, unzip, zip } from '../../../lib/protocols/formats/zip';

const FILES = [
  { name: 'Manifest.xml', content: Buffer.from('<a/>') },
  { name: 'Peça 😀.csv', content: Buffer.from('ç'.repeat(100_000)) },
  { name: 'empty', content: Buffer.alloc(0) },
];

describe('archives', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'zip-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const python = (program: string) =>
    execFileSync('python3', ['-c', `import sys, zipfile, hashlib\n${program}`, path.join(folder, 'a.zip')], {
      encoding: 'utf8',
      env: { ...process.env, PYTHONIOENCODING: 'utf-8' },
    });

  it('are read by another program, every file whole', () => {
    writeFileSync(path.join(folder, 'a.zip'), zip(FILES));
    const told = python(
      'z = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nfor i in z.infolist(): print(i.filename, len(z.read(i)))',
    );
    assert.equal(told, FILES.map(({ name, content }) => `${name} ${content.length}\n`).join(''));
  });

  it('of another program are read, packed or not, with folders and a comment', () => {
    python(
      "z = zipfile.ZipFile(sys.argv[1], 'w')\nz.writestr('d/', '')\nz.writestr('d/ç.txt', 'a' * 5000, zipfile.ZIP_DEFLATED)\nz.writestr('plain', 'b')\nz.comment = b'PK'\nz.close()",
    );
    const archive = execFileSync('cat', [path.join(folder, 'a.zip')]);
    const found = unzip(archive, 10_000);
    assert.deepEqual(
      found.map(({ name, content }) => [name, content.toString()]),
      [
        ['d/ç.txt', 'a'.repeat(5000)],
        ['plain', 'b'],
      ],
    );
    assert.throws(() => unzip(archive, 5000), /holds more than 5000 bytes/);
  });

  it('that are broken, cut off or none say so', () => {
    const whole = zip(FILES);
    const broken = Buffer.from(whole);
    broken.writeUInt8(broken.readUInt8(45) ^ 0xff, 45);
    // Says that it holds less than it does.
    const bomb = Buffer.from(zip([FILES[1]!]));
    bomb.writeUInt32LE(10, bomb.indexOf('PK\x01\x02') + 24);
    for (const archive of [broken, whole.subarray(0, -30), Buffer.from('<html>'), Buffer.alloc(0), bomb]) {
      assert.throws(() => unzip(archive, 1e9), ArchiveProblem);
    }
  });
});
