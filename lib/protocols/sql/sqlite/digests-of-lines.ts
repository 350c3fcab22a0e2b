import { hash } from 'node:crypto';
import type { SQLOutputValue } from 'node:sqlite';

/**
 * The SQL function `digests_of_lines(digests, lines)`: of a JSON array of digests and the lines of a text, whether each begins
 * the SHA-256 of its line, base64url, as a text of "1" and "0". One call for thousands of rows, in the thread of the statement.
 */
export function digestsOfLines(digests: SQLOutputValue, lines: SQLOutputValue): string {
  const texts = String(lines).split('\n');
  return (JSON.parse(String(digests)) as unknown[])
    .map((digest, index) =>
      typeof digest === 'string' && hash('sha256', texts[index] ?? '', 'base64url').startsWith(digest) ? '1' : '0',
    )
    .join('');
}
