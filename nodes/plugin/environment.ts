import type { NodeAPI } from 'node-red';
import { coerceSettings } from '../pcp-connection/settings';
import { descriptors } from '../support/connectors';

const REFERENCE = /^\$\{([^{}]+)\}$/;

/** Does a value hold `${NAME}` anywhere? */
export function hasEnvironmentReference(value: unknown): boolean {
  if (typeof value === 'string') return REFERENCE.test(value.trim());
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(hasEnvironmentReference);
}

/** Puts environment variables in as Node-RED does when a flow starts; names without a value stay as they are. */
export function withEnvironment(RED: NodeAPI, value: unknown): unknown {
  if (typeof value === 'string') {
    const name = REFERENCE.exec(value.trim())?.[1];
    if (name === undefined) return value;
    const found = RED.util.evaluateNodeProperty(name, 'env', undefined as never, {});
    return found === undefined || found === '' ? value : found;
  }
  if (Array.isArray(value)) return value.map((item) => withEnvironment(RED, item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withEnvironment(RED, item)]));
}

/** The body of a connection test with its environment variables in place, converted to what the settings want. */
export function resolvedTestRequest(RED: NodeAPI, body: Record<string, unknown>): Record<string, unknown> {
  const resolved = withEnvironment(RED, body) as Record<string, unknown>;
  const descriptor = descriptors.find((candidate) => candidate.type === resolved.connector_type);
  const config = resolved.config;
  if (!descriptor || typeof config !== 'object' || config === null) return resolved;
  return { ...resolved, config: coerceSettings(descriptor, config as Record<string, unknown>) };
}
