import { type Capabilities, capabilitiesOf, tag } from './capabilities';
import { type MetadataDocument, readDocument } from './document';
import { childrenOf, type Element } from './edmx';
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

/** @throws config PCP_ODATA_METADATA */
export function parseMetadata(text: string, place = '$metadata'): ServiceModel {
  return modelOf([readDocument(text, place)]);
}

/**
 * What the documents of a service say, the service's own first. What none of them declares stays unknown: values of such
 * types pass as they are.
 */
export function modelOf(documents: readonly MetadataDocument[]): ServiceModel {
  return new Reader(documents).model();
}

class Reader {
  readonly #version: ODataVersion;
  readonly #isVersion3: boolean;
  readonly #containers = new Map<string, Element>();
  /** Of the service itself: its names are those that can be asked for. */
  readonly #own: string[] = [];
  readonly #structured = new Map<string, Element>();
  readonly #definitions = new Map<string, Element>();
  readonly #associations = new Map<string, Element>();
  readonly #operations = new Map<string, Element[]>();
  readonly #enums = new Map<string, EnumType>();
  readonly #types = new Map<string, StructuredType>();
  /** Types by their name alone. */
  readonly #short = new Map<string, string>();
  /** Those that stand apart from what they are about, by its name. */
  readonly #annotations = new Map<string, Element[]>();

  constructor(documents: readonly MetadataDocument[]) {
    const [service] = documents;
    this.#version = service?.version ?? 4;
    this.#isVersion3 = service?.isVersion3 === true;
    for (const document of documents) {
      for (const schema of document.schemas) {
        for (const element of schema.children) this.#declare(schema, element, document === service);
      }
    }
  }

