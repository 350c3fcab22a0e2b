import type { ConnectionOfRun } from '../model/connection';
import { IntegrationError } from '../model/errors';
import type { FromRunner, ToRunner } from './protocol';

/** Asks Node-RED's process for connections and their secrets: credentials of deployed flows are only there. */
export class ConnectionQuestions {
  private readonly awaited = new Map<
    number,
    { resolve(connection: ConnectionOfRun): void; reject(error: Error): void }
  >();
  private nextId = 1;

  constructor(private readonly send: (message: FromRunner) => void) {}

  ask(connectionId: number): Promise<ConnectionOfRun> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.awaited.set(id, { resolve, reject });
      this.send({ type: 'open_connection', id, connectionId });
    });
  }

  answered({ id, connection, error }: Extract<ToRunner, { type: 'connection' }>): void {
    const awaited = this.awaited.get(id);
    this.awaited.delete(id);
    if (connection !== undefined) awaited?.resolve(connection);
    else if (error !== undefined) awaited?.reject(IntegrationError.fromJSON(error));
  }
}
