import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  anchor,
  connectorFolder,
  descriptors,
  filesBelow,
  headings,
  inProject,
  readText,
  withoutCode,
} from './project';
import { connectorTable, section } from './tables';

const PAGES = ['README.md', 'README.pt-BR.md', 'CHANGELOG.md', ...filesBelow('docs', /\.md$/)];
const CONNECTOR_PAGES = filesBelow('lib/connectors', /^README\.md$/);
/** Every page for users, and its Portuguese counterpart. */
const TRANSLATED = [
  ...['README.md', ...CONNECTOR_PAGES].map((page) => [page, page.replace(/\.md$/, '.pt-BR.md')] as const),
  ...filesBelow('docs', /\.md$/)
    .filter((page) => path.posix.dirname(page) === 'docs')
    .map((page) => [page, page.replace('docs/', 'docs/pt-BR/')] as const),
];

/** Targets of links and pictures, outside of code. */
function links(markdown: string): string[] {
  const text = withoutCode(markdown).replace(/`[^`\n]*`/g, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] as string);
}

describe('documentation', () => {
  it('has the connector table that the descriptors say, in both languages (npm run docs writes it)', () => {
    assert.equal(section(readText('README.md'), 'connectors'), connectorTable('en-US'));
    assert.equal(section(readText('README.pt-BR.md'), 'connectors'), connectorTable('pt-BR'));
  });

  it('has a page and an honest quality file for every connector', () => {
    for (const { type } of descriptors()) {
      for (const file of ['README.md', 'README.pt-BR.md', 'quality.json']) {
        assert.ok(existsSync(inProject(connectorFolder(type), file)), `${type} has no ${file}`);
      }
    }
  });

  it('links only to what exists', () => {
    const broken: string[] = [];
    for (const page of [...PAGES, ...filesBelow('lib/connectors', /\.md$/)]) {
      for (const link of links(readText(page))) {
        if (/^[a-z]+:/.test(link)) continue;
        const [file, fragment] = link.split('#') as [string, string | undefined];
        const target = file === '' ? page : path.posix.join(path.posix.dirname(page), file);
        if (!existsSync(inProject(target))) broken.push(`${page}: ${link}`);
        else if (fragment && !headings(readText(target)).some((heading) => anchor(heading.text) === fragment)) {
          broken.push(`${page}: ${link} (no such heading)`);
        }
      }
    }
    assert.deepEqual(broken, []);
  });

  for (const [english, portuguese] of TRANSLATED) {
    it(`${english} and ${portuguese} lead to each other and have the same headings, tables and code blocks`, () => {
      const linked = (from: string, to: string) =>
        links(readText(from)).some((link) => path.posix.join(path.posix.dirname(from), link) === to);
      assert.ok(linked(english, portuguese), `${english} has no link`);
      assert.ok(linked(portuguese, english), `${portuguese} has no link`);
      const shape = (file: string) => {
        const text = readText(file);
        return {
          headings: headings(text).map((heading) => heading.level),
          codeBlocks: text.split('\n').filter((line) => line.startsWith('```')).length,
          tableRows: text.split('\n').filter((line) => line.startsWith('|')).length,
        };
      };
      assert.deepEqual(shape(portuguese), shape(english));
    });
  }

  it('names each environment variable of the settings in the README, in both languages', () => {
    const variables = new Set(
      filesBelow('lib', /\.ts$/).flatMap((file) => readText(file).match(/\bINTEGRATIONS_[A-Z_]+\b/g) ?? []),
    );
    assert.ok(variables.size > 0);
    for (const readme of ['README.md', 'README.pt-BR.md']) {
      const table = section(readText(readme), 'settings');
      for (const variable of variables) assert.ok(table.includes(`\`${variable}\``), `${readme} lacks ${variable}`);
    }
  });
});
