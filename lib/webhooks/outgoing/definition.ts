import { isIP } from 'node:net';
import { checkExpression } from '../../mapping/expressions/check';
import { IntegrationError } from '../../model/errors';
import { unknownPatterns } from '../../model/events';
import { phrase } from '../../model/phrase';
import type { TemplateLanguage, Webhook } from '../../model/webhook';
import { AddressRules } from '../../protocols/http/addresses';
import { parseUrl } from '../../protocols/http/url';
import { checkMustache } from './mustache';

/** Headers that the connection or the signature sets. */
const RESERVED =
  /^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|keep-alive|expect|webhook-.*|x-hub-signature.*)$/i;
/** Headers whose values are shown. */
const PUBLIC =
  /^(accept(-.*)?|cache-control|content-(language|type)|prefer|user-agent|x-(area|environment|line|plant|site|source))$/i;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a line break in a value would be another header
const HEADER_VALUE = /^[^\u0000-\u0008\u000a-\u001f\u007f\u0100-\uffff]*$/;

/** Where the template stands in what is sent of a webhook. */
export const TEMPLATE = '/payload_template';

const FILTER = '/options/filter';

/** @throws config PCP_URL_REFUSED, PCP_ADDRESS_REFUSED, PCP_WEBHOOK_EVENT, PCP_WEBHOOK_HEADER, PCP_EXPRESSION_INVALID, PCP_TEMPLATE_INVALID */
export function checkWebhook({
  url,
  event_type: patterns,
  headers,
  payload_template: template,
  template_language: language,
  options: { filter },
}: Pick<Webhook, 'url' | 'event_type' | 'headers' | 'payload_template' | 'template_language' | 'options'>): void {
  checkAddress(parseUrl(url, '/url'));
  const [unknown] = unknownPatterns(patterns);
  if (unknown !== undefined) {
    throw new IntegrationError('config', 'PCP_WEBHOOK_EVENT', phrase`No event is called "${unknown}".`, {
      path: '/event_type',
    });
  }
  for (const [name, value] of Object.entries(headers)) {
    const isFine = HEADER_NAME.test(name) && !RESERVED.test(name) && (value === true || HEADER_VALUE.test(value));
    if (!isFine) throw headerRefused(name);
  }
  const type = Object.entries(headers).find(([name]) => /^content-type$/i.test(name))?.[1];
  if (filter !== undefined) checkExpression(filter, FILTER);
  checkTemplate(template, language, typeof type === 'string' ? type : undefined);
}

/** What is never connected to would be tried for days; where a name leads is seen when it is sent. */
function checkAddress({ hostname, port }: URL): void {
  const host = hostname.replaceAll(/[[\]]/g, '');
  if (isIP(host) !== 0) new AddressRules().check({ host, port: Number(port), own: true, setting: '/url' }, host);
}

/** @throws config PCP_EXPRESSION_INVALID, PCP_TEMPLATE_INVALID */
export function checkTemplate(template: string | null, language: TemplateLanguage, type?: string): void {
  if (template === null) return;
  if (language === 'mustache') checkMustache(template, TEMPLATE, type);
  else checkExpression(template, TEMPLATE);
}

/** Whether the value of a header is kept secret: of a name that is not known, nobody can say what it holds. */
export function isSecretHeader(name: string): boolean {
  return !PUBLIC.test(name);
}

function headerRefused(name: string): IntegrationError {
  return new IntegrationError('config', 'PCP_WEBHOOK_HEADER', phrase`The header "${name}" cannot be sent.`, {
    path: `/headers/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
  });
}
