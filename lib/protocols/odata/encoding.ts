import { IntegrationError } from '../../model/errors';

/**
 * The text of an XML document, which tells by itself how it is written: by its first bytes, else by the header, else by its
 * declaration.
 * @throws config PCP_HTTP_CHARSET
 */
export function xmlText(bytes: Uint8Array, contentType: string, place: string): string {
  const header = /charset\s*=\s*"?([\w.:-]+)/i.exec(contentType)?.[1];
  const said = header ?? declared(bytes) ?? 'utf-8';
  // Of two bytes a character its first ones would tell: programs that write a text before they encode it say so wrongly.
  const charset = byFirstBytes(bytes) ?? (/^utf-?16|^unicode$/i.test(said) ? 'utf-8' : said);
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new IntegrationError('config', 'PCP_HTTP_CHARSET', `${place} is not written in "${charset}".`, {
      cause,
      hint: 'Let the server answer in UTF-8, or name its character set in the Content-Type header.',
    });
  }
}

/** A byte order mark, or the "<" that every document begins with. */
function byFirstBytes([first, second]: Uint8Array): string | undefined {
  if ((first === 0xff && second === 0xfe) || (first === 0x3c && second === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second === 0x3c)) return 'utf-16be';
  return first === 0xef && second === 0xbb ? 'utf-8' : undefined;
}

function declared(bytes: Uint8Array): string | undefined {
  const beginning = Buffer.from(bytes.subarray(0, 200)).toString('latin1');
  return /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)["']/.exec(beginning)?.[1];
}
