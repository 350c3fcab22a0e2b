import type { HmacScheme } from '../../model/incoming-webhook';

/** Senders that sign in a way of their own. */
export const SCHEMES = {
  github: {
    signature: { header: 'x-hub-signature-256', prefix: 'sha256=' },
    algorithm: 'sha256',
    encoding: 'hex',
    signed: '{body}',
    tolerance: 0,
  },
  stripe: {
    signature: { header: 'stripe-signature', item: 'v1' },
    algorithm: 'sha256',
    encoding: 'hex',
    signed: '{timestamp}.{body}',
    timestamp: { header: 'stripe-signature', item: 't', unit: 's' },
    tolerance: 300,
    eventId: '/id',
  },
  shopify: {
    signature: { header: 'x-shopify-hmac-sha256' },
    algorithm: 'sha256',
    encoding: 'base64',
    signed: '{body}',
    tolerance: 0,
    kind: { header: 'x-shopify-topic', form: /^(?=.{1,100}$)[a-z_]+\/[a-z_]+$/ },
  },
} as const satisfies Record<string, Omit<HmacScheme, 'repeatMs'>>;
