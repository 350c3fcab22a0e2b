import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { descriptors, filesBelow, inProject, manifest, readJson, readText } from './project';

const LANGUAGES = ['en-US', 'pt-BR'];
const CONFIG_TYPES = new Set(['pcp-connection', 'pcp-mapping']);

interface FlowNode {
  id: string;
  type: string;
}

/** Every path of a catalogue's leaves, in order. */
function keysOf(catalogue: unknown, prefix = ''): string[] {
  if (typeof catalogue !== 'object' || catalogue === null) return [prefix];
  return Object.entries(catalogue)
    .flatMap(([key, value]) => keysOf(value, `${prefix}/${key}`))
    .sort();
}

function builtHtml(file: string): string {
  return readText(file.replace(/\.c?js$/, '.html'));
}

describe('palette nodes', () => {
  const sets = Object.entries(manifest()['node-red'].nodes);
  const examples = filesBelow('examples', /\.json$/);

  it('are all there', () => {
    const types = sets.flatMap(([, file]) =>
      [...builtHtml(file).matchAll(/data-template-name="([^"]+)"/g)].map((m) => m[1]),
    );
    for (const type of [
      'pcp-connection',
      'pcp-mapping',
      'pcp-file',
      'pcp-database',
      'pcp-rest',
      'pcp-sap',
      'pcp-dynamics365',
      'pcp-oracle-ebs',
      'pcp-protheus',
      'pcp-modbus',
      'pcp-mqtt',
      'pcp-opcua',
      'pcp-entity',
      'pcp-map',
      'pcp-sync',
      'pcp-sync-log',
      'pcp-alert',
      'pcp-webhook-in',
      'pcp-webhook-out',
    ]) {
      assert.ok(types.includes(type), type);
    }
    assert.equal(new Set(types).size, types.length);
  });

  for (const [set, file] of sets) {
    const folder = path.posix.dirname(file);
    const base = path.posix.basename(file, '.js');
    const catalogue = (language: string) => readJson<unknown>(folder, 'locales', language, `${base}.json`);

    it(`${set} has its labels in both languages, none left untranslated by accident`, () => {
      assert.deepEqual(keysOf(catalogue('pt-BR')), keysOf(catalogue('en-US')));
      assert.notDeepEqual(catalogue('pt-BR'), catalogue('en-US'));
    });

    it(`${set} has validators whose reasons the editor takes for such: those of two parameters`, () => {
      const validators = builtHtml(file).matchAll(/validate: (?:function )?\(([^)]*)\)[^\n]*PCP\./g);
      for (const [line, parameters] of validators) assert.equal(parameters?.split(',').length, 2, line);
    });

    it(`${set} has help in both languages`, () => {
      const types = [...builtHtml(file).matchAll(/data-template-name="([^"]+)"/g)].map((match) => match[1]);
      assert.ok(types.length > 0);
      for (const language of LANGUAGES) {
        const help = readText(folder, 'locales', language, `${base}.html`);
        for (const type of types) {
          const match = new RegExp(`data-help-name="${type}"[^>]*>([\\s\\S]*?)</script>`).exec(help);
          assert.ok((match?.[1] ?? '').trim().length > 200, `${type}: help in ${language}`);
        }
      }
    });

    it(`${set} says in its help what a call of this connector answers`, () => {
      for (const descriptor of descriptors().filter(({ node, call }) => node === base && call !== undefined)) {
        const wanted = ['payload', ...Object.keys(descriptor.call?.outputs ?? {})];
        for (const [language, word] of Object.entries({ 'en-US': 'call', 'pt-BR': 'chamar' })) {
          const help = readText(folder, 'locales', language, `${base}.html`);
          const outputs = help.slice(help.search(/### (Outputs|Saídas)/), help.search(/### (Details|Detalhes)/));
          const told = [...outputs.matchAll(new RegExp(`^: (\\w+) \\(\\w+\\) : _${word}_`, 'gm'))].map(
            ([, name]) => name,
          );
          assert.deepEqual(told, wanted, `${base}: help in ${language}`);
        }
      }
    });

    it(`${set} registers with literals that the flow library can read`, () => {
      const html = builtHtml(file);
      const calls = [...html.matchAll(/registerType\(\s*(['"])(.+?)\1\s*,\s*\{([\s\S]*?)\}\s*\)/g)];
      assert.ok(calls.length > 0);
      for (const call of calls) {
        for (const property of ['category', 'defaults'])
          assert.match(call[3] as string, new RegExp(`\\b${property}\\s*:`));
      }
      const icon = /\bicon\s*:\s*['"]([^'"]+\.svg)['"]/.exec(html)?.[1];
      if (icon) assert.ok(existsSync(inProject(folder, 'icons', icon)), icon);
    });
  }

  it('each have an example flow, and examples use only types that exist', () => {
    const used = new Set(examples.flatMap((file) => readJson<FlowNode[]>(file).map((node) => node.type)));
    for (const [, file] of sets) {
      for (const match of builtHtml(file).matchAll(/data-template-name="([^"]+)"/g)) {
        const type = match[1] as string;
        if (!CONFIG_TYPES.has(type)) assert.ok(used.has(type), `no example uses ${type}`);
      }
    }
  });
});
