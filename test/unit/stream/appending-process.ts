/** Appends numbered records to a spool until it is killed, and tells of each one that was acknowledged. */
import { Spool } from '../../../lib/spool/spool';

const [path = '', first = '0'] = process.argv.slice(2);
const spool = new Spool(path, { isFlushed: false, log: () => undefined });
spool.configure(1, { maxBytes: 1e9, whenFull: 'stop_ack' });

async function append(from: number): Promise<void> {
  for (let n = from; ; n += 3) {
    const appended = spool.append(1, [{ n }, { n: n + 1 }, { n: n + 2 }], n % 2 === 0);
    appended.then(() => process.send?.(n + 2));
    // A few groups are on their way at any moment.
    if (n % 60 === 0) await appended;
  }
}

void append(Number(first));
