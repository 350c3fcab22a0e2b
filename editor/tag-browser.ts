/** A tree of what the machine of a connection has, beside a field with tags: ticking one writes it into the field. */
function browseTags(field: JQuery, discovery: Discovery, connection: () => string): void {
  const ticked = () => tagsOf(String(field.val() ?? ''));
  new TagTree(field.parent().children().last(), {
    reach: () => discovery.reach(connection()),
    nameOf: ({ address }) => namesOf(connection()).get(address),
    isTicked: ({ address }) => {
      const tags = ticked();
      return tags.includes(address) || tags.includes(namesOf(connection()).get(address) ?? address);
    },
    tick: ({ address }, isTicked) => {
      const tag = namesOf(connection()).get(address) ?? address;
      const others = ticked().filter((each) => each !== address && each !== tag);
      field.val(tagsText(isTicked ? [...others, tag] : others)).trigger('change');
    },
  });
}

type NamedTags = Record<string, Record<string, unknown>>;

/** The same tree beside the setting `tags` of a connection: what is ticked becomes one of its tags, by the name that it has there. */
function browseIntoSettings(form: SettingsForm, property: string, connection: () => UnsavedConnection): void {
  const input = $('#pcp-setting-tags');
  const tags = (): NamedTags => {
    const value = jsonFieldValue(input) ?? {};
    return typeof value === 'object' ? (value as NamedTags) : {};
  };
  const namesAt = (address: string) => Object.keys(tags()).filter((name) => tags()[name]?.[property] === address);
  new TagTree(input.closest('.pcp-row').find('.red-ui-button-small').last(), {
    reach: async () => ({ values: connection() }),
    nameOf: ({ address }) => namesAt(address)[0],
    isTicked: ({ address }) => namesAt(address).length > 0,
    tick: ({ address, name, unit }, isTicked) => {
      const own = tags();
      if (isTicked) own[freeName(name, own)] = { [property]: address, ...(unit && { unit }) };
      else for (const named of namesAt(address)) delete own[named];
      input.typedInput('value', JSON.stringify(own));
      input.trigger('change');
      form.showProblem('tags', null);
    },
  });
}

/** A found tag is called by the last part of its path. */
function freeName(path: string, taken: NamedTags): string {
  const name = path.split(' / ').at(-1) ?? path;
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? name : `${name}_${n}`;
    if (!(candidate in taken)) return candidate;
  }
}

/**
 * Names that a connection gives to addresses: a tag by its name has the unit and the deadband that are set there.
 * @param connection id of its config node
 */
function namesOf(connection: string): Map<string, string> {
  const { tags } = (RED.nodes.node(connection)?.config ?? {}) as { tags?: unknown };
  const entries = typeof tags === 'object' && tags !== null ? Object.entries(tags) : [];
  return new Map(entries.map(([name, tag]) => [String((tag as { node_id?: unknown })?.node_id ?? name), name]));
}

/** Addresses may hold commas: then the field holds a JSON array. */
function tagsOf(value: string): string[] {
  if (value.trim().startsWith('[')) {
    try {
      return (JSON.parse(value) as unknown[]).map(String);
    } catch {
      return [];
    }
  }
  return value
    .split(',')
    .map((tag) => tag.trim())
    .filter(Boolean);
}

function tagsText(tags: string[]): string {
  return tags.some((tag) => tag.includes(',') || tag.startsWith('[')) ? JSON.stringify(tags) : tags.join(', ');
}
