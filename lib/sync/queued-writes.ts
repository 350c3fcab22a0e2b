import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Where writes wait; there as long as one does. */
export function queuedWritesFile(directory: string): string {
  return join(directory, 'integrations.writes.db');
}

export function hasQueuedWrites(directory: string): boolean {
  return existsSync(queuedWritesFile(directory));
}
