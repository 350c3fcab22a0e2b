import { writeFileSync } from 'node:fs';
import { inProject, readText } from './project';
import { connectorTable, type Language, replaceSection } from './tables';

/** Writes the generated tables into both READMEs: `npm run docs`. */
const READMES: [string, Language][] = [
  ['README.md', 'en-US'],
  ['README.pt-BR.md', 'pt-BR'],
];

for (const [file, language] of READMES) {
  writeFileSync(inProject(file), replaceSection(readText(file), 'connectors', connectorTable(language)));
}
