import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Folders of the connectors below a root: those that have a descriptor. */
export function connectorFolders(root: string = join(__dirname, 'connectors')): string[] {
  const subfolders = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name));
  return subfolders(root)
    .flatMap((folder) => [folder, ...subfolders(folder)])
    .filter((folder) => existsSync(join(folder, 'descriptor.js')));
}
