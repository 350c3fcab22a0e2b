/** A refusal of the API (RFC 9457), or of the network. */
class ApiError extends Error {
  readonly code: string;
  readonly hint: string;
  readonly errors: { pointer: string; detail: string }[];

  constructor(problem: Record<string, unknown>, status: number) {
    super(String(problem.detail ?? problem.title ?? text('api.failed', { status })));
    this.code = String(problem.code ?? `HTTP_${status}`);
    this.hint = typeof problem.hint === 'string' ? problem.hint : '';
    this.errors = Array.isArray(problem.errors) ? problem.errors : [];
  }
}

/** A refusal with the values that it names. */
function refusalText(error: Error): string {
  const details = error instanceof ApiError ? error.errors : [];
  const further = details.filter(({ detail }) => !error.message.includes(detail.replace(/\.$/, '')));
  const named = further.map(({ pointer, detail }) => `${pointer.split('/').at(-1)}: ${detail}`);
  return [error.message, ...named].join(' ');
}

/** Longer than a request of the API may take, so that it is the hub that says what took so long. */
const REQUEST_TIMEOUT_MS = 70_000;

/** Calls `/integrations<path>` as the signed-in user. jQuery adds Node-RED's token to the request. */
function callApi<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    $.ajax({
      method,
      url: `integrations${path}`,
      dataType: 'json',
      timeout: REQUEST_TIMEOUT_MS,
      headers: { 'Accept-Language': locale() },
      ...(body !== undefined && { data: JSON.stringify(body), contentType: 'application/json' }),
      success: (answer: T) => resolve(answer),
      error: (request: JQuery.jqXHR) => {
        const problem = request.responseJSON as Record<string, unknown> | undefined;
        const unreachable = request.status === 0 ? { detail: text('api.unreachable') } : {};
        reject(new ApiError(problem ?? unreachable, request.status));
      },
    });
  });
}

/**
 * Every item of a list, page by page, at most some thousand.
 * @param body of a list that is asked for by POST
 */
async function listAll<T>(path: string, body?: unknown): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const separator = path.includes('?') ? '&' : '?';
    const from: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { items: T[]; next_cursor: string | null } = await callApi(
      body === undefined ? 'GET' : 'POST',
      `${path}${separator}limit=1000${from}`,
      body,
    );
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null && items.length < 5_000);
  return items;
}
