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

type Body = Record<string, unknown>;

/** A body of unsaved values with its environment variables in place, settings converted to what their connectors want. */
export function resolvedRequest(RED: NodeAPI, body: Body): Body {
  const resolved = withEnvironment(RED, body) as Body;
  const inner = ['connection', 'peer_connection'].flatMap((name) =>
    isObject(resolved[name]) ? [[name, withCoercedSettings(resolved[name])] as const] : [],
  );
  return { ...withCoercedSettings(resolved), ...Object.fromEntries(inner) };
}

function withCoercedSettings(connection: Body): Body {
  const descriptor = descriptors.find((candidate) => candidate.type === connection.connector_type);
  if (!descriptor || !isObject(connection.config)) return connection;
  return { ...connection, config: coerceSettings(descriptor, connection.config) };
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null;
}
