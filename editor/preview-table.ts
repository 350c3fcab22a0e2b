interface PreviewedRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string | null;
}

interface PreviewAnswer {
  guarantee: { level: string; text: string };
  records: {
    position: string | null;
    before: Record<string, unknown>;
    after: Record<string, unknown> | null;
    /** What an update changes at the target, compared by type: 2.50 is 2.5. */
    diff: { field: string; old: unknown }[];
    action: string;
    request: PreviewedRequest | null;
    errors: { title?: string; message: string; field: string | null; hint?: string }[];
  }[];
  totals: Record<string, number>;
}

/** A preview as rows: the record as read, as it would be written, and what is wrong with it. */
function previewLines(answer: PreviewAnswer): HTMLElement[] {
  const guarantee = element('div', { class: 'pcp-hint pcp-guarantee' }, answer.guarantee.text);
  if (answer.records.length === 0) return [guarantee, element('div', { class: 'pcp-hint' }, text('preview.empty'))];
  const table = element('table', { class: 'pcp-preview' });
  const heading = element('tr');
  for (const name of ['action', 'before', 'after'])
    heading.append(element('th', { scope: 'col' }, text(`preview.${name}`)));
  table.append(element('thead', {}, heading));
  const body = element('tbody');
  for (const record of answer.records) {
    const action = element(
      'td',
      {},
      element('span', { class: `pcp-action pcp-action-${record.action}` }, text(`action.${record.action}`)),
    );
    if (record.position) action.append(element('div', { class: 'pcp-help' }, record.position));
    const after = element('td');
    if (record.after) after.append(valueList(record.after, record.diff));
    if (record.request) after.append(requestLines(record.request));
    for (const error of record.errors) {
      // Messages of the mapping begin with the field themselves.
      const where = error.field && !error.message.startsWith(error.field) ? `${error.field}: ` : '';
      after.append(element('div', { class: 'pcp-error' }, `${where}${worded(error.title, error.message)}`));
      if (error.hint) after.append(element('div', { class: 'pcp-help' }, error.hint));
    }
    body.append(element('tr', {}, action, element('td', {}, valueList(record.before, [])), after));
  }
  table.append(body);
  return [guarantee, table];
}

/** The first line of a request, which opens the rest of it. */
function requestLines({ method, url, headers, body }: PreviewedRequest): HTMLElement {
  const { pathname, search } = new URL(url);
  const summary = element('summary', {}, `${method} ${pathname}${search}`);
  const lines = [url, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  const whole = body === null ? lines : [...lines, '', body];
  return element('details', { class: 'pcp-request' }, summary, element('pre', {}, whole.join('\n')));
}

/** Names and values; what changes is marked, and tells its present value when pointed at. */
function valueList(record: Record<string, unknown>, diff: PreviewAnswer['records'][number]['diff']): HTMLElement {
  const list = element('dl', { class: 'pcp-values' });
  for (const [name, value] of Object.entries(record)) {
    const change = diff.find(({ field }) => field === name);
    const shown = element('dd', change ? { class: 'pcp-changed' } : {}, shortValue(value));
    if (change) shown.title = shortValue(change.old);
    list.append(element('dt', {}, name), shown);
  }
  return list;
}

function shortValue(value: unknown): string {
  const whole = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return whole.length > 120 ? `${whole.slice(0, 120)}…` : whole;
}
