interface EntityOption {
  name: string;
  label?: string;
  kind?: string;
}

interface DescribedField {
  type?: string | string[];
  format?: string;
  title?: string;
  /** By language; the platform's own. */
  titles?: Record<string, string>;
}

interface DescribedEntity {
  schema?: {
    properties?: Record<string, DescribedField>;
    /** Why a sample of the entity could not be read, or not to its end. */
    'x-sample-fault'?: { message: string; hint?: string };
    /** Mappings of the entity that work as they are. */
    'x-mappings'?: DefaultMapping[];
  };
}

interface FlowRow {
  id: number;
  node_id: string | null;
}

/** How the API gets at a connection: by its id while it runs as it stands in the editor, else by what stands there. */
type Reach = { id: number; values?: undefined } | { id?: undefined; values: UnsavedConnection };

/** Lists that a form asked for, until it is closed: opening a pick list twice must not discover twice. */
class Discovery {
  private readonly answers = new Map<string, Promise<unknown>>();

  private once<T>(key: string, load: () => Promise<T>): Promise<T> {
    const known = this.answers.get(key);
    if (known) return known as Promise<T>;
    const loading = load();
    this.answers.set(key, loading);
    loading.catch(() => this.answers.delete(key));
    return loading;
  }

  /** @param nodeId what a config select holds */
  async reach(nodeId: string): Promise<Reach> {
    const node = isChosen(nodeId) ? RED.nodes.node(nodeId) : null;
    if (!node) throw new Error(text('discovery.no_connection'));
    const rows = node.changed ? [] : await this.once('deployed', deployedConnections);
    const id = rows.find((row) => row.node_id === nodeId)?.id;
    return id === undefined ? { values: unsavedConnection(node) } : { id };
  }

  /** Tables, files, ... of a connection. */
  async entities(nodeId: string): Promise<PickOption[]> {
    const reach = await this.reach(nodeId);
    return this.once(`entities ${JSON.stringify(reach)}`, async () => {
      const entities = await listAll<EntityOption>(entitiesPath(reach), reach.values);
      // A draft is nothing that can be read or written yet.
      const usable = entities.filter(({ kind }) => kind !== 'draft');
      return usable.map(({ name, label, kind }) => ({ value: name, label: optionLabel(name, label ?? kind) }));
    });
  }

  async fields(nodeId: string, entity: string): Promise<PickOption[]> {
    const described = await this.described(nodeId, entity);
    const options = fieldOptions(described);
    const fault = described.schema?.['x-sample-fault'];
    if (fault && options.length === 0) throw new ApiError({ detail: fault.message, hint: fault.hint }, 200);
    return options;
  }

  async defaultMappings(nodeId: string, entity: string): Promise<DefaultMapping[]> {
    return (await this.described(nodeId, entity)).schema?.['x-mappings'] ?? [];
  }

  private async described(nodeId: string, entity: string): Promise<DescribedEntity> {
    const reach = await this.reach(nodeId);
    return this.once(`entity ${JSON.stringify(reach)} ${entity}`, () => {
      const path = `${entitiesPath(reach)}/${encodeURIComponent(entity)}`;
      return callApi<DescribedEntity>(reach.values ? 'POST' : 'GET', path, reach.values);
    });
  }

  webhooks(): Promise<PickOption[]> {
    return this.once('webhooks', async () => {
      const webhooks = await listAll<{ name: string; url: string }>('/webhooks');
      return webhooks.map(({ name, url }) => ({ value: name, label: optionLabel(name, url) }));
    });
  }

  platformEntities(): Promise<PickOption[]> {
    return this.once('platform', async () => {
      const types = await listAll<{ type: string; title: string; titles?: Record<string, string> }>('/entities');
      return types.map(({ type, title, titles }) => ({
        value: type,
        label: optionLabel(type, titles?.[locale()] ?? title),
      }));
    });
  }

  platformFields(type: string): Promise<PickOption[]> {
    return this.once(`platform ${type}`, async () =>
      fieldOptions(await callApi('GET', `/entities/${encodeURIComponent(type)}`)),
    );
  }
}

function deployedConnections(): Promise<FlowRow[]> {
  return listAll('/connections?managed_by=flow');
}

function entitiesPath({ id }: Reach): string {
  return id === undefined ? '/connections/entities' : `/connections/${id}/entities`;
}

/** Node-RED's config select holds `_ADD_` while nothing is chosen. */
function isChosen(nodeId: string): boolean {
  return nodeId !== '' && nodeId !== '_ADD_';
}

/** `orders — in/orders-*.csv`; a label that already says "orders (in/orders-*.csv)" is not said twice. */
function optionLabel(value: string, label: string | undefined): string {
  const repeated = label?.startsWith(`${value} (`) && label.endsWith(')');
  const detail = repeated ? label?.slice(value.length + 2, -1) : label;
  return detail && detail !== value ? `${value} — ${detail}` : value;
}

function fieldOptions(described: DescribedEntity): PickOption[] {
  return Object.entries(described.schema?.properties ?? {}).map(([name, field]) => {
    const type = Array.isArray(field.type) ? field.type.filter((one) => one !== 'null').join('/') : field.type;
    return { value: name, label: optionLabel(name, field.titles?.[locale()] ?? field.title ?? field.format ?? type) };
  });
}

/**
 * Offers what `load` finds when an empty field is entered and while the author types; any other text stays possible, so
 * do `${NAME}` and paths.
 * @param load null when the field is one that nothing can be offered for
 */
function pickFrom(input: JQuery, load: () => Promise<PickOption[] | null>): void {
  const field = input[0] as HTMLInputElement;
  const hint = element('div', { class: 'pcp-hint', role: 'status' });
  input.parent().append(hint);
  // Before the widget's own handler, which takes the list's first entry on Tab, whatever was typed: who goes on chooses nothing.
  input.on('keydown', (event) => {
    const widget = input.autoComplete('instance');
    if (event.key !== 'Tab' || !widget.completionMenuShown) return;
    event.stopImmediatePropagation();
    widget.menu?.hide();
  });
  input.autoComplete({
    minLength: 0,
    search(typed, done) {
      load().then(
        (options) => {
          hint.textContent = options?.length === 0 ? text('discovery.nothing') : '';
          // A list that comes late must not open over the field that the author has gone on to.
          done(options && document.activeElement === field ? matching(options, typed) : []);
        },
        (error: Error) => {
          hint.textContent = `${refusalText(error)} ${(error as ApiError).hint ?? ''}`;
          done([]);
        },
      );
    },
  });
  // The widget searches on key up, whichever key it was.
  const open = () => {
    if (field.value === '') input.trigger('keyup');
  };
  input.on('click', open);
  // Not by jQuery, which calls its handlers for a field that has the focus already: the list's end would open it again.
  field.addEventListener('focus', (event) => {
    const from = event.relatedTarget as Element | null;
    if (!from?.closest('.red-ui-autoComplete-container')) open();
  });
}

/** What contains the typed text; for a value of the list all of it, that value first, since Enter takes the first. */
function matching(options: PickOption[], typed: string): PickOption[] {
  const wanted = typed.trim().toLowerCase();
  const exact = options.find((option) => option.value.toLowerCase() === wanted);
  if (exact) return [exact, ...options.filter((option) => option !== exact)];
  return options.filter((option) => option.label.toLowerCase().includes(wanted));
}
