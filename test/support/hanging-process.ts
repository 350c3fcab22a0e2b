/** A child process that never gets done with closing what it holds open. */
import { serve } from '../../lib/runner/serve';

const session = { busy: true, receive: async () => undefined, close: () => new Promise<void>(() => undefined) };
setInterval(() => undefined, 60_000);
serve('hanging process', async () => session, 100);
