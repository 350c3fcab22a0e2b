const FILTER_EXAMPLE = [{ field: 'WERKS', operator: 'eq', value: '1000' }, { expression: 'GAMNG > 0' }];
const TRANSFORMATION_EXAMPLE = [
  { op: 'trim', field: 'MATNR' },
  { op: 'split', field: 'tags', separator: ';' },
];
const OPTIONS_EXAMPLE = { batch_size: 5000, on_error: 'skip', max_errors: 1000, lookback_seconds: 30 };

/** What each live record has besides what its source sends, and where a time series takes it. */
const SERIES_ROWS: MappingRow[] = [
  { source: '_time', target: 'source_timestamp' },
  { source: '_id', target: 'record_id' },
  { source: '_number', target: 'value_number' },
  { source: '_text', target: 'value_text' },
];

/** Form of the pcp-mapping config node. */
class MappingForm {
  private readonly node: EditorNode;
  private readonly discovery = new Discovery();
  private readonly rows = $('#pcp-mapping-fields');
  private readonly schedule: ScheduleField;
  private readonly dependsOn: DependsOnField;
  private readonly live: LiveState;
  private readonly json = {
    filters: { input: $('#pcp-mapping-filters'), example: FILTER_EXAMPLE },
    transformations: { input: $('#pcp-mapping-transformations'), example: TRANSFORMATION_EXAMPLE },
    options: { input: $('#pcp-mapping-options'), example: OPTIONS_EXAMPLE },
  };

  /** @param outerConnection the connection chosen in the form that this one is opened from, which a new mapping starts with */
  constructor(node: EditorNode, outerConnection: string) {
    this.node = node;
    this.takeOver(outerConnection);
    const connection = () => String($('#node-config-input-connection').val() ?? '');
    const source = () => String($('#node-config-input-sourceEntity').val() ?? '');
    const target = () => String($('#node-config-input-targetEntity').val() ?? '');
    const lists: PickLists = {
      sourceFields: () => this.discovery.fields(connection(), source()),
      targetFields: () => this.discovery.platformFields(target()),
    };
    pickFrom($('#node-config-input-sourceEntity'), () => this.discovery.entities(connection()));
    pickFrom($('#node-config-input-targetEntity'), () => this.discovery.platformEntities());
    pickFrom($('#node-config-input-keyFields'), lists.targetFields);
    pickFrom($('#node-config-input-cursorField'), () =>
      $('#node-config-input-direction').val() === 'export' ? lists.targetFields() : lists.sourceFields(),
    );
    this.dependsOn = new DependsOnField(node);
    this.live = new LiveState(node);
    this.schedule = new ScheduleField(node, 'mapping', () => String(RED.nodes.node(connection())?.timezone ?? ''));
    $('#node-config-input-connection').on('change', () => this.schedule.look());
    for (const [name, { input, example }] of Object.entries(this.json)) {
      jsonField(input, filled(node[name]), Array.isArray(example) ? '[]' : '{}');
      input.parent().append(exampleButton(input, () => example));
    }
    this.rows.editableList({
      addItem: (container: JQuery, _index: number, item: { row?: MappingRow; editor?: MappingRowEditor }) => {
        item.editor = new MappingRowEditor(container[0]!, item.row ?? { source: '', target: '' }, lists);
      },
      addButton: text('mapping.add'),
      removable: true,
      sortable: true,
      height: 'auto',
    });
    for (const row of (node.fieldMappings as MappingRow[]) ?? []) this.rows.editableList('addItem', { row });
    $('#node-config-input-syncMode').on('change', showCursorField);
    showCursorField();
    $('#pcp-mapping-fill').on('click', () => void this.fill(lists));
    $('#pcp-mapping-preview').on('click', () => void this.preview('sample', text('preview.running'), previewLines));
    $('#pcp-mapping-check').on('click', () => void this.preview('full_plan', text('preview.checking'), planLines));
  }

  private takeOver(connection: string): void {
    const isNew = !RED.nodes.node(this.node.id);
    if (isNew && isChosen(connection)) $('#node-config-input-connection').val(connection).trigger('change');
  }

  private fieldMappings(): MappingRow[] {
    const rows: MappingRow[] = [];
    const items = this.rows.editableList('items') as unknown as { each(visit: (this: HTMLElement) => void): void };
    items.each(function () {
      rows.push(($(this).data('data') as { editor: MappingRowEditor }).editor.read());
    });
    return rows.filter((row) => row.target !== '' || row.source !== '');
  }

  save(): void {
    this.node.fieldMappings = this.fieldMappings();
    this.node.filters = jsonFieldValue(this.json.filters.input) ?? [];
    this.node.transformations = jsonFieldValue(this.json.transformations.input) ?? [];
    this.node.options = jsonFieldValue(this.json.options.input) ?? {};
    this.schedule.save();
    this.dependsOn.save();
  }

  close(): void {
    this.live.close();
  }

