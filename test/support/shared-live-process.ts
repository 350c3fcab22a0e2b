/** The live process of the tests, for several instances on one store: their leases are short. */
import { serve } from '../../lib/runner/serve';
import { LiveSession } from '../../lib/stream/session';
import { TestRegistry } from './live-process';

const LEASE_MS = 8_000;

serve('live process', async (setup, send) => new LiveSession(setup, send, new TestRegistry(), LEASE_MS));
