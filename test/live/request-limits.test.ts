import assert from 'node:assert/strict';
import { databaseUrl } from '../support/database-server';
import { Judge } from '../support/judge';
import { postgresServer } from '../support/postgres';
import { type FlowNode, NodeRed } from './node-red-process';

/** How many the API gets in all; ten minutes take 6,000. */
const REQUESTS = Number(process.env.PCP_TEST_REQUESTS ?? 120);
/** More than the connection may have under way: its limits are what holds each of the flows back. */
const CALLERS = 6;

/**
 * One flow in two Node-REDs on one store, as two hosts of a plant have it, calls an API as often as it may. What counts is
 * what the API sees by its own monotonic clock. It may be late to look at its sockets, so it notes for each request between
 * which two moments it came, and more than ten in a second are counted only where they surely came within one. The hub lets
 * a request leave no sooner than a second after the answer to the one that had its turn before: however the network or the
 * machine delays one of them, the eleventh comes a second after the first. So nothing here depends on how fast the machine is.
 */
describe('limits of a connection that two Node-REDs share', function () {
  this.timeout(180_000 + REQUESTS * 400);
  const judge = new Judge(() => 5 + Math.random() * 600);
  const running: NodeRed[] = [];

  after(async () => {
    await Promise.all(running.map((nodeRed) => nodeRed.remove()));
    await judge.stop();
  });

  function flows(baseUrl: string): FlowNode[] {
    const callers = Array.from({ length: CALLERS }, (_, index): FlowNode[] => {
      const [call, again, failed] = [`call-${index}`, `again-${index}`, `failed-${index}`];
      const passOn = { type: 'change', z: 'tab', rules: [{ t: 'delete', p: 'payload', pt: 'msg' }], wires: [[call]] };
      return [
        {
          id: call,
          type: 'pcp-rest',
          z: 'tab',
          connection: 'api',
          operation: 'call',
          method: 'GET',
          path: '$' + '{PCP_TEST_PATH}',
          trigger: 'input',
          onError: 'error',
          wires: [[again]],
        },
        { ...passOn, id: again },
        { id: failed, type: 'catch', z: 'tab', scope: [call], wires: [[again]] },
      ];
    });
    return [
      { id: 'tab', type: 'tab', label: 'API' },
      {
        id: 'api',
        type: 'pcp-connection',
        name: 'API',
        connectorType: 'generic.rest',
        config: { base_url: baseUrl, requests_per_second: 10, max_concurrency: 4 },
      },
      {
        id: 'start',
        type: 'inject',
        z: 'tab',
        props: [{ p: 'payload' }],
        payload: '',
        payloadType: 'date',
        once: true,
        onceDelay: 0.1,
        wires: [callers.map(([call]) => call!.id)],
      },
      ...callers.flat(),
    ];
  }

  it(`are kept over ${REQUESTS} requests, and both have their part`, async function () {
    const store = databaseUrl(await (await postgresServer(this)).createDatabase());
    const baseUrl = await judge.start();
    const start = (path: string) =>
      NodeRed.start({
        flows: flows(baseUrl),
        environment: { INTEGRATIONS_STORE_URL: store, INTEGRATIONS_KEY: 'ab'.repeat(32), PCP_TEST_PATH: path },
      });
    running.push(...(await Promise.all(['/one', '/other'].map(start))));
    const partOf = (path: string) => judge.arrivals.filter((arrival) => arrival.path === path).length;
    await judge.when(() => partOf('/one') >= REQUESTS / 3 && partOf('/other') >= REQUESTS / 3);
    await judge.when(() => judge.arrivals.length >= REQUESTS);
    if (process.env.PCP_TEST_REQUESTS) console.log(judge.summary, partOf('/one'), partOf('/other'));
    assert.ok(judge.mostPerSecond <= 10, `${judge.mostPerSecond} in a second`);
    assert.ok(judge.mostAtOnce <= 4, `${judge.mostAtOnce} at a time`);
  });
});
