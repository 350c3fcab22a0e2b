import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NodeAPI } from 'node-red';
import { hub } from '../hub-access';
import { hasEnvironmentReference, resolvedRequest } from './environment';
import { isForHooks } from './hook-mount';

type Next = (error?: unknown) => void;
type Handler = (request: IncomingMessage, response: ServerResponse, next: Next) => void;
type ErrorHandler = (error: unknown, request: IncomingMessage, response: ServerResponse, next: Next) => void;
type ParsedRequest = IncomingMessage & { body?: unknown };

interface Loaded {
  api: Handler;
  errors: ErrorHandler;
  authorise: typeof import('../../lib/api/permission').authorise;
}

const MOUNT = '/integrations';

/** Requests about what stands in a form: environment variables are not in place yet. */
const WITH_UNSAVED_VALUES = [
  `${MOUNT}/connections/test`,
  `${MOUNT}/connections/tags`,
  `${MOUNT}/connections/browse`,
  `${MOUNT}/connections/values`,
  `${MOUNT}/connections/entities`,
  `${MOUNT}/connections/entities/:entity`,
  `${MOUNT}/mappings/preview`,
];

/** Serves the hub's API below Node-RED's admin root. Its modules load with the first request. */
export function mountApi(RED: NodeAPI): { dispose(): void } {
  // `httpAdminRoot: false` leaves Node-RED without an admin side; its types do not know.
  const admin = RED.httpAdmin as NodeAPI['httpAdmin'] | null;
  if (!admin) return { dispose: () => undefined };
  let disposed = false;
  let loading: Promise<Loaded> | null = null;
  const load = () => {
    loading ??= loadApi(RED);
    loading.catch(() => {
      loading = null;
    });
    return loading;
  };
  const whenLoaded = (next: Next, serve: (loaded: Loaded) => void) => {
    if (disposed) next();
    else load().then(serve, next);
  };
  const serve: Handler = (request, response, next) => {
    if (isForHooks(request)) next();
    else whenLoaded(next, ({ api }) => api(request, response, next));
  };
  const refuse: ErrorHandler = (error, request, response, next) =>
    whenLoaded(
      () => next(error),
      ({ errors }) => errors(error, request, response, next),
    );
  admin.post(WITH_UNSAVED_VALUES, withEnvironmentValues(RED, load) as never);
  admin.use(MOUNT, serve as never);
  // Node-RED parses bodies one application further out: broken JSON is refused there, and never gets here.
  const parser = (admin as { parent?: typeof admin }).parent ?? admin;
  parser.use(MOUNT, refuse as never);
  return {
    dispose: () => {
      disposed = true;
    },
  };
}

async function loadApi(RED: NodeAPI): Promise<Loaded> {
  const { createApi, apiErrorHandler } = await import('../../lib/api/router.js');
  const { authorise } = await import('../../lib/api/permission.js');
  const { createIdempotencyStore } = await import('../../lib/api/idempotency.js');
  const { readAccessSettings } = await import('../../lib/api/access-settings.js');
  const settings = RED.settings as unknown as Record<string, unknown>;
  const api = createApi({
    hub: () => hub(RED),
    idempotency: createIdempotencyStore(() => hub(RED)),
    authenticated: Boolean(settings.adminAuth),
    needsPermission: (permission) => RED.auth.needsPermission(permission) as unknown as Handler,
    ...readAccessSettings(settings, process.env),
    onError: (error, instance) => {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      RED.log.error(`[integrations] ${instance}: ${detail}`);
    },
  });
  return { api, errors: apiErrorHandler, authorise };
}

/** Environment variables in unsaved values are for those alone who may deploy flows: a flow could read them as well. */
function withEnvironmentValues(RED: NodeAPI, load: () => Promise<Loaded>): Handler {
  const mayWriteFlows = RED.auth.needsPermission('flows.write') as unknown as Handler;
  return (request: ParsedRequest, response, next) => {
    if (!hasEnvironmentReference(request.body)) {
      next();
      return;
    }
    load()
      .then(({ authorise, errors }) =>
        authorise(mayWriteFlows, 'flows.write', request, response).then(
          () => {
            request.body = resolvedRequest(RED, request.body as Record<string, unknown>);
            next();
          },
          (error: unknown) => errors(error, request, response, next),
        ),
      )
      .catch(next);
  };
}
