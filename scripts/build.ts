import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { transformSync } from 'esbuild';
import type { ConnectorDescriptor } from '../lib/connectors/descriptor';
import { ConnectorRegistry } from '../lib/connectors/registry';
import { secretNames } from '../nodes/pcp-connection/settings';
import { buildStatusPage } from './status-page';
import {
  callDefaults,
  callExamples,
  callLabels,
  connectorValues,
  fillTemplate,
  settingsHelp,
  withTags,
} from './templates';

/**
 * Second half of `npm run build`, after tsc: prints what Node-RED loads beside the compiled code. HTML with literal
 * `registerType` calls, locale and help files, icons, the editor's code, the status page, and the `node-red`
 * section of package.json.
 */

const LOCALES = ['en-US', 'pt-BR'] as const;
type Locale = (typeof LOCALES)[number];
type Catalogue = Record<string, unknown>;

const output = dirname(__dirname);
/** The output has a copy of package.json of its own: lib imports it. */
const project = projectRoot(dirname(output));
const sources = join(project, 'nodes');
const nodes = join(output, 'nodes');

function projectRoot(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : projectRoot(dirname(folder));
}

function readText(...parts: string[]): string {
  return readFileSync(join(...parts), 'utf8');
}

function readJson(...parts: string[]): Catalogue {
  return JSON.parse(readText(...parts)) as Catalogue;
}

function write(text: string, ...parts: string[]): void {
  const path = join(...parts);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Deep union: the later one wins where both hold text. */
function merged(base: Catalogue, over: Catalogue): Catalogue {
  const result: Catalogue = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = result[key];
    const both = typeof below === 'object' && typeof value === 'object';
    result[key] = both ? merged(below as Catalogue, value as Catalogue) : value;
  }
  return result;
}

function writeLocales(
  node: string,
  source: string,
  values: (locale: Locale) => Record<string, string>,
  labels: (locale: Locale) => Record<string, string> = () => ({}),
): void {
  for (const locale of LOCALES) {
    // Node-RED looks for the palette's own words at the top.
    const { palette, ...shared } = readJson(sources, 'support', 'locales', `${locale}.json`);
    const own = readJson(sources, source, 'locales', `${locale}.json`);
    const catalogue = { palette, [node]: merged(merged(shared, own), { label: labels(locale) }) };
    write(JSON.stringify(catalogue), nodes, node, 'locales', locale, `${node}.json`);
    const help = fillTemplate(readText(sources, source, 'locales', `${locale}.md`), values(locale));
    const script = `<script type="text/markdown" data-help-name="${node}">\n${help}</script>\n`;
    write(script, nodes, node, 'locales', locale, `${node}.html`);
  }
}

function writeIcon(node: string, icon: string): void {
  mkdirSync(join(nodes, node, 'icons'), { recursive: true });
  cpSync(join(project, 'icons', icon), join(nodes, node, 'icons', icon));
}

/** A node with a folder of its own under nodes/. */
function buildNode(node: string, descriptors: readonly ConnectorDescriptor[]): void {
  const credentials = secretNames(descriptors).map((name) => `${name}: { type: 'password' }`);
  const html = readText(sources, node, `${node}.html`);
  write(html.replace("'{{credentials}}'", `{ ${credentials.join(', ')} }`), nodes, node, `${node}.html`);
  writeLocales(node, node, (locale) => ({ settings: settingsHelp(descriptors, locale) }));
  if (existsSync(join(project, 'icons', `${node}.svg`))) writeIcon(node, `${node}.svg`);
}

/** The palette node of a connector: all of them run nodes/connector-node. */
function buildConnectorNode(descriptor: ConnectorDescriptor, node: string): void {
  const register = `registerConnectorNode(RED, '${node}', '${descriptor.type}')`;
  const code = `'use strict';\nconst { registerConnectorNode } = require('../connector-node/connector-node');\nmodule.exports = (RED) => ${register};\n`;
  write(code, nodes, node, `${node}.js`);
  const values = (locale: Locale) => connectorValues(descriptor, node, locale);
  const template = readText(sources, 'connector-node', 'connector-node.html');
  const html = withTags(template, descriptor).replace(/'\{\{callDefaults\}\}': null,\s*/, callDefaults(descriptor));
  write(fillTemplate(html, values('en-US')), nodes, node, `${node}.html`);
  writeLocales(node, 'connector-node', values, (locale) => callLabels(descriptor, locale));
  writeIcon(node, descriptor.icon);
}

