interface BrowsedNode {
  address: string;
  name: string;
  kind: 'folder' | 'tag' | 'method' | 'event';
  data_type?: string;
  unit?: string;
  writable?: boolean;
  has_children: boolean;
}

interface TreeItem {
  label: string;
  icon: string;
  address: string;
  /** What is written into the field. */
  tag: string;
  selected?: boolean;
  checkbox?: boolean;
  children?: (done: (items: TreeItem[]) => void) => void;
}

const NODE_ICONS = { folder: 'fa fa-folder-o', tag: 'fa fa-tag', method: 'fa fa-cog', event: 'fa fa-bell-o' };

/** A tree of what the machine of a connection has, beside a field with tags: ticking one writes it into the field. */
function browseTags(field: JQuery, discovery: Discovery, connection: () => string): void {
  const area = element('div', { class: 'pcp-tags' });
  const hint = element('div', { class: 'pcp-hint', role: 'status' });
  const button = element('button', { type: 'button', class: 'red-ui-button red-ui-button-small' }, text('tags.browse'));
  field.parent().append(button, area, hint);

  const list = async (parent: string | null): Promise<TreeItem[]> => {
    hint.textContent = text('tags.looking');
    try {
      const { id, values } = await discovery.reach(connection());
      const path = id === undefined ? '/connections/browse' : `/connections/${id}/browse`;
      const place = parent === null ? '' : `?parent=${encodeURIComponent(parent)}`;
      const { items } = await callApi<{ items: BrowsedNode[] }>(values ? 'POST' : 'GET', path + place, values);
      hint.textContent = items.length === 0 ? text('discovery.nothing') : '';
      const chosen = tagsOf(String(field.val() ?? ''));
      const names = namesOf(connection());
      return items.map((node) => itemOf(node, chosen, names.get(node.address)));
    } catch (error) {
      hint.textContent = `${refusalText(error as Error)} ${(error as ApiError).hint ?? ''}`;
      return [];
    }
  };
  const itemOf = (node: BrowsedNode, chosen: string[], tag = node.address): TreeItem => ({
    label: [
      tag === node.address ? node.name : `${tag} (${node.name})`,
      [node.data_type, node.unit].filter(Boolean).join(', '),
    ]
      .filter(Boolean)
      .join(' — '),
    icon: NODE_ICONS[node.kind],
    address: node.address,
    tag,
    ...(node.kind === 'tag' && { checkbox: true, selected: chosen.includes(tag) || chosen.includes(node.address) }),
    ...(node.has_children && { children: (done) => void list(node.address).then(done) }),
  });

  $(button).on('click', async () => {
    if (area.childElementCount > 0) {
      area.replaceChildren();
      hint.textContent = '';
      return;
    }
    const data = await list(null);
    if (data.length === 0) return;
    const tree = $(element('div', {}));
    $(area).append(tree);
    tree.treeList({ data });
    tree.on('treelistselect', (_event: unknown, item: TreeItem) => {
      if (!item.checkbox) return;
      const others = tagsOf(String(field.val() ?? '')).filter((tag) => tag !== item.address && tag !== item.tag);
      field.val(tagsText(item.selected ? [...others, item.tag] : others)).trigger('change');
    });
  });
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
