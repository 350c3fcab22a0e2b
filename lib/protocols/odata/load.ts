import { IntegrationError } from '../../model/errors';
import type { HttpResponse } from '../http/client';
import { type MetadataDocument, missingNamespaces, readDocument } from './document';
import { xmlText } from './encoding';
import { failureOf } from './fault';
import { modelOf } from './metadata';
import type { ServiceModel } from './model';
import { parameterText } from './query';
import type { ServiceClient, ServiceOptions } from './service';

const LARGEST = 128 * 1024 * 1024;
const MOST_DOCUMENTS = 50;

/**
 * Reads the $metadata of a service, and the documents on the same host that declare types which it names and lacks.
 * @throws config PCP_ODATA_METADATA; what the HTTP client throws
 */
export async function loadModel(
  client: ServiceClient,
  options: ServiceOptions,
  signal: AbortSignal,
): Promise<ServiceModel> {
  const query = parameterText(Object.entries(options.parameters ?? {}));
  const first = await documentOf(await ask(client, `${options.path}/$metadata${query}`, signal), options);
  const documents = [first.document];
  const open = [first];
  const asked = new Set([first.url.href]);
  for (let from = open.shift(); from !== undefined && asked.size < MOST_DOCUMENTS; from = open.shift()) {
    for (const { uri, namespaces } of from.document.references) {
      const missing = missingNamespaces(documents);
      const isWanted = namespaces.length === 0 ? missing.size > 0 : namespaces.some((each) => missing.has(each));
      const target = isWanted ? elsewhere(client, uri, from.url) : undefined;
      if (target === undefined || asked.has(target.href)) continue;
      asked.add(target.href);
      const found = await loadReferenced(client, target, options, signal).catch(unknownUnlessPassing);
      if (found === undefined) continue;
      documents.push(found.document);
      open.push(found);
    }
  }
  return modelOf(documents);
}

interface Loaded {
  document: MetadataDocument;
  url: URL;
}

async function loadReferenced(
  client: ServiceClient,
  target: URL,
  options: ServiceOptions,
  signal: AbortSignal,
): Promise<Loaded | undefined> {
  const response = await ask(client, target, signal);
  if (response.status !== 500) return documentOf(response, options);
  // Some servers say so of whatever they do not have.
  response.discard();
  return undefined;
}

function ask(client: ServiceClient, target: string | URL, signal: AbortSignal): Promise<HttpResponse> {
  const headers = { accept: 'application/xml, */*;q=0.1' };
  return client.request({ target, headers, signal, maxBytes: LARGEST });
}

async function documentOf(response: HttpResponse, { secrets = [] }: ServiceOptions): Promise<Loaded> {
  if (!response.ok) throw await failureOf(response, secrets, 'GET');
  const { url } = response;
  const text = xmlText(await response.bytes(), response.headers['content-type'] ?? '', url.pathname);
  return { document: readDocument(text, url.pathname), url };
}

/** Other hosts are not asked, as by every link of an answer. */
function elsewhere(client: ServiceClient, uri: string, base: URL): URL | undefined {
  try {
    return client.resolveLink(uri, base);
  } catch {
    return undefined;
  }
}

/** A document that cannot be had leaves its types unknown; one that can be had later does not. */
function unknownUnlessPassing(thrown: unknown): undefined {
  const error = IntegrationError.from(thrown);
  if (['transient', 'rate_limit', 'cancelled'].includes(error.class)) throw error;
  return undefined;
}
