import { childrenOf, type Element, notMetadata, readEdmx } from './edmx';
import type {
  EntitySet,
  EnumType,
  Navigation,
  ODataVersion,
  Operation,
  Property,
  ServiceModel,
  StructuredType,
} from './model';

/**
 * Reads a $metadata document of any version. What it refers to in other documents stays unknown: values of such types pass
 * as they are.
 * @param place of the document, for messages
 * @throws config PCP_ODATA_METADATA
 */
export function parseMetadata(text: string, place = '$metadata'): ServiceModel {
  const edmx = readEdmx(text, place);
  const schemas = childrenOf(edmx, 'DataServices').flatMap((services) => childrenOf(services, 'Schema'));
  if (schemas.length === 0) throw notMetadata(place, 'it has no Schema');
  const version: ODataVersion = /^[4-9]/.test(edmx.attributes.Version ?? '') ? 4 : 2;
  return new Reader(schemas, version).model();
}

interface Declared {
  element: Element;
  name: string;
}

class Reader {
  readonly #namespaces = new Map<string, string>();
  readonly #structured = new Map<string, Declared>();
  readonly #definitions = new Map<string, Element>();
  readonly #associations = new Map<string, Element>();
  readonly #operations = new Map<string, Element[]>();
  readonly #enums = new Map<string, EnumType>();
  readonly #types = new Map<string, StructuredType>();

  constructor(
    private readonly schemas: readonly Element[],
    private readonly version: ODataVersion,
  ) {
    for (const { attributes } of schemas) {
      if (attributes.Alias !== undefined) this.#namespaces.set(attributes.Alias, attributes.Namespace ?? '');
    }
    for (const schema of schemas) for (const element of schema.children) this.#declare(schema, element);
  }

  model(): ServiceModel {
    for (const name of this.#structured.keys()) this.#type(name);
    const containers = this.schemas
      .flatMap((schema) => childrenOf(schema, 'EntityContainer'))
      // The default one comes first, so that its names win.
      .sort((a, b) => Number(isTrue(b, 'IsDefaultEntityContainer')) - Number(isTrue(a, 'IsDefaultEntityContainer')));
    const entitySets = new Map<string, EntitySet>();
    const operations = new Map<string, Operation[]>();
    for (const element of containers.flatMap(({ children }) => children)) {
      const { Name: name = '' } = element.attributes;
      if (element.name === 'EntitySet' || element.name === 'Singleton') {
        if (!entitySets.has(name)) entitySets.set(name, this.#entitySet(element));
      } else if (/^(Function|Action)Import$/.test(element.name) && !operations.has(name)) {
        operations.set(name, this.#imported(name, element));
      }
    }
    for (const [name, elements] of this.#operations) {
      const bound = elements.filter((element) => isTrue(element, 'IsBound')).map((each) => this.#operation(name, each));
      if (bound.length > 0) operations.set(name, bound);
    }
    return { version: this.version, entitySets, operations, types: this.#types, enums: this.#enums };
  }

  #declare({ attributes: { Namespace = '' } }: Element, element: Element): void {
    const name = `${Namespace}.${element.attributes.Name ?? ''}`;
    switch (element.name) {
      case 'EntityType':
      case 'ComplexType':
        this.#structured.set(name, { element, name });
        break;
      case 'EnumType':
        this.#enums.set(name, {
          name,
          members: childrenOf(element, 'Member').map(({ attributes }) => attributes.Name ?? ''),
          isFlags: isTrue(element, 'IsFlags'),
        });
        break;
      case 'TypeDefinition':
        this.#definitions.set(name, element);
        break;
      case 'Association':
        this.#associations.set(name, element);
        break;
      case 'Function':
      case 'Action':
        this.#operations.set(name, [...(this.#operations.get(name) ?? []), element]);
    }
  }

  /** "Self.Order", "Collection(NS.Order)" with the namespace in place of its alias. */
  #resolve(reference: string): { type: string; isCollection: boolean } {
    const inner = /^Collection\((.*)\)$/.exec(reference.trim())?.[1];
    return { type: this.#qualified(inner ?? reference.trim()), isCollection: inner !== undefined };
  }

  #qualified(name: string): string {
    const dot = name.lastIndexOf('.');
    if (dot === -1) return `Edm.${name}`;
    const namespace = name.slice(0, dot);
    return `${this.#namespaces.get(namespace) ?? namespace}${name.slice(dot)}`;
  }

  #type(name: string, below: readonly string[] = []): StructuredType {
    const known = this.#types.get(name);
    if (known !== undefined) return known;
    const declared = this.#structured.get(name);
    const { element } = declared ?? { element: undefined };
    const base = element?.attributes.BaseType;
    const baseName = base === undefined ? undefined : this.#qualified(base);
    // A type that extends itself stands for itself alone.
    const parent = baseName === undefined || below.includes(baseName) ? undefined : baseName;
    const inherited = parent === undefined ? undefined : this.#type(parent, [...below, name]);
    const keys = childrenOf(element, 'Key').flatMap((key) => childrenOf(key, 'PropertyRef'));
    const own = childrenOf(element, 'Property').map((property) => this.#property(property));
    const links = childrenOf(element, 'NavigationProperty').map((property) => this.#navigation(property));
    const type: StructuredType = {
      name,
      ...(element?.attributes.label !== undefined && { label: element.attributes.label }),
      ...(parent !== undefined && { base: parent }),
      isEntity: element?.name !== 'ComplexType',
      isOpen: element === undefined || isTrue(element, 'OpenType') || inherited?.isOpen === true,
      key: keys.length > 0 ? keys.map(({ attributes }) => attributes.Name ?? '') : (inherited?.key ?? []),
      properties: new Map([...(inherited?.properties ?? []), ...own.map((each) => [each.name, each] as const)]),
      navigations: new Map([...(inherited?.navigations ?? []), ...links.map((each) => [each.name, each] as const)]),
    };
    this.#types.set(name, type);
    return type;
  }

  #property({ attributes, children }: Element): Property {
    // Version 3 may write the type as an element.
    const [written] = children.filter(({ name }) => name === 'CollectionType' || name === 'TypeRef');
    const reference = attributes.Type ?? written?.attributes.ElementType ?? written?.attributes.Type ?? 'Edm.String';
    const { type: named, isCollection } = this.#resolve(reference);
    const definition = this.#definitions.get(named);
    const facets = { ...definition?.attributes, ...attributes };
    const type = definition === undefined ? named : this.#qualified(definition.attributes.UnderlyingType ?? named);
    const [maxLength, precision] = [count(facets.MaxLength), count(facets.Precision)];
    const scale = /^(variable|floating)$/i.test(facets.Scale ?? '') ? 'variable' : count(facets.Scale);
    return {
      name: attributes.Name ?? '',
      type,
      isCollection: isCollection || /^(Collection|List)$/i.test(attributes.CollectionKind ?? ''),
      nullable: !isFalse(attributes.Nullable),
      ...(maxLength !== undefined && { maxLength }),
      ...(precision !== undefined && { precision }),
      ...(scale !== undefined && { scale }),
      ...(attributes.label !== undefined && { label: attributes.label }),
      creatable: !isFalse(attributes.creatable),
      updatable: !isFalse(attributes.updatable),
      filterable: !isFalse(attributes.filterable),
      sortable: !isFalse(attributes.sortable),
      isDay: type === 'Edm.DateTime' && attributes['display-format'] === 'Date',
      isVersion: attributes.ConcurrencyMode === 'Fixed',
    };
  }

  #navigation({ attributes }: Element): Navigation {
    const { Name: name = '', Type: reference, Relationship = '', ToRole } = attributes;
    const contains = /^(true|1)$/i.test(attributes.ContainsTarget ?? '');
    if (reference !== undefined) {
      const { type: target, isCollection } = this.#resolve(reference);
      return { name, target, isCollection, contains };
    }
    const association = this.#associations.get(this.#qualified(Relationship));
    const end = childrenOf(association, 'End').find((each) => each.attributes.Role === ToRole);
    const target = this.#qualified(end?.attributes.Type ?? '');
    return { name, target, isCollection: end?.attributes.Multiplicity === '*', contains };
  }

