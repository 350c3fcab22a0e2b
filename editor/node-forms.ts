/** Shows the rows of the form that belong to the chosen value: `<div class="form-row" data-when="operation=read,get">`. */
function showRowsByChoice(): void {
  const rows = [...document.querySelectorAll<HTMLElement>('#dialog-form [data-when]')];
  const chosen = (name: string) => {
    const input = $(`#node-input-${name}`);
    return input.is(':checkbox') ? String(input.prop('checked')) : String(input.val() ?? '');
  };
  const refresh = () => {
    for (const row of rows) {
      const conditions = (row.dataset.when ?? '').split(' ').map((condition) => condition.split('='));
      row.hidden = !conditions.every(([name = '', values = '']) => values.split(',').includes(chosen(name)));
    }
  };
  const names = new Set(
    rows.flatMap((row) => (row.dataset.when ?? '').split(' ').map((one) => one.split('=')[0] ?? '')),
  );
  for (const name of names) $(`#node-input-${name}`).on('change', refresh);
  refresh();
}

/** JSON properties of a node that its form edits: name of the property and an example, or null. */
function prepareJsonProperties(node: EditorNode, examples: Record<string, unknown>): void {
  for (const [name, example] of Object.entries(examples)) {
    const input = $(`#pcp-input-${name}`);
    jsonField(input, filled(node[name]), Array.isArray(example) ? '[]' : '{}');
    if (example !== null) input.parent().append(exampleButton(input, () => example));
  }
}

function saveJsonProperties(node: EditorNode, names: string[]): void {
  for (const name of names) node[name] = jsonFieldValue($(`#pcp-input-${name}`)) ?? '';
}

function connectorOf(connectorType: string | undefined): FormConnector | undefined {
  return CONNECTORS.find(({ type }) => type === connectorType);
}

/** The JSON fields in the form of a connector's palette node. */
function jsonExamples(connectorType: string | undefined): Record<string, unknown> {
  return { filters: FILTER_EXAMPLE, ...connectorOf(connectorType)?.callExamples };
}

/** Form of a connector's palette node (pcp-file, pcp-database, ...). */
function prepareConnectorNode(node: EditorNode, connectorType: string): void {
  const discovery = new Discovery();
  const connection = () => String($('#node-input-connection').val() ?? '');
  const entity = () => String($('#node-input-entity').val() ?? '');
  pickFrom($('#node-input-entity'), () => discovery.entities(connection()));
  pickFrom($('#node-input-keyFields'), () => discovery.fields(connection(), entity()));
  pickFrom($('#node-input-cursorField'), () => discovery.fields(connection(), entity()));
  if (connectorOf(connectorType)?.browses) browseTags($('#node-input-tags'), discovery, connection);
  prepareJsonProperties(node, jsonExamples(connectorType));
  // Nodes of a flow that was written by hand may lack the property.
  for (const select of document.querySelectorAll<HTMLSelectElement>(
    '#dialog-form [data-when^="operation=call"] select',
  )) {
    if (select.selectedIndex < 0) select.selectedIndex = 0;
  }
  showRowsByChoice();
}

function prepareWebhookOut(): void {
  const discovery = new Discovery();
  pickFrom($('#node-input-webhook'), () => discovery.webhooks());
}

function prepareEntityNode(node: EditorNode): void {
  const discovery = new Discovery();
  pickFrom($('#node-input-entity'), () => discovery.platformEntities());
  prepareJsonProperties(node, { filter: { plant: '1000', status: 'released' } });
  showRowsByChoice();
}

/** What a config node that a node refers to is called; nothing when there is none. */
function configLabel(id: string | undefined): string {
  const node = isChosen(id ?? '') ? RED.nodes.node(id as string) : null;
  return node ? RED.utils.getNodeLabel(node) : '';
}

/** The states to choose from depend on what is asked for. */
function prepareSyncLogNode(node: EditorNode): void {
  const states: Record<string, string[]> = {
    logs: ['', 'in_progress', 'success', 'error'],
    dead_letters: ['', 'open', 'replaying', 'resolved', 'discarded', 'superseded'],
    groups: ['', 'open', 'replaying', 'resolved', 'discarded', 'superseded'],
  };
  const select = $('#node-input-state');
  const refresh = () => {
    const chosen = String(select.val() ?? node.state ?? '');
    const options = states[String($('#node-input-what').val())] ?? [''];
    select.empty();
    for (const state of options) {
      select.append(element('option', { value: state }, text(state ? `state.${state}` : 'state.all')));
    }
    select.val(options.includes(chosen) ? chosen : '');
  };
  refresh();
  select.val(String(node.state ?? ''));
  $('#node-input-what').on('change', refresh);
}

/** Validator of an amount, which is no less than nothing and may come from an environment variable. */
function amountProblem(value: unknown): true | string {
  if (value === '' || value === undefined || isEnvironmentReference(value)) return true;
  const number = Number(value);
  if (Number.isNaN(number)) return text('form.number');
  return number < 0 ? text('form.minimum', { minimum: 0 }) : true;
}

/** Validator of a JSON property: objects are right, text is a typing error unless it names an environment variable. */
function jsonPropertyProblem(value: unknown): true | string {
  if (typeof value !== 'string' || value === '' || isEnvironmentReference(value)) return true;
  return text('form.json');
}

/** Validator of a number that may come from an environment variable. */
function numberProblem(value: unknown, minimum: number, maximum: number): true | string {
  if (value === '' || value === undefined || isEnvironmentReference(value)) return true;
  const number = Number(value);
  if (!Number.isInteger(number)) return text('form.integer');
  if (number < minimum) return text('form.minimum', { minimum });
  return number > maximum ? text('form.maximum', { maximum }) : true;
}
