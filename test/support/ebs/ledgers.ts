import { commits } from '../cutting-proxy';
import { IsgServer } from './isg-server';
import { EbsPlant, type Row } from './plant';

const SIGNED_IN = { responsibility: 'WIP_SUPERUSER', responsibility_application: 'WIP' };
/** The least that the setting allows: a look-up counts what is under way for longer than twice that as lost. */
const TIMEOUT_MS = 1000;

/**
 * An interface that is a service of the gateway, and what the managers made of its rows.
 * @param posted a query for what names each posting
 */
export async function ebsByGateway(table: string, posted: string) {
  const plant = await EbsPlant.start();
  // As many pieces as anybody reports.
  await plant.database.execute('UPDATE wip_operations SET quantity_in_queue = 1000000');
  const gateway = await new IsgServer().start();
  const name = table.toUpperCase();
  gateway.methods.set(`alias/${name}`, async ({ [`${name}_REC`]: rows }) => {
    await plant.insert(table, ...(rows as Row[]));
    return {};
  });
  const config = { base_url: gateway.url, authentication: 'basic', interfaces: { [name]: 'alias' } };
  return {
    port: Number(new URL(gateway.url).port),
    connection: plant.connection({ ...config, max_concurrency: 4 }, { password: gateway.password }),
    posted: () => postedOf(plant, posted),
    async close() {
      await plant.stop();
      await gateway.stop();
    },
  };
}

/** The same by SQL, whose commits are cut. */
export async function ebsBySql(posted: string) {
  const plant = await EbsPlant.start();
  return {
    port: plant.options.port!,
    recognise: commits,
    connection: plant.connection({ ...SIGNED_IN, statement_timeout_ms: TIMEOUT_MS }),
    posted: () => postedOf(plant, posted),
    close: () => plant.stop(),
  };
}

/** Some of them are taken up before the look-up comes, others after it. */
async function postedOf(plant: EbsPlant, sql: string): Promise<string[]> {
  while ((await plant.managers.run()) > 0);
  return (await plant.database.query(sql)).map(({ name }) => String(name));
}
