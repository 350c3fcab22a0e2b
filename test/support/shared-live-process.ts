/** The live process of the tests, for several instances on one store: their leases are short, and nothing but them is waited for. */
import { serve } from '../../lib/runner/serve';
import { LiveSession } from '../../lib/stream/session';
import { TestRegistry } from './live-process';

const TIMES = { leaseMs: 8_000, leftMs: 600_000 };

serve('live process', async (setup, send) => new LiveSession(setup, send, new TestRegistry(), TIMES));
