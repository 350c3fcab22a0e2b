import { IntegrationError } from '../model/errors';
import { phrase } from '../model/phrase';

/**
 * Loads a package that is needed only by who uses what it speaks.
 * @throws config PCP_DRIVER_MISSING when the package is not installed
 */
export function loadPackage<T>(name: string): T {
  try {
    return require(name) as T;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause;
    throw new IntegrationError('config', 'PCP_DRIVER_MISSING', phrase`The package "${name}" is not installed.`, {
      hint: `Run "npm install ${name}" in Node-RED's user directory and restart Node-RED.`,
    });
  }
}
