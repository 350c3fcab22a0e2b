interface PreviewAnswer {
  records: {
    position: string | null;
    before: Record<string, unknown>;
    after: Record<string, unknown> | null;
    current: Record<string, unknown> | null;
    action: string;
    errors: { title?: string; message: string; field: string | null; hint?: string }[];
  }[];
  totals: Record<string, number>;
}

/** A preview as rows: the record as read, as it would be written, and what is wrong with it. */
function previewLines(answer: PreviewAnswer): HTMLElement[] {
  if (answer.records.length === 0) return [element('div', { class: 'pcp-hint' }, text('preview.empty'))];
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
    if (record.after) after.append(valueList(record.after, record.current));
    for (const error of record.errors) {
      // Messages of the mapping begin with the field themselves.
      const where = error.field && !error.message.startsWith(error.field) ? `${error.field}: ` : '';
      after.append(element('div', { class: 'pcp-error' }, `${where}${worded(error.title, error.message)}`));
      if (error.hint) after.append(element('div', { class: 'pcp-help' }, error.hint));
    }
    body.append(element('tr', {}, action, element('td', {}, valueList(record.before, null)), after));
  }
  table.append(body);
  return [table];
}

/** Names and values; what differs from the target's present value is marked. */
function valueList(record: Record<string, unknown>, current: Record<string, unknown> | null): HTMLElement {
  const list = element('dl', { class: 'pcp-values' });
  for (const [name, value] of Object.entries(record)) {
    const changed = current !== null && JSON.stringify(current[name] ?? null) !== JSON.stringify(value ?? null);
    const shown = element('dd', changed ? { class: 'pcp-changed' } : {}, shortValue(value));
    if (changed) shown.title = shortValue(current?.[name]);
    list.append(element('dt', {}, name), shown);
  }
  return list;
}

function shortValue(value: unknown): string {
  const whole = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return whole.length > 120 ? `${whole.slice(0, 120)}…` : whole;
}
