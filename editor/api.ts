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

/** Calls `/integrations<path>` as the signed-in user. jQuery adds Node-RED's token to the request. */
function callApi<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    $.ajax({
      method,
      url: `integrations${path}`,
      dataType: 'json',
      timeout: 30_000,
      ...(body !== undefined && { data: JSON.stringify(body), contentType: 'application/json' }),
      success: (answer: T) => resolve(answer),
      error: (request: JQuery.jqXHR) => {
        const problem = request.responseJSON as Record<string, unknown> | undefined;
        reject(new ApiError(problem ?? { detail: text('api.unreachable') }, request.status));
      },
    });
  });
}

/** Every item of a list, page by page, at most some thousand. */
async function listAll<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const separator = path.includes('?') ? '&' : '?';
    const from: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { items: T[]; next_cursor: string | null } = await callApi(
      'GET',
      `${path}${separator}limit=1000${from}`,
    );
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null && items.length < 5_000);
  return items;
}

interface FlowRow {
  id: number;
  node_id: string | null;
}

/** The hub's id of a deployed config node; undefined when it is not deployed. */
async function deployedId(
  list: '/connections?managed_by=flow' | '/mappings',
  nodeId: string,
): Promise<number | undefined> {
  if (!nodeId || nodeId === '_ADD_') return undefined;
  const rows = await listAll<FlowRow>(list);
  return rows.find((row) => row.node_id === nodeId)?.id;
}