/** The plugin carries the editor's code: the editor loads plugins before nodes. */
function buildPlugin(descriptors: readonly ConnectorDescriptor[]): void {
  const forms = descriptors.map((descriptor) => {
    const { type, title, description, settings, capabilities, call, tagImport, tagAddress } = descriptor;
    const jsonParameters = Object.fromEntries(
      (tagImport?.jsonParameters ?? []).map((name) => [name, call?.parameters[name]]),
    );
    return {
      type,
      title,
      description,
      settings,
      browses: capabilities.includes('browse'),
      callExamples: callExamples(descriptor),
      ...(tagAddress && { tagAddress }),
      ...(tagImport && { tagImport: { ...tagImport, jsonParameters } }),
    };
  });
  // "<" in a string must not be able to end the script element.
  const connectors = JSON.stringify(forms).replaceAll('<', '\\u003c');
  const files = readdirSync(join(output, 'editor')).filter((file) => file.endsWith('.js') && file !== 'main.js');
  const code = minified([...files.sort(), 'main.js'].map((file) => readText(output, 'editor', file)).join('\n'), 'js');
  const style = minified(readText(project, 'editor', 'style.css'), 'css');
  const script = `(() => {\n'use strict';\nconst CONNECTORS = ${connectors};\n${code}})();`;
  const html = `<style>\n${style}</style>\n<script type="text/javascript">\n${script}\n</script>\n`;
  write(html, nodes, 'plugin', 'plugin.html');
  for (const locale of LOCALES) {
    const catalogue = readText(sources, 'plugin', 'locales', `${locale}.json`);
    write(catalogue, nodes, 'plugin', 'locales', locale, 'plugin.json');
  }
}

/** Every opening of the editor loads it. */
function minified(code: string, loader: 'js' | 'css'): string {
  return transformSync(code, { loader, minify: true, target: 'es2022', charset: 'utf8' }).code;
}

/** What lib reads of JSON, without the blanks that only people need: more than a quarter of it. */
function compactJson(): void {
  for (const file of readdirSync(join(output, 'lib'), { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('.json')) write(JSON.stringify(readJson(output, 'lib', file)), output, 'lib', file);
  }
}

/** Writes package.json only when the set of nodes changed, so that a build leaves a clean tree. */
function updateManifest(names: string[]): void {
  const path = join(project, 'package.json');
  const manifest = JSON.parse(readText(path)) as Record<string, unknown>;
  const section = {
    version: '>=4.1.0',
    nodes: Object.fromEntries(names.map((name) => [name, `dist/nodes/${name}/${name}.js`])),
    plugins: { 'pcp-integrations': 'dist/nodes/plugin/plugin.js' },
  };
  if (JSON.stringify(manifest['node-red']) === JSON.stringify(section)) return;
  write(`${JSON.stringify({ ...manifest, 'node-red': section }, null, 2)}\n`, path);
}

function build(): void {
  const { descriptors } = new ConnectorRegistry(join(output, 'lib', 'connectors'));
  const own = readdirSync(sources).filter(
    (name) => existsSync(join(sources, name, `${name}.html`)) && name.startsWith('pcp-'),
  );
  for (const node of own) buildNode(node, descriptors);
  const generated: string[] = [];
  for (const descriptor of descriptors) {
    if (descriptor.node === null) continue;
    buildConnectorNode(descriptor, descriptor.node);
    generated.push(descriptor.node);
  }
  buildPlugin(descriptors);
  compactJson();
  buildStatusPage(project, output);
  updateManifest([...own.filter((name) => isConfig(name)), ...generated, ...own.filter((name) => !isConfig(name))]);
}

/** Config nodes come first: the palette manager lists sets in this order. */
function isConfig(node: string): boolean {
  return readText(sources, node, `${node}.html`).includes("category: 'config'");
}

build();
