import { readCsdlJson } from './csdl-json';
import { childrenOf, type Element, notMetadata, readEdmx } from './edmx';
import type { ODataVersion } from './model';

/** One document of a service, or of what it refers to. */
export interface MetadataDocument {
  version: ODataVersion;
  isVersion3: boolean;
  schemas: readonly Element[];
  references: readonly Reference[];
}

/** Another document, and what it holds. */
interface Reference {
  /** As it is written. */
  uri: string;
  namespaces: readonly string[];
}

/** In XML or JSON. @param place of the document, for messages. @throws config PCP_ODATA_METADATA */
export function readDocument(text: string, place: string): MetadataDocument {
  const isJson = /^[\ufeff\s]*\{/.test(text);
  const { root, isOasis } = isJson ? readCsdlJson(text, place) : readEdmx(text, place);
  const schemas = childrenOf(root, 'DataServices').flatMap((services) => childrenOf(services, 'Schema'));
  if (schemas.length === 0) throw notMetadata(place, 'it has no Schema');
  const isV4 = isOasis || /^[4-9]/.test(root.attributes.Version ?? '');
  const references = childrenOf(root, 'Reference').map((reference) => ({
    // Of version 3.
    uri: reference.attributes.Uri ?? reference.attributes.Url ?? '',
    namespaces: childrenOf(reference, 'Include').map(({ attributes }) => attributes.Namespace ?? ''),
  }));
  const isVersion3 =
    !isV4 && childrenOf(root, 'DataServices').some(({ attributes }) => attributes.DataServiceVersion === '3.0');
  return { version: isV4 ? 4 : 2, isVersion3, schemas, references };
}

/** Namespaces of types that the documents name, and none of them declares. */
export function missingNamespaces(documents: readonly MetadataDocument[]): Set<string> {
  const schemas = documents.flatMap((document) => document.schemas);
  const declared = new Set(schemas.map(({ attributes }) => attributes.Namespace));
  const missing = new Set<string>();
  const visit = ({ name, attributes, children }: Element): void => {
    if (name === 'Annotations' || name === 'Annotation') return;
    for (const reference of [attributes.Type, attributes.BaseType, attributes.EntityType, attributes.Extends]) {
      const namespace = /^\s*(?:Collection\()?\s*([^()]+)\.[^.()]+/.exec(reference ?? '')?.[1];
      if (namespace !== undefined && namespace !== 'Edm' && !declared.has(namespace)) missing.add(namespace);
    }
    for (const child of children) visit(child);
  };
  for (const schema of schemas) visit(schema);
  return missing;
}
