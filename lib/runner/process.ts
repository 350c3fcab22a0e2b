/** Entry of the runner, a child process of Node-RED: does what must not stall or endanger the flows. */
import { serve } from './serve';
import { RunnerSession } from './session';

serve('runner', (setup, send) => RunnerSession.open(setup, send));
