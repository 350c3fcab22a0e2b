/** Entry of the live process, a child process of Node-RED: holds the connections of the shop floor, and spools and forwards. */
import { serve } from '../runner/serve';
import { LiveSession } from './session';

serve('live process', async (setup, send) => new LiveSession(setup, send));
