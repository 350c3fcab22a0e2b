import { childrenOf, type Element } from './edmx';

/** What the service lets do with a set: annotations of version 4, at the set or apart from it. */
export interface Capabilities {
  insertable: boolean;
  updatable: boolean;
  deletable: boolean;
  readable: boolean;
  filterable: boolean;
  sortable: boolean;
  countable: boolean;
  pageable: boolean;
  requiresFilter: boolean;
  /** Paths of properties, as of all the names below. */
  requiredInFilter: string[];
  notInsertable: Set<string>;
  notUpdatable: Set<string>;
  notFilterable: Set<string>;
  notSortable: Set<string>;
}

export function capabilitiesOf(annotations: readonly Element[]): Capabilities {
  const says = (term: string, property: string) => flag(record(annotations, term), property);
  const names = (term: string, property: string) => pathsIn(record(annotations, term), property);
  const allows = (term: string, property: string) => says(term, property) !== false;
  return {
    insertable: allows('InsertRestrictions', 'Insertable'),
    updatable: allows('UpdateRestrictions', 'Updatable'),
    deletable: allows('DeleteRestrictions', 'Deletable'),
    readable: allows('ReadRestrictions', 'Readable'),
    filterable: allows('FilterRestrictions', 'Filterable'),
    sortable: allows('SortRestrictions', 'Sortable'),
    countable: allows('CountRestrictions', 'Countable'),
    pageable: tag(annotations, 'TopSupported') !== false && tag(annotations, 'SkipSupported') !== false,
    requiresFilter: says('FilterRestrictions', 'RequiresFilter') === true,
    requiredInFilter: names('FilterRestrictions', 'RequiredProperties'),
    notInsertable: new Set(names('InsertRestrictions', 'NonInsertableProperties')),
    notUpdatable: new Set(names('UpdateRestrictions', 'NonUpdatableProperties')),
    notFilterable: new Set(names('FilterRestrictions', 'NonFilterableProperties')),
    notSortable: new Set(names('SortRestrictions', 'NonSortableProperties')),
  };
}

/** Of a term that is true by being there: undefined where it is not. */
export function tag(annotations: readonly Element[], term: string): boolean | undefined {
  const found = annotation(annotations, term);
  return found === undefined ? undefined : (booleanOf(found) ?? true);
}

function annotation(annotations: readonly Element[], term: string): Element | undefined {
  // With a qualifier it holds for some clients only.
  return annotations.find(
    ({ attributes: { Term = '', Qualifier } }) => Term.endsWith(`.${term}`) && Qualifier === undefined,
  );
}

function record(annotations: readonly Element[], term: string): Element | undefined {
  return childrenOf(annotation(annotations, term), 'Record')[0];
}

function flag(of: Element | undefined, property: string): boolean | undefined {
  return booleanOf(propertyValue(of, property));
}

function propertyValue(of: Element | undefined, property: string): Element | undefined {
  return childrenOf(of, 'PropertyValue').find(({ attributes }) => attributes.Property === property);
}

/** As an attribute or an element; what is computed from data stays unknown. */
function booleanOf(holder: Element | undefined): boolean | undefined {
  const written = holder?.attributes.Bool ?? childrenOf(holder, 'Bool')[0]?.text;
  if (written === undefined) return undefined;
  return /^(true|1)$/i.test(written) ? true : /^(false|0)$/i.test(written) ? false : undefined;
}

function pathsIn(of: Element | undefined, property: string): string[] {
  const collection = childrenOf(propertyValue(of, property), 'Collection')[0];
  return (collection?.children ?? []).filter(({ name }) => /^(Property)?Path$/.test(name)).map(({ text }) => text);
}
