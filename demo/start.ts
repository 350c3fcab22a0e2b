import path from 'node:path';
import type { JobStatus } from '../lib/model/services';
import { DemoClient } from './client';
import { DEMO_CONNECTIONS, DEMO_MAPPINGS } from './definitions';
import { type Messages, messagesFor } from './messages';
import { isPortFree, NodeRed } from './node-red';
import { prepareUserDirectory } from './user-directory';

/** dist/demo/start.js lies two levels below the project. */
const PROJECT_ROOT = path.join(__dirname, '..', '..');

/**
 * The demo: a Node-RED 5 with the package installed and a small plant connected to it, synchronised once.
 * Environment: `PORT` (1880), `DEMO_DIRECTORY` (demo/data), `DEMO_ONCE` (ends after the first synchronisation).
 */
export async function main(): Promise<void> {
  const text = messagesFor(process.env);
  const port = Number(process.env.PORT || 1880);
  const directory = path.resolve(process.env.DEMO_DIRECTORY || path.join(PROJECT_ROOT, 'demo', 'data'));
  if (!(await isPortFree(port))) {
    console.error(text.portTaken(port));
    process.exitCode = 1;
    return;
  }
  const isNew = prepareUserDirectory(directory, PROJECT_ROOT, port);
  console.log(isNew ? text.preparing : text.continuing);
  console.log(text.starting);
  const nodeRed = new NodeRed(PROJECT_ROOT, directory);
  const stop = stopOnce(nodeRed, text);
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    await presentPlant(new DemoClient(`http://127.0.0.1:${port}`), nodeRed, text, { port, directory });
    if (process.env.DEMO_ONCE) await nodeRed.stop();
  } catch (error) {
    if (nodeRed.running) {
      console.error(text.failed(error instanceof Error ? error.message : String(error)));
      await nodeRed.stop();
    }
    process.exitCode = 1;
  }
  const code = await nodeRed.exited;
  process.exitCode ??= code ?? 0;
}

function stopOnce(nodeRed: NodeRed, text: Messages): () => void {
  let stopping = false;
  return () => {
    if (stopping) return;
    stopping = true;
    console.log(`\n${text.stopping}`);
    void nodeRed.stop().then(() => console.log(text.stopped));
  };
}

async function presentPlant(
  client: DemoClient,
  nodeRed: NodeRed,
  text: Messages,
  { port, directory }: { port: number; directory: string },
): Promise<void> {
  await client.waitUntilUp(60_000, () => nodeRed.running);
  const connections = await client.registered({
    connections: DEMO_CONNECTIONS.length,
    mappings: DEMO_MAPPINGS.length,
  });
  // In the order of the definitions: master data first, exports last.
  for (const { name } of DEMO_CONNECTIONS) {
    const connection = connections.find((candidate) => candidate.name === name);
    if (!connection) throw new Error(`Connection "${name}" is missing.`);
    console.log(text.synchronising(name));
    report(await client.synchronise(connection.id), await client.mappingNames(), text);
  }
  const api = `http://127.0.0.1:${port}/integrations`;
  console.log(
    text.ready({
      editor: `http://127.0.0.1:${port}/`,
      api: `${api}/openapi.json`,
      deadLetters: `${api}/sync/dead-letters?state=open`,
      directory,
    }),
  );
  console.log(text.counts);
  for (const entity of new Set(DEMO_MAPPINGS.map((mapping) => mapping.entity_type))) {
    console.log(`  ${entity.padEnd(20)} ${await client.countRecords(entity)}`);
  }
  console.log(text.tryThis({ api, directory }));
}

function report(job: JobStatus, mappingNames: Map<number, string>, text: Messages): void {
  for (const log of job.logs) {
    const line = {
      mapping: mappingNames.get(log.mapping_id) ?? String(log.mapping_id),
      direction: log.direction,
      records: log.records_processed,
      created: log.details.created,
      errors: log.records_error,
    };
    console.log(text.runLine(line));
    if (log.status === 'error') console.log(`    ${log.error_message ?? ''} ${log.details.hint ?? ''}`);
  }
}
