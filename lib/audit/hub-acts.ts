import { randomUUID } from 'node:crypto';
import type { Actor } from '../model/audit';
import { WORKER } from '../store/worker-name';
import { noted, type Recorder } from './recorded';

/** The hub by itself. */
export const HUB: Actor = { id: 'hub:', name: null, origin: `process:${WORKER}` };

/** What the hub does by itself to what people set up. */
export class HubActs {
  constructor(private readonly recorder: Recorder) {}

  /** Secrets were sealed anew with the key that is the current one now. */
  keysRotated(keyId: string, count: number): Promise<void> {
    return this.note('rotateKeys', `key:${keyId}`, { sealed_anew: count });
  }

  webhookDisabled(id: number, reason: string): Promise<void> {
    return this.note('disableWebhook', `/webhooks/${id}`, {
      before: { is_active: true },
      after: { is_active: false, disabled_reason: reason },
    });
  }

  private note(action: string, subject: string, details: Record<string, unknown>): Promise<void> {
    const event = { attempt: randomUUID(), actor: HUB, action, connection_id: null, subject, details };
    return noted(this.recorder, { ...event, outcome: 'done' });
  }
}
