import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Application, RequestHandler } from 'express';
import type { NodeAPI } from 'node-red';
import type { Receiver } from '../../lib/webhooks/incoming/receiver';
import { endpointOf } from '../hook-endpoints';
import { hub } from '../hub-access';

const MOUNT = '/integrations/hooks';

/** Requests for webhooks, on their way through what else is mounted. */
const forHooks = new WeakSet<IncomingMessage>();

export function isForHooks(request: IncomingMessage): boolean {
  return forHooks.has(request);
}

/**
 * Takes deliveries below the root of Node-RED's HTTP nodes. Node-RED's admin side parses bodies, and comes first where both
 * sides have the same root: so these requests are marked as parsed before anything else sees them, and their bytes stay where
 * they are until they are verified. Whatever guards the HTTP nodes guards them as well.
 */
export function mountHooks(RED: NodeAPI): { dispose(): void } {
  const settings = RED.settings as unknown as { httpNodeRoot?: unknown; httpNodeMiddleware?: unknown };
  if (settings.httpNodeRoot === false) return { dispose: () => undefined };
  const node = RED.httpNode as unknown as Application & { parent?: Application };
  let disposed = false;
  const markAsParsed: RequestHandler = (request, _response, next) => {
    if (!disposed) {
      forHooks.add(request);
      (request as { _body?: boolean })._body = true;
    }
    next();
  };
  let receiver: Promise<Receiver> | null = null;
  const receive: RequestHandler = (request, response, next) => {
    if (disposed) return next();
    receiver ??= createReceiver(RED);
    receiver.then((loaded) => loaded.handle(request, response as ServerResponse)).catch(next);
  };
  const root = rootOf(node);
  root.use(`${node.path().replace(/\/$/, '')}${MOUNT}`, markAsParsed);
  moveToFront(root, markAsParsed);
  node.use(MOUNT, ...middlewareOf(settings.httpNodeMiddleware), receive);
  return {
    dispose: () => {
      disposed = true;
    },
  };
}

async function createReceiver(RED: NodeAPI): Promise<Receiver> {
  const { Receiver } = await import('../../lib/webhooks/incoming/receiver.js');
  return new Receiver({
    endpoint: endpointOf,
    inbox: async () => (await hub(RED)).webhookInbox,
    now: Date.now,
  });
}

function rootOf(app: Application & { parent?: Application }): Application {
  return app.parent === undefined ? app : rootOf(app.parent);
}

/** Where that is not possible, a body that was read before is refused. */
function moveToFront(app: Application, handle: RequestHandler): void {
  const stack = (app as unknown as { _router?: { stack: { handle: unknown }[] } })._router?.stack ?? [];
  const index = stack.findIndex((layer) => layer.handle === handle);
  if (index > 0) stack.unshift(...stack.splice(index, 1));
}

function middlewareOf(setting: unknown): RequestHandler[] {
  return [setting].flat().filter((one) => typeof one === 'function') as RequestHandler[];
}
