/** A mapping that comes with an entity of a connector. */
interface DefaultMapping {
  direction: 'import' | 'export';
  target_entity: string;
  field_mappings: MappingRow[];
  transformations?: unknown[];
  filters?: unknown[];
  key_fields?: string[];
  sync_mode?: string;
  cursor_field?: string;
}

/** The one that fits what is chosen already; a mapping of both directions begins with its import. */
function fittingMapping(
  mappings: readonly DefaultMapping[],
  direction: string,
  target: string,
): DefaultMapping | undefined {
  const way = direction === 'export' ? 'export' : 'import';
  return mappings.find((each) => each.direction === way && (target === '' || each.target_entity === target));
}

/** Fills what the form leaves empty; what the author has chosen stays. */
function adoptSettings(mapping: DefaultMapping, json: Record<'filters' | 'transformations', { input: JQuery }>): void {
  const fill = (name: string, value: string | undefined, empty = '') => {
    const field = $(`#node-config-input-${name}`);
    if (value !== undefined && String(field.val() ?? '') === empty) field.val(value).trigger('change');
  };
  fill('targetEntity', mapping.target_entity);
  fill('keyFields', mapping.key_fields?.join(', '));
  fill('syncMode', mapping.sync_mode, 'full');
  fill('cursorField', mapping.cursor_field);
  for (const name of ['filters', 'transformations'] as const) {
    const { input } = json[name];
    if (mapping[name] === undefined || jsonFieldValue(input) !== undefined) continue;
    input.typedInput('value', JSON.stringify(mapping[name]));
    input.trigger('change');
  }
}
