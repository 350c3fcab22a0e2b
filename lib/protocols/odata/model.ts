/** 2 also stands for services of version 1 and 3, which speak the same way. */
export type ODataVersion = 2 | 4;

/** What a $metadata document says, with aliases resolved and inheritance applied. */
export interface ServiceModel {
  version: ODataVersion;
  /** Of version 3: what it has may not be asked for as of version 2, and its JSON is that of version 2 on request only. */
  isVersion3: boolean;
  entitySets: ReadonlyMap<string, EntitySet>;
  /** By the name that calls them: of the import, or with namespace for those bound to an entity. Overloads in order. */
  operations: ReadonlyMap<string, readonly Operation[]>;
  /** By qualified name. */
  types: ReadonlyMap<string, StructuredType>;
  enums: ReadonlyMap<string, EnumType>;
}

/** A place of the service that holds entities. */
export interface EntitySet {
  name: string;
  /** Where it is below the service, percent-encoded, when that is not its name. */
  place?: string;
  type: StructuredType;
  /** One entity that has no key in its address. */
  isSingleton: boolean;
  /** Its addresses name the field of a key even where that is the only one, as alternate keys do. */
  isKeyNamed?: boolean;
  label?: string;
  creatable: boolean;
  updatable: boolean;
  deletable: boolean;
  /** False where the service gives it through navigation only. */
  addressable: boolean;
  /** False where the service does not know $top and $skip for it. */
  pageable: boolean;
  /** False where the service does not tell how many there are. */
  countable: boolean;
  /** The service gives none of it without a condition. */
  requiresFilter: boolean;
  /** Fields that need a condition each. */
  requiredInFilter: readonly string[];
}

/** An entity type or complex type. */
export interface StructuredType {
  name: string;
  label?: string;
  /** Qualified name of the type it extends. */
  base?: string;
  isEntity: boolean;
  /** Only those that extend it are made. */
  isAbstract: boolean;
  /** Takes properties that it does not name. */
  isOpen: boolean;
  /** Properties that identify an entity, in the order of its address; "Address/Site" stands in a complex one. */
  key: readonly string[];
  /** How the address names a part of the key that is a path. */
  keyAliases: ReadonlyMap<string, string>;
  properties: ReadonlyMap<string, Property>;
  navigations: ReadonlyMap<string, Navigation>;
}

export interface Property {
  name: string;
  /** "Edm.Decimal", or the qualified name of a complex or enumeration type. */
  type: string;
  isCollection: boolean;
  nullable: boolean;
  /** What its values are members of. */
  enumeration?: EnumType;
  /** In characters, or bytes of Edm.Binary. */
  maxLength?: number;
  precision?: number;
  /** Absent = not said. */
  scale?: number | 'variable';
  label?: string;
  creatable: boolean;
  updatable: boolean;
  filterable: boolean;
  sortable: boolean;
  /** An Edm.DateTime that means a day. */
  isDay: boolean;
  /** Part of the version that If-Match compares. */
  isVersion: boolean;
  /** The service gives nothing without a condition for it. */
  isRequiredInFilter: boolean;
}

export interface Navigation {
  name: string;
  /** Qualified name of the entity type; it may be of another document. */
  target: string;
  isCollection: boolean;
  /** Its entities are in no set of their own. */
  contains: boolean;
}

export interface EnumType {
  name: string;
  members: readonly string[];
  isFlags: boolean;
}

export interface Operation {
  name: string;
  kind: 'function' | 'action';
  /** "POST" for actions. */
  method: string;
  /** Without the one that it is bound to. */
  parameters: readonly Property[];
  returns?: { type: string; isCollection: boolean };
  /** What it belongs to; absent = the service. */
  boundTo?: { type: string; isCollection: boolean };
}
