import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

/** Libraries that the bundle holds: their licences go with it. */
const BUNDLED = ['preact', 'uplot'];

/** The status page as three files that need nothing else, so that it works on a plant's network without the internet. */
export function buildStatusPage(project: string, output: string): void {
  const target = join(output, 'ui');
  buildSync({
    entryPoints: { app: join(project, 'ui', 'main.tsx'), style: join(project, 'ui', 'style.css') },
    outdir: target,
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    tsconfig: join(project, 'ui', 'tsconfig.json'),
    logLevel: 'warning',
  });
  cpSync(join(project, 'ui', 'index.html'), join(target, 'index.html'));
  const licences = BUNDLED.map(
    (name) => `${name}\n\n${readFileSync(join(project, 'node_modules', name, 'LICENSE'), 'utf8')}`,
  );
  writeFileSync(join(target, 'licenses.txt'), licences.join('\n\n'));
}
