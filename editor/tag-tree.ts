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
  element: JQuery;
  icon: string;
  node: BrowsedNode;
  selected?: boolean;
  checkbox?: boolean;
  children?: (done: (items: TreeItem[]) => void) => void;
}

interface TagTreeOptions {
  /** Named in a request: the id of a saved connection, or the values of one that is not. */
  reach(): Promise<Reach>;
  /** What the connection calls a node, where it has a name for it. */
  nameOf(node: BrowsedNode): string | undefined;
  isTicked(node: BrowsedNode): boolean;
  tick(node: BrowsedNode, isTicked: boolean): void;
}

const NODE_ICONS = { folder: 'fa fa-folder-o', tag: 'fa fa-tag', method: 'fa fa-cog', event: 'fa fa-bell-o' };
/** A search looks into so many places for so long, and shows so many tags: it is for finding one, not for reading all. */
const MOST_PLACES = 500;
const SEARCH_MS = 20_000;
const MOST_FOUND = 200;
const SEARCH_AFTER_MS = 400;

/** What the machine of a connection has, as a tree in which tags are ticked, with their values now, and a search. */
class TagTree {
  private readonly area = element('div', { class: 'pcp-tags' });
  private readonly hint = element('div', { class: 'pcp-hint', role: 'status' });
  private readonly values = new TagValues((path) => this.ask(path));
  private readonly known = new Map<string | null, Promise<BrowsedNode[]>>();
  private tree: JQuery | null = null;
  /** Grows with each search, so that an earlier one notices that it is over. */
  private searched = 0;

  /** @param after what it is put behind */
  constructor(
    after: JQuery,
    private readonly options: TagTreeOptions,
  ) {
    const button = element(
      'button',
      { type: 'button', class: 'red-ui-button red-ui-button-small' },
      text('tags.browse'),
    );
    after.after(button, this.area, this.hint);
    button.addEventListener('click', () => void (this.tree ? this.close() : this.open()));
  }

  private close(): void {
    this.tree = null;
    this.searched++;
    this.values.clear();
    this.known.clear();
    this.area.replaceChildren();
    this.hint.textContent = '';
  }

  private async open(): Promise<void> {
    const data = await this.items(null);
    if (data.length === 0 || this.tree) return;
    const search = element('input', {
      type: 'text',
      autocomplete: 'off',
      placeholder: text('tags.search'),
      'aria-label': text('tags.search'),
    });
    const place = element('div', {});
    this.area.replaceChildren(search, place);
    this.area.scrollIntoView({ block: 'nearest' });
    this.tree = $(place);
    this.tree.treeList({ data });
    this.tree.on('treelistselect', (_event: unknown, item: TreeItem) => {
      if (item.checkbox) this.options.tick(item.node, item.selected === true);
    });
    let waiting: ReturnType<typeof setTimeout> | undefined;
    search.addEventListener('input', () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => void this.search(search.value.trim().toLowerCase()), SEARCH_AFTER_MS);
    });
    search.addEventListener('keydown', (event) => {
      // Not the form's own button.
      if (event.key === 'Enter') event.preventDefault();
    });
  }

  /** Shows the tags whose name or address holds the text, wherever they lie; without a text the tree again. */
  private async search(wanted: string): Promise<void> {
    const turn = ++this.searched;
    this.values.clear();
    if (wanted === '') {
      this.tree?.treeList('data', await this.items(null));
      return;
    }
    const until = Date.now() + SEARCH_MS;
    const places: { address: string | null; path: string }[] = [{ address: null, path: '' }];
    // A node may lie at several places.
    const seen = new Set<string>();
    const found: TreeItem[] = [];
    this.tree?.treeList('data', found);
    let looked = 0;
    for (let place = places.shift(); place; place = places.shift()) {
      if (looked === MOST_PLACES || found.length >= MOST_FOUND || Date.now() > until) break;
      this.hint.textContent = text('tags.searching', { count: looked });
      const nodes = await this.list(place.address).catch((): BrowsedNode[] => []);
      if (turn !== this.searched) return;
      looked++;
      for (const node of nodes) {
        if (seen.has(node.address)) continue;
        seen.add(node.address);
        const path = place.path ? `${place.path} / ${node.name}` : node.name;
        const texts = [node.name, node.address, this.options.nameOf(node) ?? ''];
        if (node.kind === 'tag' && texts.some((each) => each.toLowerCase().includes(wanted))) {
          found.push(this.item({ ...node, name: path, has_children: false }));
        }
        if (node.has_children) places.push({ address: node.address, path });
      }
      this.tree?.treeList('data', found);
    }
    const isAll = places.length === 0;
    this.hint.textContent = text(isAll ? 'tags.found' : 'tags.found_so_far', { count: found.length, places: looked });
  }

  private async items(parent: string | null): Promise<TreeItem[]> {
    this.hint.textContent = text('tags.looking');
    try {
      const nodes = await this.list(parent);
      this.hint.textContent = nodes.length === 0 ? text('discovery.nothing') : '';
      return nodes.map((node) => this.item(node));
    } catch (error) {
      this.hint.textContent = `${refusalText(error as Error)} ${(error as ApiError).hint ?? ''}`;
      return [];
    }
  }

  private list(parent: string | null): Promise<BrowsedNode[]> {
    const known = this.known.get(parent);
    if (known) return known;
    const place = parent === null ? '' : `?parent=${encodeURIComponent(parent)}`;
    const asked = this.ask<BrowsedNode[]>(`/browse${place}`);
    this.known.set(parent, asked);
    asked.catch(() => this.known.delete(parent));
    return asked;
  }

  private async ask<T>(path: string): Promise<T> {
    const { id, values } = await this.options.reach();
    const connection = id === undefined ? '/connections' : `/connections/${id}`;
    return (await callApi<{ items: T }>(values ? 'POST' : 'GET', connection + path, values)).items;
  }

  private item(node: BrowsedNode): TreeItem {
    const name = this.options.nameOf(node);
    const title = name === undefined || name === node.name ? node.name : `${name} (${node.name})`;
    const detail = [node.data_type, node.unit].filter(Boolean).join(', ');
    const label = element('span', { title: node.address }, detail ? `${title} — ${detail}` : title);
    const row = element('span', { class: 'pcp-tag' }, label);
    if (node.kind === 'tag') row.append(this.values.place(node.address));
    return {
      element: $(row),
      icon: NODE_ICONS[node.kind],
      node,
      ...(node.kind === 'tag' && { checkbox: true, selected: this.options.isTicked(node) }),
      ...(node.has_children && { children: (done) => void this.items(node.address).then(done) }),
    };
  }
}
