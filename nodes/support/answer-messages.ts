import type { Node, NodeAPI, NodeMessage, NodeMessageInFlow } from 'node-red';
import { nodeFailure } from './failure';
import type { NodeStatusLine } from './status';
import { WorkQueue } from './work-queue';

type Answer = NodeMessage | (NodeMessage | null)[];

/**
 * A node works on its messages one after another until it is closed.
 * @param perform what it gives is sent; what it throws is for the Catch nodes, and shown
 */
export function answerMessages(
  RED: NodeAPI,
  node: Node,
  status: NodeStatusLine,
  perform: (msg: NodeMessageInFlow, signal: AbortSignal) => Promise<Answer>,
): void {
  const queue = new WorkQueue();
  node.on('input', (msg, send, done) => {
    queue
      .run((signal) => perform(msg, signal))
      .then(
        (answer) => {
          send(answer);
          done();
        },
        (error) => {
          status.failed(error);
          done(nodeFailure(RED, error));
        },
      );
  });
  node.on('close', (done: () => void) => {
    queue.close().then(done);
  });
}
