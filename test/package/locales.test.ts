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

/** `${...}` of a template; values with braces of their own have one pair of them. */
const VALUE = /\$\{(?:[^{}`]|\{[^{}]*\})*\}/g;
const PHRASE = new RegExp(`\\bphrase\`((?:[^\`$]|\\$(?!\\{)|${VALUE.source})*)\``, 'g');
const phrasesOf = (folder: string) =>
  readJson<Record<string, string>>(...folder.split('/'), 'locales', 'pt-BR.phrases.json');
const placesOf = (words: string) => (words.match(/\{\d+\}/g) ?? []).sort();

describe('phrases', () => {
  const words = SOURCES.flatMap((file) => {
    const text = readText(file);
    const found = [...text.matchAll(PHRASE)].map(([, template = '']) => template);
    assert.equal(found.length, text.split('phrase`').length - 1, `${file}: a template is not understood`);
    return found.map((template) => {
      let place = 0;
      return template.replace(VALUE, () => `{${place++}}`);
    });
  });

  it('are there in Portuguese for each template of the sources that has words, and for no other', () => {
    const used = new Set(words.filter((text) => /[a-z]/i.test(text.replace(/\{\d+\}/g, ''))));
    assert.ok(used.size > 100);
    assert.deepEqual(Object.keys(phrasesOf('lib')).sort(), [...used].sort());
  });

  it('have the same places in Portuguese, and other words', () => {
    for (const [english, portuguese] of Object.entries(phrasesOf('lib'))) {
      assert.deepEqual(placesOf(portuguese), placesOf(english), english);
      assert.notEqual(portuguese, english);
    }
  });
});
