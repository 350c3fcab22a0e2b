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
    errors: PreviewedError[];
  }[];
  totals: Record<string, number>;
  complete: boolean;
  reasons?: (PreviewedError & {
    count: number;
    first: Pick<PreviewAnswer['records'][number], 'position' | 'before'>[];
  })[];
}

interface PreviewedError {
  message: string;
  field: string | null;
  hint?: string;
}

/** A preview as rows: the record as read, as it would be written, and what is wrong with it. */
function previewLines(answer: PreviewAnswer): HTMLElement[] {
  const guarantee = element('div', { class: 'pcp-hint pcp-guarantee' }, answer.guarantee.text);
  if (answer.records.length === 0) return [guarantee, element('div', { class: 'pcp-hint' }, text('preview.empty'))];
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
    for (const error of record.errors) after.append(...errorLines(error));
    body.append(element('tr', {}, action, element('td', {}, valueList(record.before, [])), after));
  }
  return [guarantee, previewTable(['action', 'before', 'after'], body)];
}

/** What would become of all records: how many of each kind, and why some would be rejected. */
function planLines({ totals, complete, reasons = [] }: PreviewAnswer): HTMLElement[] {
  const counts = Object.entries(totals).filter(([, count]) => count > 0);
  if (counts.length === 0) return [element('div', { class: 'pcp-hint' }, text('preview.empty'))];
  const told = counts.map(([action, count]) => `${count.toLocaleString(locale())} ${text(`action.${action}`)}`);
  const lines = [element('div', { class: 'pcp-guarantee' }, `${text('preview.action')}: ${told.join(', ')}.`)];
  if (!complete) lines.push(element('div', { class: 'pcp-hint pcp-guarantee' }, text('preview.incomplete')));
  if (reasons.length === 0) return [...lines, element('div', { class: 'pcp-hint' }, text('preview.sound'))];
  const body = element('tbody');
  for (const { count, first, ...error } of reasons) {
    const records = element('td');
    for (const { position, before } of first) {
      if (position) records.append(element('div', { class: 'pcp-help' }, position));
      records.append(valueList(before, []));
    }
    body.append(
      element(
        'tr',
        {},
        element('td', {}, count.toLocaleString(locale())),
        element('td', {}, ...errorLines(error)),
        records,
      ),
    );
  }
  return [...lines, previewTable(['count', 'reason', 'first'], body)];
}

/** @param columns names of their headings in the catalogue */
function previewTable(columns: string[], body: HTMLElement): HTMLElement {
  const headings = columns.map((name) => element('th', { scope: 'col' }, text(`preview.${name}`)));
  return element('table', { class: 'pcp-preview' }, element('thead', {}, element('tr', {}, ...headings)), body);
}

function errorLines({ field, message, hint }: PreviewedError): HTMLElement[] {
  // Messages of the mapping begin with the field themselves.
  const where = field && !message.startsWith(field) ? `${field}: ` : '';
  const line = element('div', { class: 'pcp-error' }, `${where}${message}`);
  return hint ? [line, element('div', { class: 'pcp-help' }, hint)] : [line];
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
