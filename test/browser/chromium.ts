import { accessSync } from 'node:fs';
import type { Browser } from 'playwright-core';

const INSTALLED = '/usr/bin/chromium';

/** Chromium from CHROMIUM_PATH, the system, or the npm package that carries one. */
export async function openChromium(): Promise<Browser> {
  const { chromium } = await import('playwright-core');
  // One process for everything, as the package suggests for cloud functions, ends the browser with its first page.
  const args = ['--no-sandbox', '--disable-gpu'];
  const given = process.env.CHROMIUM_PATH ?? (exists(INSTALLED) ? INSTALLED : undefined);
  if (given) return chromium.launch({ executablePath: given, args });
  const { default: packaged } = await import('@sparticuz/chromium');
  const executablePath = await packaged.executablePath();
  return chromium.launch({ executablePath, args });
}

function exists(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}
