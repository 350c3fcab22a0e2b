import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer } from './route';

const FOLDER = join(__dirname, '..', '..', 'ui');

/** By path below the API. They hold no data: what the page shows it asks the API for, as whoever is signed in. */
const FILES: Record<string, { file: string; type: string }> = {
  '/ui/': { file: 'index.html', type: 'text/html; charset=utf-8' },
  '/ui/app.js': { file: 'app.js', type: 'text/javascript; charset=utf-8' },
  '/ui/style.css': { file: 'style.css', type: 'text/css; charset=utf-8' },
  '/ui/licenses.txt': { file: 'licenses.txt', type: 'text/plain; charset=utf-8' },
};

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  'img-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ');

const kept = new Map<string, Answer>();

/**
 * The status page of the hub, at `/integrations/ui/`.
 * @returns undefined for what is not part of it
 */
export function statusPage(method: string | undefined, path: string): Answer | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  // Relative, as whoever stands in front may have another name for the place.
  if (path === '/ui') return { status: 308, headers: { Location: 'ui/' } };
  const known = FILES[path];
  if (known === undefined) return undefined;
  const answer = kept.get(path) ?? answerOf(known);
  kept.set(path, answer);
  return answer;
}

function answerOf({ file, type }: { file: string; type: string }): Answer {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  const tag = createHash('sha256').update(text).digest('base64url').slice(0, 22);
  return {
    status: 200,
    headers: {
      'Content-Type': type,
      'Cache-Control': 'no-cache',
      'Content-Security-Policy': POLICY,
      ETag: `"${tag}"`,
    },
    text,
  };
}
