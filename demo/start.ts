import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionView, JobStatus } from '../lib/model/services';
import { DemoClient } from './client';
import { correctionOf } from './correction';
import { DEMO_CONNECTIONS, DEMO_MAPPINGS } from './definitions';
import { type Messages, messagesFor } from './messages';
import { isPortFree, NodeRed } from './node-red';
import { PlantService } from './plant-service';
import { SHOP_FLOOR_CONNECTIONS, SHOP_FLOOR_MAPPINGS } from './shop-floor/definitions';
import { MACHINES, Machines } from './shop-floor/machines';
import { plantServiceFiles, prepareUserDirectory } from './user-directory';

/** A stream that brings nothing within this time is shown as it is. */
const LIVE_PATIENCE_MS = 10_000;

/** dist/demo/start.js lies two levels below the project. */
const PROJECT_ROOT = path.join(__dirname, '..', '..');

/**
 * The demo: a Node-RED 5 with the package installed and a small plant connected to it, synchronised once, whose machines move.
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
  const machines = await Machines.start(directory, port, {
    off: (name, seconds) => console.log(text.machineOff(name, seconds)),
    on: (name, pid) => console.log(text.machineOn(name, pid)),
  });
  const service = await startPlantService(directory, port);
  const nodeRed = new NodeRed(PROJECT_ROOT, directory, {
    PCP_DEMO_SERVICE: service.url,
    PCP_DEMO_OPCUA: machines.address('filling-line'),
    PCP_DEMO_MODBUS_PORT: String(machines.ports['energy-meter']),
    PCP_DEMO_MQTT: machines.address('broker'),
  });
  const stopping = new AbortController();
  const stop = stopOnce(nodeRed, stopping, text);
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  void nodeRed.exited.then((code) => {
    // Killed from outside: nobody asked for it.
    if (code === null && !stopping.signal.aborted && !process.env.DEMO_ONCE) process.exitCode = 1;
    stopping.abort();
  });
  const client = new DemoClient(`http://127.0.0.1:${port}`);
  try {
    await client.waitUntilUp(60_000, () => nodeRed.running);
  } catch (error) {
    if (nodeRed.running) console.error(text.failed(sentence(error)));
    await nodeRed.stop();
    process.exitCode = 1;
  }
  try {
    if (nodeRed.running) {
      await presentPlant(client, stopping.signal, text, { port, directory, service: service.url, machines });
    }
  } catch (error) {
    // What the demo shows is an extra: Node-RED, with the user's flows, goes on.
    if (!stopping.signal.aborted) console.error(text.incomplete(sentence(error)));
  }
  if (process.env.DEMO_ONCE) await nodeRed.stop();
  const code = await nodeRed.exited;
  await Promise.all([service.close(), machines.stop()]);
  process.exitCode ??= code ?? 0;
}

/** Beside Node-RED's port, so that it is the same at each start; anywhere when that one is taken. */
async function startPlantService(directory: string, nodeRedPort: number): Promise<PlantService> {
  const files = plantServiceFiles(directory);
  const port = (await isPortFree(nodeRedPort + 1)) ? nodeRedPort + 1 : 0;
  return PlantService.start(files.data, readFileSync(files.token, 'utf8'), port);
}

const sentence = (error: unknown) => (error instanceof Error ? error.message : String(error));

function stopOnce(nodeRed: NodeRed, stopping: AbortController, text: Messages): () => void {
  return () => {
    if (stopping.signal.aborted) return;
    stopping.abort();
    console.log(`\n${text.stopping}`);
    void nodeRed.stop().then(() => console.log(text.stopped));
  };
}

async function presentPlant(
  client: DemoClient,
  stopping: AbortSignal,
  text: Messages,
  { port, directory, service, machines }: { port: number; directory: string; service: string; machines: Machines },
): Promise<void> {
  const connections = await client.registered({
    connections: DEMO_CONNECTIONS.length + SHOP_FLOOR_CONNECTIONS.length,
    mappings: DEMO_MAPPINGS.length + SHOP_FLOOR_MAPPINGS.length,
  });
  // The plant's service may have found another port free than the last time.
  await client.keepTargets();
  // In the order of the definitions: master data first, exports last.
  for (const { name } of DEMO_CONNECTIONS) {
    const connection = connections.find((candidate) => candidate.name === name);
    if (connection) await synchroniseOnce(client, connection, stopping, text);
    else console.error(text.missing(name));
  }
  const api = `http://127.0.0.1:${port}/integrations`;
  console.log(
    text.ready({
      editor: `http://127.0.0.1:${port}/`,
      status: `${api}/ui/`,
      api: `${api}/openapi.json`,
      deadLetters: `${api}/sync/dead-letters?state=open`,
      service,
      directory,
    }),
  );
  console.log(text.shopFloor);
  for (const name of MACHINES) console.log(`  ${text.machineNames[name].padEnd(20)} ${machines.address(name)}`);
  const streams = await client.liveMappings(LIVE_PATIENCE_MS);
  for (const stream of streams) console.log(text.liveLine(stream));
  console.log(text.counts);
  for (const entity of new Set([...DEMO_MAPPINGS, ...SHOP_FLOOR_MAPPINGS].map((mapping) => mapping.entity_type))) {
    console.log(`  ${entity.padEnd(20)} ${await client.countRecords(entity)}`);
  }
  const { total, newest } = await client.openDeadLetters();
  console.log(text.deadLetters(total));
  console.log(
    text.tryThis({
      api,
      service,
      token: plantServiceFiles(directory).token,
      directory,
      correction: newest && correctionOf(newest, api),
    }),
  );
  console.log(text.tryMachines({ api, pid: (name) => machines.pid(name) }));
  console.log(text.end);
}

/** Says what a sync did. One that fails is a matter for the user to look at, with Node-RED running. */
async function synchroniseOnce(
  client: DemoClient,
  connection: ConnectionView,
  stopping: AbortSignal,
  text: Messages,
): Promise<void> {
  console.log(text.synchronising(connection.name));
  try {
    const jobs = await client.synchronise(connection.id);
    const names = await client.mappingNames();
    for (const job of jobs) report(job, names, text);
  } catch (error) {
    // The end of the process is known a moment after its connections are cut.
    await delay(100);
    if (stopping.aborted) throw error;
    console.error(text.syncFailed(connection.name, sentence(error)));
  }
}

function report(job: JobStatus, mappingNames: Map<number, string>, text: Messages): void {
  for (const log of job.logs) {
    const line = {
      mapping: mappingNames.get(log.mapping_id) ?? String(log.mapping_id),
      direction: log.direction,
      records: log.records_processed,
      created: log.details.created,
      updated: log.details.updated,
      unchanged: log.details.unchanged,
      rejected: log.records_error,
    };
    console.log(text.runLine(line));
    if (log.status === 'error') console.log(`    ${log.error_message ?? ''} ${log.details.hint ?? ''}`);
  }
}
