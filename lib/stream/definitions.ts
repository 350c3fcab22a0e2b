import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenConnection } from '../model/connection';
import type { LiveOptions } from '../model/stream';
import type { Vault } from '../security/vault';

/** Of one stream, where its mapping says nothing else. */
export const DEFAULT_SPOOL_BYTES = 256 * 1024 * 1024;

/** What the live process needs to know of a live mapping to fill its spool, also while there is no store. */
export interface StreamDefinition {
  mapping_id: number;
  /** Of the mapping: another one ends the run that forwards by the old one. */
  version: number;
  name: string;
  /** Names what the instance must hold that listens; connections of the API go as a whole, what a flow manages by itself. */
  lease: string;
  connection: OpenConnection;
  entity: string;
  options: LiveOptions;
  /** New values overtake a backlog. */
  is_live_first: boolean;
}

const FILE = 'integrations.streams';
const CONTEXT = 'streams';

/** The definitions as they were last, sealed, since there are secrets in them. */
export class DefinitionFile {
  private readonly path: string;

  constructor(
    directory: string,
    private readonly vault: Pick<Vault, 'encrypt' | 'decrypt'>,
  ) {
    this.path = join(directory, FILE);
  }

  static exists(directory: string): boolean {
    return existsSync(join(directory, FILE));
  }

  /** @throws config PCP_VAULT_KEY_UNKNOWN, PCP_VAULT_BROKEN */
  read(): StreamDefinition[] {
    if (!existsSync(this.path)) return [];
    return this.vault.decrypt(readFileSync(this.path, 'utf8'), CONTEXT) as StreamDefinition[];
  }

  write(streams: readonly StreamDefinition[]): void {
    const next = `${this.path}.next`;
    writeFileSync(next, this.vault.encrypt(streams, CONTEXT), { mode: 0o600, flush: true });
    renameSync(next, this.path);
  }
}
