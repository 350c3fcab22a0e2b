import assert from 'node:assert/strict';
import { IsgServer } from '../support/ebs/isg-server';
import { EbsPlant } from '../support/ebs/plant';
import { FaultProxy } from '../support/fault-proxy';
import { postgresAvailable } from '../support/postgres';
import { DebugMessages } from './debug-messages';
import { exampleFlow, type FlowNode, NodeRed, type NodeRedVersion } from './node-red-process';

type Message = Record<string, unknown> & { payload: unknown };

const EXAMPLE = 'pcp-ex-oracle-ebs';
const LIMITS = { statement_timeout_ms: 5000, connect_timeout_ms: 5000, timeout_ms: 10_000, wait_seconds: 0 };

for (const version of ['node-red', 'node-red-4'] satisfies NodeRedVersion[]) {
  (postgresAvailable() ? describe : describe.skip)(`example of Oracle EBS in ${version}`, function () {
    this.timeout(180_000);
    const gateway = new IsgServer();
    let plant: EbsPlant;
    let way: FaultProxy;
    let nodeRed: NodeRed;
    let debug: DebugMessages;
    let read = 0;

    before(async () => {
      plant = await EbsPlant.start();
      await gateway.start();
      gateway.methods.set('workrequest/work_request_import', () => ({ X_RETURN_STATUS: 'S', X_ID: 17 }));
      way = await FaultProxy.start(plant.options.port!);
      nodeRed = await NodeRed.start({ version, flows: [] });
      await deploy();
      debug = await DebugMessages.open(nodeRed.url);
    });
    after(async () => {
      debug?.close();
      await nodeRed?.remove();
      await way?.stop();
      await gateway.stop();
      await plant?.stop();
    });

    const functionNode = (id: string, func: string, to: string[]): FlowNode => ({
      ...{ id: `${EXAMPLE}-${id}`, type: 'function', z: EXAMPLE, x: 100, y: 500, outputs: 1, libs: [] },
      ...{ func: `${func} return msg;`, wires: [to] },
    });

    /** The example with a connection of the test, and a node beside it that reads what changed. */
    function deploy(credentials: Record<string, string> = {}): Promise<void> {
      const settings = { ...LIMITS, port: way.port, base_url: gateway.url };
      const own = plant.connection(settings, { password: gateway.password, ...credentials });
      const flow = exampleFlow('pcp-oracle-ebs').map(
        (node): FlowNode =>
          node.type === 'pcp-connection' ? { ...node, config: own.config, credentials: own.credentials } : node,
      );
      const copied = (id: string, changes: object) => ({
        ...flow.find((node) => node.id === `${EXAMPLE}-${id}`)!,
        id: `${EXAMPLE}-changed-${id}`,
        ...changes,
      });
      return nodeRed.deploy([
        ...flow,
        copied('read', { wires: [[`${EXAMPLE}-position`]] }),
        functionNode('position', "msg.cursor = flow.get('cursor');", [`${EXAMPLE}-changed-reader`]),
        copied('reader', { cursorField: 'LAST_UPDATE_DATE', wires: [[`${EXAMPLE}-keep`]] }),
        functionNode('keep', "flow.set('cursor', msg.cursor);", [`${EXAMPLE}-changed-found`]),
        copied('found', {}),
      ]);
    }
    const pressed = async <T = Message>(button: string, shown: string, wanted?: (value: T) => boolean): Promise<T> => {
      const before = debug.all(`${EXAMPLE}-${shown}`).length;
      await nodeRed.inject(`${EXAMPLE}-${button}`);
      return debug.next<T>(
        `${EXAMPLE}-${shown}`,
        (value) => debug.all(`${EXAMPLE}-${shown}`).indexOf(value as never) >= before && (wanted?.(value) ?? true),
      );
    };
    const records = async (button: string, shown: string) => {
      const isEnd = ({ complete }: Message) => complete === true;
      const { result } = await pressed(button, shown, isEnd);
      return (result as { records: number }).records;
    };
    const outcome = async () => (await pressed('write', 'written')).result as Record<string, number>;
    const failure = async (button: string) => {
      const { message } = await pressed<{ message: string }>(button, 'error');
      return message;
    };

    it('reads jobs, and then what changed; posts a move once; calls a service', async () => {
      read = await records('read', 'found');
      assert.equal(read, 14);
      assert.equal(await records('changed-read', 'changed-found'), 14);
      const changed =
        "UPDATE wip_discrete_jobs SET last_update_date = '2026-11-28T09:00:00' WHERE wip_entity_id = 5003";
      await plant.database.execute(changed);
      await records('changed-read', 'changed-found');
      // What is older than the stamp by more than an hour is not read again.
      assert.equal(await records('changed-read', 'changed-found'), 1);
      assert.equal((await outcome()).created, 1);
      await plant.managers.run();
      assert.equal((await outcome()).unchanged, 1);
      const { payload } = await pressed('call', 'called');
      assert.deepEqual(payload, { X_RETURN_STATUS: 'S', X_ID: 17 });
    });

    it('says what is away, without blaming anything else, and goes on when it is back', async () => {
      await way.turn('refuse');
      for (const button of ['read', 'write']) {
        const message = await failure(button);
        assert.match(message, /^PCP_CONNECT_REFUSED: Nothing answers at 127\.0\.0\.1:\d+\. Check the port/);
      }
      await way.turn('none');
      assert.equal((await outcome()).unchanged, 1, 'what was posted before is not posted again');
      await way.turn('silence');
      assert.match(await failure('read'), /^PCP_CONNECT_TIMEOUT: .* Check host and port/);
      await way.turn('none');
      assert.equal(await records('read', 'found'), read);
      assert.equal((await plant.rows('wip_move_transactions')).length, 1);
      gateway.cuts = () => true;
      assert.match(await failure('call'), /^PCP_UNKNOWN_OUTCOME: Whether it was done is not known/);
      gateway.cuts = () => false;
    });

    it('names the password that is wrong', async () => {
      await deploy({ database_password: 'canary-4711' });
      assert.match(await failure('read'), /^PCP_SQL_AUTH: .* Check user name and password/);
      await deploy({ password: 'canary-4712' });
      assert.match(await failure('call'), /^PCP_ISG_SIGN_IN: The sign-in was answered with 401/);
      assert.ok(!nodeRed.output.includes('canary-471'));
    });
  });
}
