/** How people look at the status page. */
export const LOOKS = [
  { scheme: 'light', width: 1280, locale: 'en-US' },
  { scheme: 'dark', width: 1280, locale: 'pt-BR' },
  { scheme: 'light', width: 1920, locale: 'pt-BR' },
  { scheme: 'dark', width: 1920, locale: 'en-US' },
] as const;

/** Its views, of a hub with one of everything. */
export const VIEWS = [
  'connections',
  'connections/1',
  'runs',
  'runs/1',
  'dead-letters',
  'dead-letters/1',
  'alerts',
  'alerts/rules',
  'alerts/rules/2',
  'webhooks',
  'webhooks/1',
  'webhooks/1/edit',
  'webhooks/incoming/hook',
];

export type Look = { scheme: 'light' | 'dark'; width: number; locale: string };
