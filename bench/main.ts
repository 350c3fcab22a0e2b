import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { benchDeliveries } from './deliveries';
import { benchErp } from './erp';
import { benchEventLoop } from './event-loop';
import { benchHooks } from './hooks';
import { benchIdle } from './idle';
import { benchForeignImport, benchImport } from './import';
import { benchLive } from './live';
import { benchMapping } from './mapping';
import { benchModbus } from './modbus';
import { benchRest } from './rest';
import { benchSchedules } from './schedules';
import { withPostgres } from './support/postgres';

const USAGE = `npm run bench -- [--only mapping,idle,sqlite,postgres,foreign,rest,erp,modbus,loop,live] [--rows 1000000] [--passes 3] [--memory-rows 4000000] [--seconds 30] [--quick]

Each benchmark runs its peers and its limits in the same run; the exit code is the number of limits missed.
--quick: 100,000 rows, one pass, no second memory size. rest and erp have 100,000 records to read in any case, and 20,000 and 10,000 to write.
--seconds: how long values of the shop floor keep coming; 1800 tells whether memory stays flat.
hooks and schedules take as long (hooks twice), deliveries as long as they take; they run only when they are named: --seconds 300 and 600 are the proofs of the first two.`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: 'mapping,idle,sqlite,postgres,foreign,rest,erp,modbus,loop,live' },
      rows: { type: 'string', default: '1000000' },
      passes: { type: 'string', default: '3' },
      'memory-rows': { type: 'string', default: '4000000' },
      seconds: { type: 'string', default: '30' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const wanted = new Set(values.only.split(','));
  const rows = values.quick ? 100_000 : Number(values.rows);
  const passes = values.quick ? 1 : Number(values.passes);
  const options = {
    rows,
    passes,
    expertRows: Math.min(rows, 200_000),
    stockRows: Math.min(rows, 20_000),
    memoryRows: values.quick ? 0 : Number(values['memory-rows']),
  };
  const data = mkdtempSync(path.join(tmpdir(), 'pcp-bench-data-'));
  let missed = 0;
  try {
    if (wanted.has('mapping')) missed += await benchMapping(values.quick ? 50_000 : 200_000, 2 * passes + 1);
    if (wanted.has('idle')) missed += await benchIdle(2 * passes + 1);
    if (wanted.has('sqlite')) missed += await benchImport(data, null, options);
    if (wanted.has('postgres')) missed += await withPostgres((url) => benchImport(data, url, options));
    if (wanted.has('foreign')) missed += await withPostgres((url) => benchForeignImport(data, url, options));
    if (wanted.has('rest')) missed += await benchRest(100_000, 20_000, values.quick ? 1 : 2 * passes + 1);
    if (wanted.has('erp')) missed += await benchErp(100_000, 10_000, values.quick ? 1 : 2 * passes + 1);
    if (wanted.has('modbus')) missed += await benchModbus(2 * passes + 1);
    if (wanted.has('loop')) missed += await benchEventLoop(data, rows);
    if (wanted.has('hooks')) {
      const seconds = values.quick ? 10 : Number(values.seconds);
      missed += await withPostgres((url) => benchHooks(seconds, url));
      missed += await benchHooks(seconds, undefined);
    }
    if (wanted.has('schedules')) {
      const minutes = values.quick ? 2 : Math.max(2, Math.round(Number(values.seconds) / 60));
      missed += await withPostgres((url) => benchSchedules(minutes, url));
    }
    if (wanted.has('deliveries')) {
      missed += await withPostgres((url) => benchDeliveries(values.quick ? 60 : 3600, url));
    }
    if (wanted.has('live')) {
      missed += await benchLive({ messages: values.quick ? 50_000 : 200_000, passes, seconds: Number(values.seconds) });
    }
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
  console.log(missed === 0 ? '\nAll limits kept.' : `\n${missed} limits missed.`);
  return missed;
}

main().then(
  (missed) => process.exit(missed),
  (error) => {
    console.error(error);
    process.exit(100);
  },
);
