import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { ConnectorDescriptor, LocalizedText } from '../../lib/connectors/descriptor';
import { ConnectorRegistry } from '../../lib/connectors/registry';

/** dist/test/package/project.js lies three levels below the project. */
const ROOT = path.join(__dirname, '..', '..', '..');

export interface Manifest {
  name: string;
  version: string;
  license: string;
  keywords: string[];
  engines: { node: string };
  files: string[];
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional: boolean }>;
  'node-red': { version: string; nodes: Record<string, string>; plugins: Record<string, string> };
}

export const inProject = (...parts: string[]) => path.join(ROOT, ...parts);
export const readText = (...parts: string[]) => readFileSync(inProject(...parts), 'utf8');
export const readJson = <T>(...parts: string[]): T => JSON.parse(readText(...parts)) as T;
export const manifest = (): Manifest => readJson<Manifest>('package.json');

const NOT_OURS = new Set(['node_modules', 'dist', '.git', '.out', 'data', 'coverage']);

/** Files below a folder of the project, as paths from its root; without what is built, installed or made by the demo. */
export function filesBelow(folder: string, extension: RegExp): string[] {
  return readdirSync(inProject(folder)).flatMap((name) => {
    const file = path.posix.join(folder, name);
    if (statSync(inProject(file)).isDirectory()) return NOT_OURS.has(name) ? [] : filesBelow(file, extension);
    return extension.test(name) ? [file] : [];
  });
}

export const descriptors = (): readonly ConnectorDescriptor[] => new ConnectorRegistry().descriptors;

export interface Quality {
  state: string;
  tested_against: (string | LocalizedText)[];
  not_tested: (string | LocalizedText)[];
}

/** Source folder of a connector, from the project's root. */
export const connectorFolder = (type: string) => path.posix.join('lib/connectors', type.replace('.', '/'));

export const quality = (type: string): Quality => readJson<Quality>(connectorFolder(type), 'quality.json');

/** Heading lines of a Markdown text outside of its code blocks. */
export function headings(markdown: string): { level: number; text: string }[] {
  return withoutCode(markdown)
    .split('\n')
    .flatMap((line) => {
      const match = /^(#{1,6}) (.+)$/.exec(line);
      return match ? [{ level: (match[1] as string).length, text: match[2] as string }] : [];
    });
}

export const withoutCode = (markdown: string) => markdown.replace(/^```[\s\S]*?^```$/gm, '');

/** The anchor that a heading gets on the usual hosts. */
export const anchor = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