  /**
   * Adds a row for each platform field that has none yet: those of the mapping that comes with the source's entity, else
   * each paired with the source field of the same name.
   */
  private async fill(lists: PickLists): Promise<void> {
    const note = document.getElementById('pcp-mapping-note')!;
    note.textContent = '';
    try {
      const given = await this.defaultMapping();
      if (given !== undefined) {
        const mapped = new Set(this.fieldMappings().map((row) => row.target));
        for (const row of given.field_mappings) if (!mapped.has(row.target)) this.rows.editableList('addItem', { row });
        adoptSettings(given, this.json);
        return;
      }
      const [sources, targets] = await Promise.all([lists.sourceFields(), lists.targetFields()]);
      const mapped = new Set(this.fieldMappings().map((row) => row.target));
      const chosen = (name: string) => $(`#node-config-input-${name}`).val();
      const isSeries = chosen('syncMode') === 'live' && chosen('targetEntity') === 'measurement';
      const byName = new Map(sources.map(({ value }) => [simplified(value), value]));
      const pairs = targets.map(
        ({ value }): MappingRow => ({ source: byName.get(simplified(value)) ?? '', target: value }),
      );
      const before = mapped.size;
      // The hub's own fields first: a time that the source does not give is filled in there.
      for (const row of [...(isSeries ? SERIES_ROWS : []), ...pairs]) {
        if (row.source === '' || mapped.has(row.target)) continue;
        mapped.add(row.target);
        this.rows.editableList('addItem', { row });
      }
      if (mapped.size === before) note.textContent = text('mapping.nothing_to_suggest');
    } catch (error) {
      note.textContent = `${refusalText(error as Error)} ${(error as ApiError).hint ?? ''}`;
    }
  }

  private async defaultMapping(): Promise<DefaultMapping | undefined> {
    const chosen = (name: string) => String($(`#node-config-input-${name}`).val() ?? '').trim();
    const mappings = await this.discovery.defaultMappings(chosen('connection'), chosen('sourceEntity'));
    return fittingMapping(mappings, chosen('direction'), chosen('targetEntity'));
  }

  /** @param running what is said meanwhile */
  private async preview(
    mode: 'sample' | 'full_plan',
    running: string,
    lines: (answer: PreviewAnswer) => HTMLElement[],
  ): Promise<void> {
    const area = document.getElementById('pcp-mapping-result')!;
    const buttons = $('#pcp-mapping-preview, #pcp-mapping-check');
    buttons.prop('disabled', true).attr('aria-busy', 'true');
    showReport(area, element('div', { class: 'pcp-hint' }, running));
    try {
      const request = { ...(await this.previewRequest()), mode };
      showReport(area, ...lines(await callApi<PreviewAnswer>('POST', '/mappings/preview', request)));
    } catch (error) {
      showReport(area, stepLine(false, refusalText(error as Error), (error as ApiError).hint ?? ''));
    } finally {
      buttons.prop('disabled', false).removeAttr('aria-busy');
    }
  }

  /** What stands in the form and in the connections it names, deployed or not. */
  private async previewRequest(): Promise<Record<string, unknown>> {
    const chosen = (name: string) => String($(`#node-config-input-${name}`).val() ?? '');
    const external = await this.discovery.reach(chosen('connection'));
    const peer = isChosen(chosen('peerConnection')) ? await this.discovery.reach(chosen('peerConnection')) : null;
    const mapping = { ...this.definition(), connection_id: external.id, peer_connection_id: peer?.id };
    return { mapping, connection: external.values, peer_connection: peer?.values, limit: 10 };
  }

  /** The mapping as the API takes it. */
  private definition(): Record<string, unknown> {
    const value = (name: string) => String($(`#node-config-input-${name}`).val() ?? '').trim();
    return {
      name: value('name') || 'preview',
      entity_type: value('targetEntity'),
      direction: value('direction'),
      source_entity: value('sourceEntity'),
      target_entity: value('targetEntity'),
      field_mappings: this.fieldMappings(),
      filters: jsonFieldValue(this.json.filters.input) ?? [],
      transformations: jsonFieldValue(this.json.transformations.input) ?? [],
      options: jsonFieldValue(this.json.options.input) ?? {},
      key_fields: value('keyFields')
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean),
      sync_mode: value('syncMode'),
      cursor_field: value('cursorField') || null,
    };
  }
}

/** Undefined for an empty list or object, which the form shows as such. */
function filled(value: unknown): unknown {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0 ? undefined : value;
}

function showCursorField(): void {
  $('#pcp-mapping-cursor').toggle($('#node-config-input-syncMode').val() === 'incremental');
}

/** "Order_Number" and "orderNumber" are the same field. */
function simplified(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Validator of the field table: each row has a target and something to fill it from. */
function fieldMappingsProblem(rows: unknown): true | string {
  const list = typeof rows === 'string' ? [] : ((rows ?? []) as MappingRow[]);
  if (list.length === 0) return text('mapping.no_fields');
  const bad = list.findIndex((row) => !row.target || (row.constant === undefined && !row.source && !row.expression));
  return bad < 0 ? true : text('mapping.bad_field', { row: bad + 1 });
}
