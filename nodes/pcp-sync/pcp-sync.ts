import type { Node, NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';
import { spokenJob } from '../../lib/locales/runs';
import { IntegrationError } from '../../lib/model/errors';
import type { Direction } from '../../lib/model/mapping';
import type { Hub, JobStatus, SyncRequest } from '../../lib/model/services';
import { hub } from '../hub-access';
import { connectionNode } from '../pcp-connection/connection-node';
import { mappingNode } from '../pcp-mapping/mapping-node';
import { nodeFailure, runtimeLocale } from '../support/failure';
import { showLiveState } from '../support/live-state';
import { NodeStatusLine } from '../support/status';
import { followJob, jobFailure, jobTotals } from './follow-job';

interface SyncNodeDef extends NodeDef {
  connection: string;
  /** '' = all active mappings of the connection. */
  mapping: string;
  direction: Direction | '';
  full: boolean;
  dryRun: boolean;
  /** When the wanted mapping is running already: an error, the result of that run, or that of one behind it. */
  whenActive: 'error' | 'follow' | 'queue';
}

/** Runs the mappings of a connection: output 1 the job's end, output 2 its progress. Runs live in the hub, not in the node. */
export = (RED: NodeAPI): void => {
  function PcpSync(this: Node, def: SyncNodeDef): void {
    RED.nodes.createNode(this, def);
    const status = new NodeStatusLine(RED, this);
    const closing = new AbortController();
    const jobs = new Set<string>();
    status.clear();

    const show = (job: JobStatus) => {
      const { processed, percent } = job.progress;
      if (percent === null) status.working('running', { count: processed });
      else status.working('running_percent', { count: processed, percent: Math.floor(percent) });
    };

    const showEnd = (job: JobStatus) => {
      const totals = jobTotals(job);
      const failure = jobFailure(job);
      if (failure) status.failed(failure);
      else if (totals.errors > 0) status.attention('partial', { count: totals.success, failed: totals.errors });
      else status.finished('succeeded', { count: totals.success });
    };

    const synchronise = async (msg: NodeMessageInFlow, send: (msg: (NodeMessageInFlow | null)[]) => void) => {
      const open = await hub(RED);
      const { connectionId, request } = await requested(msg);
      const job = await start(open, connectionId, request);
      jobs.add(job.job_id);
      try {
        const end = await followJob(open.sync, job, closing.signal, (progress) => {
          show(progress);
          send([null, { ...RED.util.cloneMessage(msg), payload: spokenJob(progress, runtimeLocale(RED)) }]);
        });
        showEnd(end);
        msg.payload = spokenJob(end, runtimeLocale(RED));
        send([msg, null]);
        const failure = jobFailure(end);
        if (failure) throw failure;
      } finally {
        jobs.delete(job.job_id);
      }
    };

    const requested = async (msg: NodeMessageInFlow) => {
      const mapping = def.mapping ? await mappingNode(RED, def.mapping).registered() : null;
      const connectionId = mapping
        ? mapping.connection_id
        : (await connectionNode(RED, def.connection).registered()).id;
      const direction = msg.direction === 'import' || msg.direction === 'export' ? msg.direction : def.direction;
      const request: SyncRequest = {
        ...(mapping && { mapping_id: mapping.id }),
        ...(direction && { direction }),
        full: typeof msg.full === 'boolean' ? msg.full : Boolean(def.full),
        dry_run: typeof msg.dry_run === 'boolean' ? msg.dry_run : Boolean(def.dryRun),
        ...(def.whenActive === 'queue' && { overlap: 'queue' }),
        created_by: `node:${this.id}`,
        trigger: 'node',
      };
      return { connectionId, request };
    };

    const start = async (open: Hub, connectionId: number, request: SyncRequest): Promise<JobStatus> => {
      try {
        return await open.sync.start(connectionId, request);
      } catch (error) {
        const active = IntegrationError.from(error).code === 'PCP_RUN_ACTIVE';
        const job = active && def.whenActive === 'follow' ? await activeJob(open, connectionId, request) : null;
        if (!job) throw error;
        return job;
      }
    };

    const cancel = async () => {
      const open = await hub(RED);
      await Promise.all([...jobs].map((job) => open.sync.cancel(job)));
    };

    this.on('input', (msg, send, done) => {
      const wantsCancel = msg.cancel === true || msg.topic === 'cancel';
      const emit = send as (msg: (NodeMessageInFlow | null)[]) => void;
      (wantsCancel ? cancel() : synchronise(msg, emit)).then(
        () => done(),
        (error) => {
          if (closing.signal.aborted) {
            done();
            return;
          }
          status.failed(error);
          done(nodeFailure(RED, error));
        },
      );
    });

    /**
     * A deploy does not stop the run that an earlier life of this node began: show it, and let it be cancelled. A live mapping
     * runs by itself: show how it is.
     */
    const adopt = async () => {
      const open = await hub(RED);
      const mapping = def.mapping ? await mappingNode(RED, def.mapping).registered() : null;
      if (mapping?.sync_mode === 'live') {
        showLiveState(RED, this, mapping.id, closing.signal);
        return;
      }
      const { connectionId, request } = await requested({ _msgid: '' });
      const job = await activeJob(open, connectionId, request);
      if (!job) return;
      jobs.add(job.job_id);
      showEnd(await followJob(open.sync, job, closing.signal, show));
      jobs.delete(job.job_id);
    };
    setImmediate(() => {
      adopt().catch((error) => {
        if (!closing.signal.aborted) status.failed(error);
      });
    });

    this.on('close', (done: () => void) => {
      closing.abort(new IntegrationError('cancelled', 'PCP_NODE_CLOSED', 'The node was closed.'));
      done();
    });
  }

  RED.nodes.registerType('pcp-sync', PcpSync);
};

async function activeJob(open: Hub, connectionId: number, request: SyncRequest): Promise<JobStatus | null> {
  const page = await open.sync.logs({
    connection_id: connectionId,
    status: 'in_progress',
    limit: 1,
    ...(request.mapping_id !== undefined && { mapping_id: request.mapping_id }),
    ...(request.direction && { direction: request.direction }),
  });
  const log = page.items[0];
  return log ? open.sync.status(log.job_id) : null;
}
