import assert from 'node:assert/strict';
import path from 'node:path';
import { connectorFolder, descriptors, filesBelow, readJson, readText } from './project';

type Catalogue = Record<string, { title: string; hint: string }>;

const FOLDERS = ['lib', ...descriptors().map(({ type }) => connectorFolder(type))];
/** Examples in schemas are no failures. */
const SOURCES = ['lib', 'nodes']
  .flatMap((folder) => filesBelow(folder, /\.ts$/))
  .filter((file) => !file.startsWith('lib/api/schemas/'));

/** Where each code is thrown: the folder of a connector when it is that connector's alone, else the hub. */
function codes(): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of SOURCES) {
    const folder = FOLDERS.slice(1).find((candidate) => file.startsWith(`${candidate}/`)) ?? 'lib';
    for (const [, code = ''] of readText(file).matchAll(/'(PCP_[A-Z0-9_]*[A-Z0-9])'/g)) {
      found.set(code, (found.get(code) ?? folder) === folder ? folder : 'lib');
    }
  }
  return found;
}

const catalogue = (folder: string, locale: string) => readJson<Catalogue>(folder, 'locales', `${locale}.json`);
const hasLocales = (folder: string) =>
  filesBelow(folder, /\.json$/).some((file) => path.posix.dirname(file) === `${folder}/locales`);

describe('words for failures', () => {
  for (const locale of ['en-US', 'pt-BR']) {
    it(`are there for every code in ${locale}, in the folder of the connector where it is one's own, and for no other`, () => {
      const written = FOLDERS.filter(hasLocales).flatMap((folder) =>
        Object.keys(catalogue(folder, locale)).map((code) => `${code} ${folder}`),
      );
      const used = [...codes()].map(([code, folder]) => `${code} ${folder}`);
      assert.ok(used.length > 150);
      assert.deepEqual(written.sort(), used.sort());
    });
  }

  it('say what it is and what to do, differently in each language', () => {
    for (const folder of FOLDERS.filter(hasLocales)) {
      const portuguese = catalogue(folder, 'pt-BR');
      for (const [code, english] of Object.entries(catalogue(folder, 'en-US'))) {
        for (const part of ['title', 'hint'] as const) {
          const texts = [english[part], portuguese[code]?.[part] ?? ''];
          for (const text of texts) assert.ok(text.trim().length > 5, `${code} ${part}`);
          assert.notEqual(texts[0], texts[1], `${code} ${part}`);
        }
      }
    }
  });
});
