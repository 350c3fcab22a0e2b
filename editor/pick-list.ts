interface EntityOption {
  name: string;
  label?: string;
  kind?: string;
}

interface DescribedEntity {
  schema?: { properties?: Record<string, { type?: string | string[]; format?: string; title?: string }> };
}

/** Lists that a form asked for, until it is closed: opening a pick list twice must not discover twice. */
class Discovery {
  private readonly answers = new Map<string, Promise<PickOption[]>>();

  private once(key: string, load: () => Promise<PickOption[]>): Promise<PickOption[]> {
    const known = this.answers.get(key);
    if (known) return known;
    const loading = load();
    this.answers.set(key, loading);
    loading.catch(() => this.answers.delete(key));
    return loading;
  }

  /** Tables, files, ... of a deployed connection. */
  entities(connectionNodeId: string): Promise<PickOption[]> {
    return this.once(`entities ${connectionNodeId}`, async () => {
      const id = await requiredConnectionId(connectionNodeId);
      const entities = await listAll<EntityOption>(`/connections/${id}/entities`);
      return entities.map(({ name, label, kind }) => ({ value: name, label: optionLabel(name, label ?? kind) }));
    });
  }

  fields(connectionNodeId: string, entity: string): Promise<PickOption[]> {
    return this.once(`fields ${connectionNodeId} ${entity}`, async () => {
      const id = await requiredConnectionId(connectionNodeId);
      return fieldOptions(await callApi('GET', `/connections/${id}/entities/${encodeURIComponent(entity)}`));
    });
  }

  platformEntities(): Promise<PickOption[]> {
    return this.once('platform', async () => {
      const types = await listAll<{ type: string; title: string; titles?: Record<string, string> }>('/entities');
      return types.map(({ type, title, titles }) => ({
        value: type,
        label: optionLabel(type, titles?.[localized({ 'en-US': 'en-US', 'pt-BR': 'pt-BR' })] ?? title),
      }));
    });
  }

  platformFields(type: string): Promise<PickOption[]> {
    return this.once(`platform ${type}`, async () =>
      fieldOptions(await callApi('GET', `/entities/${encodeURIComponent(type)}`)),
    );
  }
}

async function requiredConnectionId(nodeId: string): Promise<number> {
  const id = await deployedId('/connections?managed_by=flow', nodeId);
  if (id === undefined) throw new Error(text('discovery.deploy_first'));
  return id;
}

function optionLabel(value: string, detail: string | undefined): string {
  return detail && detail !== value ? `${value} (${detail})` : value;
}

function fieldOptions(described: DescribedEntity): PickOption[] {
  return Object.entries(described.schema?.properties ?? {}).map(([name, field]) => {
    const type = Array.isArray(field.type) ? field.type.filter((one) => one !== 'null').join('/') : field.type;
    return { value: name, label: optionLabel(name, field.title ?? field.format ?? type) };
  });
}

/** Offers what `load` finds while the author types; any other text stays possible, so do `${NAME}` and paths. */
function pickFrom(input: JQuery, load: () => Promise<PickOption[]>): void {
  const hint = element('div', { class: 'pcp-hint', role: 'status' });
  input.parent().append(hint);
  input.autoComplete({
    minLength: 0,
    search(typed, done) {
      load().then(
        (options) => {
          hint.textContent = options.length === 0 ? text('discovery.nothing') : '';
          const wanted = typed.trim().toLowerCase();
          const exact = options.some((option) => option.value.toLowerCase() === wanted);
          done(exact ? options : options.filter((option) => option.label.toLowerCase().includes(wanted)));
        },
        (error: Error) => {
          hint.textContent = error.message;
          done([]);
        },
      );
    },
  });
}
