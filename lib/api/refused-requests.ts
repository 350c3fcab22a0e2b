import { randomUUID } from 'node:crypto';
import type { AuditEvent } from '../model/audit';
import { actorOf, connectionOf, isRecorded } from './on-record';
import { Problem } from './problem';
import type { Route } from './route';

const EVERY_MS = 600_000;
/** Of all that are refused in that time: whoever tries could fill the log. */
const MOST = 500;

export interface Refused {
  route: Route;
  params: Record<string, string>;
  /** Below the API, without a query. */
  path: string;
  user: string | undefined;
  /** Of the socket. */
  address: string | null;
}

/** What nobody let somebody do is on record as well: each at its first time, and then now and then. */
export class RefusedRequests {
  private readonly saidAt = new Map<string, number>();

  constructor(
    private readonly append: (event: AuditEvent) => void,
    private readonly now: () => number = Date.now,
  ) {}

  add({ route, params, path, user, address }: Refused, error: unknown): void {
    if (!(error instanceof Problem) || !isRecorded(route)) return;
    const now = this.now();
    for (const [name, at] of this.saidAt) if (now - at >= EVERY_MS) this.saidAt.delete(name);
    const name = JSON.stringify([user, address, route.operation]);
    if (this.saidAt.has(name) || this.saidAt.size >= MOST) return;
    this.saidAt.set(name, now);
    this.append({
      attempt: randomUUID(),
      actor: actorOf(user, address),
      action: route.operation,
      connection_id: connectionOf(params, route, null),
      subject: path,
      outcome: 'refused',
      details: { code: error.code, message: error.message },
    });
  }
}
