/** So many within the time are more than chance. */
const LOSSES = 3;
const WITHIN_MS = 60_000;

const losses = new Map<string, number[]>();

/**
 * Counts connections that a broker closed without a word: two clients with one id end each other's in turns, and MQTT 3.1.1
 * has no reason to tell.
 * @returns whether that explains it
 */
export function isClientIdClash(broker: string, clientId: string, now: number): boolean {
  for (const [key, times] of losses) if (now - times.at(-1)! >= WITHIN_MS) losses.delete(key);
  const key = `${broker} ${clientId}`;
  const recent = [...(losses.get(key) ?? []).filter((at) => now - at < WITHIN_MS), now];
  losses.set(key, recent);
  return recent.length >= LOSSES;
}

/** A broker that cannot be reached was not there either when it closed the connection. */
export function forgetLosses(broker: string, clientId: string): void {
  losses.delete(`${broker} ${clientId}`);
}