  model(): ServiceModel {
    for (const name of this.#structured.keys()) this.#type(name);
    const entitySets = new Map<string, EntitySet>();
    const operations = new Map<string, Operation[]>();
    const apart = this.#apart();
    for (const container of this.#extended()) {
      const prefix = apart.has(container) ? `${container.slice(container.lastIndexOf('.') + 1)}.` : '';
      // Overloads stand in one container; what another one has of the same name is something else.
      const imported = new Map<string, Operation[]>();
      for (const element of this.#containers.get(container)?.children ?? []) {
        const { Name: name = '' } = element.attributes;
        if (element.name === 'EntitySet' || element.name === 'Singleton') {
          const set = this.#entitySet(element, container, prefix);
          // Of two with one name the second one is known by its address.
          const known = entitySets.has(name) ? prefix + name : name;
          if (!entitySets.has(known)) entitySets.set(known, { ...set, name: known });
        } else if (/^(Function|Action)Import$/.test(element.name)) {
          imported.set(name, [...(imported.get(name) ?? []), ...this.#imported(name, element)]);
        }
      }
      for (const [name, overloads] of imported) if (!operations.has(name)) operations.set(name, overloads);
    }
    for (const [name, elements] of this.#operations) {
      const bound = elements.filter(isBound).map((element) => this.#operation(name, element));
      if (bound.length > 0) operations.set(name, bound);
    }
    const [version, isVersion3] = [this.#version, this.#isVersion3];
    return { version, isVersion3, entitySets, operations, types: this.#types, enums: this.#enums };
  }

  /** The service's containers, and what they extend, wherever it stands; the default one comes first, so that its names win. */
  #extended(): Set<string> {
    const names = new Set([...this.#own].sort((a, b) => Number(this.#isDefault(b)) - Number(this.#isDefault(a))));
    for (const name of names) {
      const extended = this.#extendedBy(name);
      if (extended !== undefined) names.add(extended);
    }
    return names;
  }

  /** Before version 4, containers beside the default ones: addresses of their sets begin with their names. */
  #apart(): Set<string> {
    const main = this.#version === 4 ? [] : this.#own.filter((name) => this.#isDefault(name));
    const apart = new Set(main.length === 0 ? [] : this.#own);
    for (const name of main) {
      for (let at: string | undefined = name; at !== undefined && apart.has(at); at = this.#extendedBy(at)) {
        apart.delete(at);
      }
    }
    return apart;
  }

  #isDefault(container: string): boolean {
    return isTrue(this.#containers.get(container), 'IsDefaultEntityContainer');
  }

  #extendedBy(container: string): string | undefined {
    const extended = this.#containers.get(container)?.attributes.Extends;
    if (extended === undefined || extended.includes('.')) return extended;
    return container.slice(0, container.lastIndexOf('.') + 1) + extended;
  }

  #declare({ attributes: { Namespace = '' } }: Element, element: Element, isOwn: boolean): void {
    const name = `${Namespace}.${element.attributes.Name ?? ''}`;
    switch (element.name) {
      case 'EntityContainer':
        this.#containers.set(name, element);
        if (isOwn) this.#own.push(name);
        break;
      case 'Annotations': {
        const { Target = '', Qualifier } = element.attributes;
        const known = this.#annotations.get(Target) ?? [];
        if (Qualifier === undefined) this.#annotations.set(Target, [...known, ...element.children]);
        break;
      }
      case 'EntityType':
      case 'ComplexType':
        this.#structured.set(name, element);
        this.#short.set(element.attributes.Name ?? '', name);
        break;
      case 'EnumType':
        this.#enums.set(name, {
          name,
          members: childrenOf(element, 'Member').map(({ attributes }) => attributes.Name ?? ''),
          isFlags: isTrue(element, 'IsFlags'),
        });
        this.#short.set(element.attributes.Name ?? '', name);
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

  /** Those that stand in an element, and those elsewhere that name it. */
  #annotationsOf(element: Element, target: string): Element[] {
    return [...childrenOf(element, 'Annotation'), ...(this.#annotations.get(target) ?? [])];
  }

  #type(name: string): StructuredType {
    // From the top down: there are chains that are longer than the stack.
    const chain = new Set<string>();
    for (let at: string | undefined = name; at !== undefined && !this.#types.has(at) && !chain.has(at); ) {
      chain.add(at);
      at = this.#baseOf(at);
    }
    for (const each of [...chain].reverse()) this.#types.set(each, this.#structure(each));
    return this.#types.get(name)!;
  }

  #baseOf(name: string): string | undefined {
    const base = this.#structured.get(name)?.attributes.BaseType;
    return base === undefined ? undefined : this.#qualified(base);
  }

  #structure(name: string): StructuredType {
    const element = this.#structured.get(name);
    const base = this.#baseOf(name);
    // Not there yet in a circle: a type that extends itself stands for itself alone.
    const inherited = base === undefined ? undefined : this.#types.get(base);
    const keys = childrenOf(element, 'Key').flatMap((key) => childrenOf(key, 'PropertyRef'));
    const own = childrenOf(element, 'Property').map((property) => this.#property(property, `${name}/`));
    const links = childrenOf(element, 'NavigationProperty').map((property) => this.#navigation(property));
    const aliases = keys.flatMap(({ attributes: { Name, Alias } }) => (Name && Alias ? [[Name, Alias] as const] : []));
    return {
      name,
      ...(element?.attributes.label !== undefined && { label: element.attributes.label }),
      ...(inherited !== undefined && { base: inherited.name }),
      isEntity: element?.name !== 'ComplexType',
      isAbstract: isTrue(element, 'Abstract'),
      isOpen: element === undefined || isTrue(element, 'OpenType') || inherited?.isOpen === true,
      key: keys.length > 0 ? keys.map(({ attributes }) => attributes.Name ?? '') : (inherited?.key ?? []),
      keyAliases: keys.length > 0 ? new Map(aliases) : (inherited?.keyAliases ?? new Map()),
      properties: new Map([...(inherited?.properties ?? []), ...own.map((each) => [each.name, each] as const)]),
      navigations: new Map([...(inherited?.navigations ?? []), ...links.map((each) => [each.name, each] as const)]),
    };
  }

  /** @param path of what holds it, for annotations that stand apart */
  #property(element: Element, path = ''): Property {
    const { attributes, children } = element;
    // Version 3 may write the type as an element.
    const [written] = children.filter(({ name }) => name === 'CollectionType' || name === 'TypeRef');
    const reference = attributes.Type ?? written?.attributes.ElementType ?? written?.attributes.Type ?? 'Edm.String';
    const { type: named, isCollection } = this.#resolve(reference);
    const definition = this.#definitions.get(named);
    const facets = { ...definition?.attributes, ...attributes };
    const type = definition === undefined ? named : this.#qualified(definition.attributes.UnderlyingType ?? named);
    const enumeration = this.#enums.get(type);
    const [maxLength, precision] = [count(facets.MaxLength), count(facets.Precision)];
    const annotations = this.#annotationsOf(element, path + attributes.Name);
    const isComputed = tag(annotations, 'Computed') === true;
    const scale = /^(variable|floating)$/i.test(facets.Scale ?? '') ? 'variable' : count(facets.Scale);
    return {
      name: attributes.Name ?? '',
      type,
      isCollection: isCollection || /^(Collection|List)$/i.test(attributes.CollectionKind ?? ''),
      nullable: !isFalse(attributes.Nullable),
      ...(enumeration !== undefined && { enumeration }),
      ...(maxLength !== undefined && { maxLength }),
      ...(precision !== undefined && { precision }),
      ...(scale !== undefined && { scale }),
      ...(attributes.label !== undefined && { label: attributes.label }),
      creatable: !isFalse(attributes.creatable) && !isComputed,
      updatable: !isFalse(attributes.updatable) && !isComputed && tag(annotations, 'Immutable') !== true,
      filterable: !isFalse(attributes.filterable),
      sortable: !isFalse(attributes.sortable),
      isDay: type === 'Edm.DateTime' && attributes['display-format'] === 'Date',
      isVersion: attributes.ConcurrencyMode === 'Fixed',
      isRequiredInFilter: isTrue(element, 'required-in-filter'),
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
    // An end without a role has the name of its type.
    const end = childrenOf(association, 'End').find(
      ({ attributes: { Role, Type = '' } }) => (Role ?? Type.slice(Type.lastIndexOf('.') + 1)) === ToRole,
    );
    const target = this.#qualified(end?.attributes.Type ?? '');
    return { name, target, isCollection: end?.attributes.Multiplicity === '*', contains };
  }

  #entitySet(element: Element, container: string, prefix: string): EntitySet {
    const { name: kind, attributes } = element;
    const name = attributes.Name ?? '';
    const allows = (annotation: string) => !isFalse(attributes[annotation]);
    const can = capabilitiesOf(this.#annotationsOf(element, `${container}/${name}`));
    const declared = this.#type(this.#qualified(attributes.EntityType ?? attributes.Type ?? ''));
    const label = attributes.label ?? declared.label;
    const required = [...declared.properties.values()].filter((property) => property.isRequiredInFilter);
    return {
      name,
      ...(prefix !== '' && { place: encodeURIComponent(prefix + name) }),
      type: restricted(declared, can),
      isSingleton: kind === 'Singleton',
      ...(label !== undefined && { label }),
      creatable: allows('creatable') && can.insertable && kind === 'EntitySet' && !this.#isFile(declared),
      updatable: allows('updatable') && can.updatable,
      deletable: allows('deletable') && can.deletable && kind === 'EntitySet',
      addressable: allows('addressable') && can.readable,
      pageable: allows('pageable') && allows('topable') && can.pageable,
      countable: allows('countable') && can.countable,
      requiresFilter: isTrue(element, 'requires-filter') || can.requiresFilter,
      requiredInFilter: [...new Set([...required.map((property) => property.name), ...can.requiredInFilter])],
    };
  }

  /** "Collection(NS.Order)" in its parts. */
  #resolve(reference: string): { type: string; isCollection: boolean } {
    const inner = /^Collection\(\s*(.*?)\s*\)$/.exec(reference.trim())?.[1];
    return { type: this.#qualified(inner ?? reference.trim()), isCollection: inner !== undefined };
  }

  /**
   * Documents may leave out the namespace, or name one that they do not declare: "Self". What then is no type of theirs is a
   * primitive one.
   */
  #qualified(name: string): string {
    if (name.startsWith('Edm.') || this.#structured.has(name) || this.#enums.has(name)) return name;
    const [, before, local = ''] = /^([^.]+\.)?([^.]+)$/.exec(name) ?? [];
    return this.#short.get(local) ?? (before === undefined && local !== '' ? `Edm.${name}` : name);
  }

  /** An entity that is a file with fields: it is made by sending the file. */
  #isFile(type: StructuredType): boolean {
    for (let at: StructuredType | undefined = type; at !== undefined; at = this.#types.get(at.base ?? '')) {
      if (isTrue(this.#structured.get(at.name), 'HasStream')) return true;
    }
    return false;
  }

  #imported(name: string, element: Element): Operation[] {
    const { Function: ofFunction, Action: ofAction } = element.attributes;
    const reference = ofFunction ?? ofAction;
    // Version 2 declares the function where it is imported.
    if (reference === undefined) return [this.#operation(name, element)];
    const declared = this.#operations.get(this.#qualified(reference)) ?? [];
    return declared.filter((each) => !isBound(each)).map((each) => this.#operation(name, each));
  }

  #operation(name: string, element: Element): Operation {
    const { attributes } = element;
    const [written] = childrenOf(element, 'ReturnType');
    const reference = written?.attributes.Type ?? attributes.ReturnType;
    const parameters = childrenOf(element, 'Parameter').filter(({ attributes: { Mode } }) => Mode !== 'Out');
    const bound = isBound(element) ? parameters.shift() : undefined;
    const isAction = element.name === 'Action' || isTrue(element, 'IsSideEffecting');
    return {
      name,
      kind: isAction ? 'action' : 'function',
      // Some write "Post", which servers do not know.
      method: attributes.HttpMethod?.toUpperCase() ?? (isAction ? 'POST' : 'GET'),
      parameters: parameters.map((parameter) => this.#property(parameter)),
      ...(reference !== undefined && { returns: this.#returned(reference) }),
      ...(bound !== undefined && { boundTo: this.#resolve(bound.attributes.Type ?? '') }),
    };
  }

  #returned(reference: string): { type: string; isCollection: boolean } {
    const { type, isCollection } = this.#resolve(reference);
    return { type: this.#qualified(this.#definitions.get(type)?.attributes.UnderlyingType ?? type), isCollection };
  }
}

/** Booleans of XML Schema are also 1 and 0. */
function isFalse(value: string | undefined): boolean {
  return /^(false|0)$/i.test(value ?? '');
}

function isTrue(element: Element | undefined, name: string): boolean {
  return /^(true|1)$/i.test(element?.attributes[name] ?? '');
}

/** The latter in version 3. */
function isBound(element: Element): boolean {
  return isTrue(element, 'IsBound') || isTrue(element, 'IsBindable');
}

/** A type as a set lets it be used. */
function restricted(type: StructuredType, can: Capabilities): StructuredType {
  const { notInsertable, notUpdatable, notFilterable, notSortable, filterable, sortable } = can;
  const names = [notInsertable, notUpdatable, notFilterable, notSortable];
  if (filterable && sortable && names.every(({ size }) => size === 0)) return type;
  const properties = [...type.properties.values()].map((property) => ({
    ...property,
    creatable: property.creatable && !notInsertable.has(property.name),
    updatable: property.updatable && !notUpdatable.has(property.name),
    filterable: property.filterable && filterable && !notFilterable.has(property.name),
    sortable: property.sortable && sortable && !notSortable.has(property.name),
  }));
  return { ...type, properties: new Map(properties.map((property) => [property.name, property])) };
}

/** "max" says nothing. */
function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text.trim()) ? Number(text) : undefined;
}