  #entitySet({ name: kind, attributes }: Element): EntitySet {
    const allows = (annotation: string) => !isFalse(attributes[annotation]);
    const type = this.#type(this.#qualified(attributes.EntityType ?? attributes.Type ?? ''));
    const label = attributes.label ?? type.label;
    return {
      name: attributes.Name ?? '',
      type,
      isSingleton: kind === 'Singleton',
      ...(label !== undefined && { label }),
      creatable: allows('creatable') && kind === 'EntitySet',
      updatable: allows('updatable'),
      deletable: allows('deletable') && kind === 'EntitySet',
      addressable: allows('addressable'),
      pageable: allows('pageable'),
    };
  }

  #imported(name: string, element: Element): Operation[] {
    const { Function: ofFunction, Action: ofAction } = element.attributes;
    const reference = ofFunction ?? ofAction;
    // Version 2 declares the function where it is imported.
    if (reference === undefined) return [this.#operation(name, element)];
    const declared = this.#operations.get(this.#qualified(reference)) ?? [];
    return declared.filter((each) => !isTrue(each, 'IsBound')).map((each) => this.#operation(name, each));
  }

  #operation(name: string, element: Element): Operation {
    const { attributes } = element;
    const [written] = childrenOf(element, 'ReturnType');
    const reference = written?.attributes.Type ?? attributes.ReturnType;
    const parameters = childrenOf(element, 'Parameter').filter(({ attributes: { Mode } }) => Mode !== 'Out');
    const bound = isTrue(element, 'IsBound') ? parameters.shift() : undefined;
    const isAction = element.name === 'Action';
    const method = attributes.HttpMethod ?? (isAction ? 'POST' : 'GET');
    return {
      name,
      kind: isAction ? 'action' : 'function',
      method,
      parameters: parameters.map((parameter) => this.#property(parameter)),
      ...(reference !== undefined && { returns: this.#resolve(reference) }),
      ...(bound !== undefined && { boundTo: this.#resolve(bound.attributes.Type ?? '') }),
    };
  }
}

/** Booleans of XML Schema are also 1 and 0. */
function isFalse(value: string | undefined): boolean {
  return /^(false|0)$/i.test(value ?? '');
}

function isTrue({ attributes }: Element, name: string): boolean {
  return /^(true|1)$/i.test(attributes[name] ?? '');
}

/** "max" says nothing. */
function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text.trim()) ? Number(text) : undefined;
}
