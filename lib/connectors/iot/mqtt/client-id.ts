import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'integrations-mqtt-client-id';

/** Who this hub is to brokers: the same after each restart, and nobody else. */
export function hubClientId(directory: string): string {
  const path = join(directory, FILE);
  const draft = `${path}-${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, `pcp-${randomBytes(5).toString('hex')}\n`, { mode: 0o600 });
  try {
    // Linked when it is complete: another process of the hub may ask at the same moment.
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  return readFileSync(path, 'utf8').trim();
}
