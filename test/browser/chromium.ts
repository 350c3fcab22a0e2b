import { accessSync } from 'node:fs';
import type { Browser } from 'playwright-core';

const INSTALLED = '/usr/bin/chromium';

/** Chromium from CHROMIUM_PATH, the system, or the npm package that carries one; null when none of them runs here. */
export async function openChromium(): Promise<Browser | null> {
  const { chromium } = await import('playwright-core');
  const given = process.env.CHROMIUM_PATH ?? (exists(INSTALLED) ? INSTALLED : undefined);
  if (given) return chromium.launch({ executablePath: given, args: ['--no-sandbox'] });
  const { default: packaged } = await import('@sparticuz/chromium');
  const executablePath = await packaged.executablePath();
  return chromium.launch({ executablePath, args: packaged.args });
}

function exists(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}
