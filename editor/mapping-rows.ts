interface MappingRow {
  source?: string;
  target: string;
  type?: string;
  expression?: string;
  constant?: unknown;
  [advanced: string]: unknown;
}

const FIELD_TYPES = ['', 'string', 'integer', 'number', 'decimal', 'boolean', 'date', 'datetime', 'json'];
const BASIC = ['source', 'target', 'type', 'expression', 'constant'];
const KINDS = ['source', 'expression', 'constant'] as const;

const LOOKUP_EXAMPLE = { required: true, lookup: { REL: 'released', TECO: 'completed' } };
const DATE_EXAMPLE = { required: true, format: 'YYYYMMDD' };

type RowKind = (typeof KINDS)[number];

interface PickLists {
  sourceFields: () => Promise<PickOption[]>;
  targetFields: () => Promise<PickOption[]>;
}

function rowKind(row: MappingRow): RowKind {
  if (row.expression !== undefined) return 'expression';
  return row.constant !== undefined ? 'constant' : 'source';
}

/** One line of the field table: where the value comes from, the platform field, its type, and everything else as JSON. */
class MappingRowEditor {
  private readonly kind: HTMLSelectElement;
  private readonly value: HTMLInputElement;
  private readonly target: HTMLInputElement;
  private readonly type: HTMLSelectElement;
  private readonly advanced: HTMLInputElement;

  constructor(container: HTMLElement, row: MappingRow, lists: PickLists) {
    this.kind = choice(
      text('mapping.kind'),
      KINDS.map((kind) => [kind, text(`mapping.kind_${kind}`)]),
      rowKind(row),
    );
    this.value = field(text('mapping.from'), valueText(row));
    this.target = field(text('mapping.target'), row.target);
    this.type = choice(
      text('mapping.type'),
      FIELD_TYPES.map((type) => [type, type || text('mapping.type_auto')]),
      row.type ?? '',
    );
    this.advanced = field(text('mapping.advanced'), '');
    const first = element(
      'div',
      { class: 'pcp-map-line' },
      this.kind,
      cell(this.value),
      arrow(),
      cell(this.target),
      this.type,
    );
    const example = exampleButton($(this.advanced), () =>
      this.type.value.startsWith('date') ? DATE_EXAMPLE : LOOKUP_EXAMPLE,
    );
    const second = element('div', { class: 'pcp-map-more' }, cell(this.advanced), example);
    const toggle = element('button', {
      type: 'button',
      class: 'red-ui-button red-ui-button-small',
      'aria-expanded': 'false',
      title: text('mapping.advanced'),
      'aria-label': text('mapping.advanced'),
    });
    toggle.append(element('i', { class: 'fa fa-sliders' }));
    first.append(toggle);
    container.append(first, second);
    const advanced = Object.fromEntries(Object.entries(row).filter(([name]) => !BASIC.includes(name)));
    const used: boolean = Object.keys(advanced).length > 0;
    jsonField($(this.advanced), used ? advanced : undefined, '{}');
    const open = (shown: boolean) => {
      second.hidden = !shown;
      toggle.setAttribute('aria-expanded', String(shown));
      if (shown) $(this.advanced).typedInput('width', '100%');
    };
    toggle.addEventListener('click', () => open(second.hidden !== false));
    open(used);
    pickFrom($(this.value), async () => (this.kind.value === 'source' ? lists.sourceFields() : null));
    pickFrom($(this.target), lists.targetFields);
  }

  /** The field mapping as the API wants it. */
  read(): MappingRow {
    const typed = this.value.value.trim();
    const advanced = jsonFieldValue($(this.advanced));
    const kind = this.kind.value as RowKind;
    return {
      ...(kind === 'constant' ? { constant: constantValue(typed) } : { [kind]: typed }),
      target: this.target.value.trim(),
      ...(this.type.value && { type: this.type.value }),
      ...(typeof advanced === 'object' && advanced !== null ? advanced : {}),
    };
  }
}

function valueText(row: MappingRow): string {
  const kind = rowKind(row);
  if (kind !== 'constant') return String(row[kind] ?? '');
  return typeof row.constant === 'string' ? row.constant : JSON.stringify(row.constant);
}

/** `12`, `true` and `null` are what they look like; anything else is text. */
function constantValue(typed: string): unknown {
  return /^(-?\d+(\.\d+)?|true|false|null)$/.test(typed) ? JSON.parse(typed) : typed;
}

function field(label: string, value: string): HTMLInputElement {
  const input = element('input', { type: 'text', 'aria-label': label, placeholder: label, autocomplete: 'off' });
  input.value = value;
  return input;
}

function choice(label: string, options: string[][], value: string): HTMLSelectElement {
  const select = element('select', { 'aria-label': label });
  for (const [optionValue = '', optionText = ''] of options) {
    select.append(element('option', { value: optionValue }, optionText));
  }
  select.value = value;
  return select;
}

function cell(input: HTMLElement): HTMLElement {
  return element('span', { class: 'pcp-map-cell' }, input);
}

function arrow(): HTMLElement {
  return element('i', { class: 'fa fa-long-arrow-right', 'aria-hidden': 'true' });
}
