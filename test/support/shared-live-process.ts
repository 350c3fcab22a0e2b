/** The live process of the tests, for several instances on one store: nothing but their leases is waited for. */
import { serve } from '../../lib/runner/serve';
import { LiveSession } from '../../lib/stream/session';
import { TestRegistry } from './live-process';

const TIMES = { leftMs: 600_000 };

serve('live process', async (setup, send) => new LiveSession(setup, send, new TestRegistry(), TIMES));
