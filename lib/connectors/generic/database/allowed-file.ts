import { realpath, stat } from 'node:fs/promises';
import type { SqlOptions } from '../../../protocols/sql/database';
import { ProtectedFiles, protectedFile } from '../../../security/protected-files';
import type { ConnectorEnvironment } from '../../contract';

/**
 * The options with the real path of a SQLite file, so that what was checked is what is opened: SQLite would take a name
 * that begins with "file:" for a URI.
 * @throws config PCP_FILE_PROTECTED when the file is the hub's or Node-RED's own
 */
export async function withAllowedFile(options: SqlOptions, environment: ConnectorEnvironment): Promise<SqlOptions> {
  const { storage } = options;
  const { protectedPlaces } = environment;
  if (options.dialect !== 'sqlite' || storage === undefined || storage === ':memory:') return options;
  const real = await realpath(storage).catch(() => null);
  // The driver tells that there is no such file, and does not make one.
  if (real === null) return options;
  if (protectedPlaces !== undefined) {
    const refused = new ProtectedFiles(protectedPlaces);
    const isProtected = (await refused.hasPath(real)) || (await refused.hasFile(await stat(real)));
    if (isProtected) throw protectedFile(storage, '/config/storage');
  }
  return { ...options, storage: real };
}
