import { existsSync, readFileSync } from 'node:fs';

const STATE = 0;
const START = 19;

/**
 * When a process of this host began, in its kernel's own count: a number that tells it from a later process of the same pid,
 * as containers that begin anew give them out. Null = it has ended, also when nobody has taken notice of that yet.
 */
export function processStart(pid: number): string | null {
  try {
    if (existsSync('/proc/self/stat')) return startOf(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    process.kill(pid, 0);
    return '';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ESRCH' || code === 'ENOENT' ? null : '';
  }
}

/** Its name stands in brackets and may hold anything. */
function startOf(stat: string): string | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ['Z', 'X'].includes(fields[STATE] ?? '') ? null : (fields[START] ?? '');
}
